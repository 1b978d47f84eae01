"""Edges at Vultr begin and end to serve visitors: the agent says when, and Pulumi's order makes use of it.

An edge that comes is attached to the balancer once it answers for every site. One that goes is let go of by the balancer
first, which is an update, and deletions come after those; then it answers who has come, and only then is its server taken
apart, as this depends on that.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import pulumi
from pulumi_command import remote

from components.server import Server

JOIN: Final = "codeb-agent join"
LEAVE: Final = "codeb-agent leave"


def serving(
    name: str, server: Server, *, arrives: bool, after: Sequence[pulumi.Resource] = ()
) -> remote.Command:
    """`<name>-serving`; what an edge that `arrives` is to answer for is in `after`, and it waits until that is so.

    Another one has its visitors already, however well it serves: nothing is gained by a failure. Who had them before
    stays as it is, so nothing runs there again.
    """
    document = {"version": 1, "attached": not arrives}
    return remote.Command(
        f"{name}-serving",
        connection=server.connection,
        create=server.here(JOIN),
        delete=LEAVE,
        stdin=json.dumps(document),
        logging=remote.Logging.STDERR,
        add_previous_output_in_env=False,
        opts=pulumi.ResourceOptions(
            parent=server,
            depends_on=[server.bundle, *after],
            ignore_changes=None if arrives else ["stdin"],
        ),
    )
