"""Running commands: short ones whose output is wanted, and builds that write to a log and die with us."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab.host import groups
from lab.host.errors import LabError

TAIL_LINES = 15
_DIES_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")
_OWN_GROUP = ("systemd-run", "--scope", "--quiet", "--collect", "--property=Delegate=yes", "--")
_OWN_NAMESPACES = ("unshare", "--fork", "--pid", "--kill-child=KILL", "--mount", "--mount-proc", "--")
_BOOTED_BY_SYSTEMD = Path("/run/systemd/system")


@contextmanager
def contained(argv: Sequence[str]) -> Iterator[list[str]]:
    """The command so wrapped that its whole process tree ends when its parent does, and its mounts with it.

    It has a control group of its own, where containers may make theirs, as long as the block lasts. Raises LabError.
    """
    if _BOOTED_BY_SYSTEMD.is_dir():
        yield [*_DIES_WITH_PARENT, *_OWN_GROUP, *_OWN_NAMESPACES, *argv]
        return
    with groups.own() as group:
        yield [*_DIES_WITH_PARENT, *groups.joining(group), *_OWN_NAMESPACES, *argv]


def output(argv: Sequence[str], *, stdin: str | None = None, remedy: str = "see the message above") -> str:
    """Run a short command and return its standard output.

    Raises LabError, with what the command said, when it fails.
    """
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise LabError(f"`{shlex.join(argv)}` failed with status {done.returncode}: {said}", remedy)
    return done.stdout


def build(
    argv: Sequence[str],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    what: str | None = None,
    remedy: str = "run the command again; what is done so far is kept",
) -> None:
    """Run a long command with its output appended to ``log``; ``env`` is added to our own environment.

    Raises LabError with the command's last lines when it fails; ``what`` names it there (default: its words).
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as sink:
        sink.write(f"$ {shlex.join(argv)}\n")
        sink.flush()
        begin = sink.tell()
        with contained(argv) as line:
            done = subprocess.run(
                line,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                check=False,
            )
    if done.returncode != 0:
        said = tail(log, begin)
        raise LabError(
            f"{what or shlex.join(argv)} failed with status {done.returncode}; end of {log}:\n{said}", remedy
        )


def tail(log: Path, begin: int = 0) -> str:
    """The last lines of a log from byte ``begin`` on, indented; empty when there is no log."""
    if not log.is_file():
        return ""
    lines = log.read_bytes()[begin:].decode(errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])
