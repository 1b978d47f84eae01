"""What the tools stand on: the stacks that the server was started for, and the ways to servers and to Pulumi."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from ops import access, ssh
from ops.access import Server, stack_values
from ops.doctor import Check
from ops.fleet import Ask
from ops.mcp.untrusted import refused
from ops.preview import runner
from ops.pulumi import outputs
from ops.runs import Runner
from ops.streams import Tell
from ops.tree import strays

ASK_SECONDS: Final = 60
"""The longest that a question to a server takes; a rollback takes as long as it takes."""
_CLIENT: Final = re.compile(r"[^A-Za-z0-9._-]+")

Outputs = Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True)
class World:
    """`stacks` says of each stack whether its settings marked it as one for development when the server was started."""

    folder: Path
    stacks: Mapping[str, bool]
    allow_deploy: bool
    by: str
    servers: Callable[[str, bool], tuple[Server, ...]]
    outputs: Outputs
    account: Callable[[str], Check | None]
    runner: Callable[[], Runner] = runner
    ask: Ask = field(default=partial(ssh.ask, timeout=ASK_SECONDS))
    act: Ask = ssh.ask
    tell: Tell = ssh.tell

    def refuse_strays(self, stack: str) -> None:
        """Nothing is read through links that lead out of the manifests' folder. Raises ToolError."""
        if found := strays(self.folder, stack):
            why = "manifests that are links to files elsewhere are not read here: remove them"
            raise refused(why, "\n".join(found[:5]))

    def is_development(self, stack: str) -> bool:
        """Whether the stack was marked as one for development when the server was started, and is now."""
        return self.stacks[stack] and is_development(self.folder, stack)

    def caller(self, client: str) -> str:
        """Who acts, for audit logs: the user here, and the client's own name for itself, cleaned."""
        return f"{self.by} via mcp:{_CLIENT.sub('_', client)[:40] or 'unknown'}"


def real(folder: Path, stacks: Mapping[str, bool], by: str, *, allow_deploy: bool) -> World:
    """The world as it is."""
    return World(
        folder,
        stacks,
        allow_deploy,
        by,
        servers=lambda stack, every: access.app_servers(folder, stack, None, every=every),
        outputs=lambda stack: outputs(folder, stack),
        account=lambda stack: _account(folder, stack),
    )


def is_development(folder: Path, stack: str) -> bool:
    """Whether the stack's settings say `codeb:development: true`; whatever else they say, it is production."""
    return str(stack_values(folder, stack).get("development", "")).lower() == "true"


def _account(folder: Path, stack: str) -> Check | None:
    from ops.machines import makes_servers

    if not makes_servers(stack_values(folder, stack)):
        return None
    from ops.fleet_commands import compared

    return partial(compared, stack)
