"""The end of an update that rotated administrators' passwords: those before are let in no more.

Until then both are, so an update that was killed, or in which an app did not come up, is just run again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_command import remote

from codeb.plan import Plan
from codeb.render import rotated
from components.server import Server

SETTLE = "codeb-agent settle"


def settled(
    name: str,
    document: pulumi.Input[str],
    server: Server,
    after: Sequence[pulumi.Resource],
    parent: pulumi.Resource,
) -> remote.Command:
    """`document` has the passwords; all that was sent earlier ones is in `after`. Deleting it does nothing."""
    return remote.Command(
        f"{name}-settled",
        connection=server.connection,
        create=server.here(SETTLE),
        stdin=pulumi.Output.secret(document),
        logging=remote.Logging.NONE,
        add_previous_output_in_env=False,
        opts=pulumi.ResourceOptions(
            parent=parent, depends_on=[server.bundle, *after], deleted_with=server.bundle
        ),
    )


def to_settle(plan: Plan, before: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether there is anything to take away, and nobody needs it.

    What is taken off a server in this very run (a project that left, or moved) is sent the password that it was
    released with, which is the earlier one: then it is the next run's turn.
    """
    return rotated(plan) and not _taken_off(plan, before)


def _taken_off(plan: Plan, before: Mapping[str, Mapping[str, Any]]) -> bool:
    now = {project.id: set(project.servers) for project in plan.projects}
    return any(set(entry.get("servers") or ()) - now.get(key, set()) for key, entry in before.items())
