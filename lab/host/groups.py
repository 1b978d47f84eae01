"""Control groups of machines, on a machine whose own systemd makes none.

Machines that are started in one group share it: units of the same name have the same processes for their systemds, and each
removes what another has made and not filled yet.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lab.host.errors import LabError

PREFIX: Final = "codeb-lab."
_PATIENCE_S: Final = 5.0
_numbers = itertools.count()


@contextmanager
def own() -> Iterator[Path | None]:
    """A control group below this process's, for what is started in the block, and gone with it.

    None where there is no cgroup v2 hierarchy. Those of processes that were killed go, too. Raises LabError.
    """
    parent = _parent()
    if parent is None:
        yield None
        return
    for left in parent.glob(f"{PREFIX}*"):
        if not Path("/proc", left.name.removeprefix(PREFIX).partition(".")[0]).exists():
            remove(left)
    group = parent / f"{PREFIX}{os.getpid()}.{next(_numbers)}"
    try:
        group.mkdir()
    except OSError as error:
        raise LabError(
            f"no control group can be made: {error}", "run as root, with cgroup v2 writable"
        ) from error
    try:
        yield group
    finally:
        _removed(group)


def joining(group: Path | None) -> list[str]:
    """The words before a command that put it into a control group."""
    return ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(group)] if group else []


def remove(group: Path) -> bool:
    """Whether a control group with all below it is gone. One with processes stays, and so do those around it."""
    for folder, _, _ in os.walk(group, topdown=False):
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return True


def _removed(group: Path) -> None:
    """Processes that were killed are in their group for a moment longer; what stays then, the next one finds."""
    end = time.monotonic() + _PATIENCE_S
    while not remove(group) and time.monotonic() < end:
        time.sleep(0.05)


def _parent() -> Path | None:
    """This process's own group, where cgroup v2 is mounted."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    mine = next((line[3:] for line in lines if line.startswith("0::")), None)
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, kind = line.partition(" - ")
        if kind.startswith("cgroup2 ") and mine is not None:
            return Path(fields.split()[4]) / mine.lstrip("/")
    return None
