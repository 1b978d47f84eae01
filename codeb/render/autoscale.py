"""The timer that runs `codeb autoscale` on a machine of the operator's, as systemd's units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from codeb.render.text import render

WRITTEN_BY: Final = "# Written by `codeb autoscale timer`, which writes it anew.\n"
"""The first line of both units: what has it may be written over."""


@dataclass(frozen=True)
class TimerArgs:
    """`folder` is the program's, `codeb` the command's own path, `environment` a file with what the pulumi CLI needs;
    `every_s` seconds lie between the end of a look and the next one."""

    stack: str
    folder: str
    codeb: str
    user: str
    environment: str
    every_s: int


def timer_units(args: TimerArgs) -> dict[str, str]:
    """Text by file name.

    Raises:
        quote.QuoteError: a path or a name has no safe form in a unit.
    """
    name = f"codeb-autoscale-{args.stack}"
    values = {"stack": args.stack, "every_s": args.every_s}
    command = (args.codeb, "autoscale", "--stack", args.stack)
    service = render(
        "autoscale/codeb-autoscale.service",
        user=args.user,
        folder=args.folder,
        environment=args.environment,
        command=command,
        **values,
    )
    timer = render("autoscale/codeb-autoscale.timer", **values)
    return {f"{name}.service": service, f"{name}.timer": timer}
