"""What the reporting team makes of a CodeB stack: a file for its monitoring a project, and the nightly report's variables.

Reads the platform's outputs `registry` and `connections`; writes below `reporting:folder`. Exports `watched` (project →
URL), `report` (what it reads and from where) and `databaseUrl` (secret).
"""

from __future__ import annotations

from typing import Any

import pulumi
from files import targets_file, variables_file
from platform_stack import Platform

REPORTED = ("DATABASE_URL", "MINIO_PUBLIC_ENDPOINT", "MINIO_BUCKET", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY")


async def main() -> dict[str, Any]:
    """Read, declare, export."""
    config = pulumi.Config()
    platform = await Platform.read(config.require("platform"))
    folder = config.get("folder") or "made"
    for project in platform.serving.values():
        targets_file(project, f"{folder}/targets")
    return {
        "watched": {id_: project.url for id_, project in platform.serving.items()},
        **report(platform, config.require("project"), folder),
    }


def report(platform: Platform, wanted: str, folder: str) -> dict[str, Any]:
    """The variables of one project, for as long as it is there."""
    project = platform.serving.get(wanted)
    if project is None:
        there = ", ".join(platform.serving) or "none"
        pulumi.log.warn(
            f"{platform.name} does not serve {wanted} (it serves {there}): there is no report of it"
        )
        return {}
    connection = platform.connection(wanted)
    variables_file(wanted, connection, REPORTED, folder)
    facts = {"project": wanted, "url": project.url, "database": project.database}
    return {"report": facts, "databaseUrl": connection.apply(lambda known: known.get("DATABASE_URL"))}


pulumi.run(main)
