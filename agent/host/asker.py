"""A release that nobody waits for any more is put back, until users are sent to it."""

from __future__ import annotations

from agent.documents.errors import Failed
from agent.host.ports import Ports


def must_wait(ports: Ports, phase: str, left: str = "") -> None:
    """Raises Failed when whoever asked has gone; `left` says what was stopped."""
    why = ports.asker.gone()
    if why:
        raise Failed(
            phase,
            f"interrupted: {why}{left}",
            "run `pulumi up` again: the release starts from its beginning",
            interrupted=True,
        )
