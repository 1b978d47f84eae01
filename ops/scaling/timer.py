"""`codeb autoscale timer`: units for a machine that looks every minute."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from codeb.render.autoscale import WRITTEN_BY, TimerArgs, timer_units
from codeb.render.quote import QuoteError
from ops.result import Result, failed
from ops.words import clean


def timer(args: TimerArgs, to: Path) -> Result:
    """Write both units into a folder; a file of somebody else's is never written over."""
    try:
        units = timer_units(args)
    except QuoteError as error:
        return failed(error)
    others = [to / name for name in units if _is_of_others(to / name)]
    if others:
        return failed(f"{others[0]} is there and was not written by this command: move it away")
    written = _write(units, to)
    name = next(name for name in units if name.endswith(".timer"))
    lines = (
        *(clean(f"wrote {path}") for path in written),
        clean(f"before it starts, {args.environment} has to be there (docs/autoscaling.md)"),
        f"sudo systemctl daemon-reload && sudo systemctl enable --now {name}",
    )
    return Result({"ok": True, "files": [str(path) for path in written]}, lines)


def _is_of_others(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline() != WRITTEN_BY
    except FileNotFoundError:
        return False


def _write(units: Mapping[str, str], to: Path) -> list[Path]:
    to.mkdir(parents=True, exist_ok=True)
    for name, text in units.items():
        part = to / f".{name}.part"
        part.write_text(text, encoding="utf-8")
        os.replace(part, to / name)
    return [to / name for name in units]
