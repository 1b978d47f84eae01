"""The final backup of a database that is dropped with its project."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_command import remote

from components.server import Server

NOTHING = ":"
FINAL = "answer=$(codeb-agent final)"
"""Its words on standard error are enough when it fails; its JSON stays out."""


def final_backup(
    name: str, document: str, server: Server, made: Sequence[pulumi.Resource], parent: pulumi.Resource
) -> remote.Command:
    """Does nothing but when it is deleted: after the release, which depends on it, and before what was `made`, on which it
    depends. When that fails the run ends, and the database is still there.

    `server` is the one with the data, `document` what its agent is told (`codeb.render.final_document`).
    """
    return remote.Command(
        f"{name}-final",
        connection=server.connection,
        create=NOTHING,
        delete=FINAL,
        stdin=document,
        logging=remote.Logging.NONE,
        add_previous_output_in_env=False,
        opts=pulumi.ResourceOptions(
            parent=parent, depends_on=[server.bundle, *made], deleted_with=server.bundle
        ),
    )
