"""The platform's outputs as this program knows them: version 1 of `registry` and `connections`.

The platform's `docs/outputs.md` says what may change within a version and what never does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi

READS: Final = {"registry": 1, "connections": 1}
SERVING: Final = ("running", "unhealthy", "maintenance")
"""Any other `status`, those too that come later, has nothing to watch."""


@dataclass(frozen=True)
class Project:
    """What the registry says of a project that serves. Nothing of it is secret."""

    id: str
    url: str
    release: str
    servers: tuple[str, ...]
    database: str | None


@dataclass(frozen=True)
class Platform:
    """One CodeB stack after its last update."""

    name: str
    serving: Mapping[str, Project]
    stack: pulumi.StackReference = field(repr=False)

    @classmethod
    async def read(cls, name: str) -> Platform:
        """The stack `name`.

        Raises:
            pulumi.RunError: it exports another version than this program reads.
        """
        stack = pulumi.StackReference(name)
        check(name, (await stack.get_output_details("versions")).value)
        registry = (await stack.get_output_details("registry")).value or {}
        projects = sorted(registry["projects"].items())
        return cls(name, {id_: _project(id_, entry) for id_, entry in projects if _serves(entry)}, stack)

    def connection(self, project: str) -> pulumi.Output[dict[str, str]]:
        """The variables of a project: a secret, as is whatever is made of it by `apply`."""
        every = self.stack.require_output("connections")
        return pulumi.Output.secret(every.apply(lambda known: dict(known[project])))


def check(name: str, versions: Mapping[str, Any] | None) -> None:
    """Raises pulumi.RunError when a stack with these versions can't be read."""
    if not versions:
        raise pulumi.RunError(
            f"{name} does not say which version its outputs have: its program is older than that, or it was never "
            "updated. Ask the platform's team for a `pulumi up`."
        )
    wrong = [
        f"{output} ({f'version {versions[output]:.0f}' if output in versions else 'not there'}, needed: version {needed})"
        for output, needed in READS.items()
        if versions.get(output) != needed
    ]
    if wrong:
        raise pulumi.RunError(
            f"{name} has other outputs than this program reads: {', '.join(wrong)}. "
            "The platform's CHANGELOG.md and docs/outputs.md say what to read instead."
        )


def _serves(entry: Mapping[str, Any]) -> bool:
    return entry["status"] in SERVING


def _project(id_: str, entry: Mapping[str, Any]) -> Project:
    return Project(
        id=id_,
        url=f"https://{entry['domain']}",
        release=(entry.get("release") or {}).get("id", ""),
        servers=tuple(entry.get("servers") or ()),
        database=(entry.get("database") or {}).get("name"),
    )
