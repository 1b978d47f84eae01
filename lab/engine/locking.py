"""One operation at a time on a stack: a lock that the Pulumi CLI respects, and one of our own.

The CLI's DIY backend locks a stack with a file in `.pulumi/locks`; such a file outlives a killed process. Runs of this
engine also hold a lock of the operating system, which does not: who gets that one knows that files which another run of
this engine left behind are stale.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from lab.engine.checkpoint import StackFiles, now, write_durably
from lab.engine.errors import EngineError

_OURS: Final = "lab"


class Locked(EngineError):
    """Another operation is under way on the stack."""


@contextmanager
def locked(files: StackFiles, tell: Callable[[str], None]) -> Iterator[Path]:
    """Hold the stack's lock; `tell` hears of stale locks that are cleared.

    Raises:
        Locked: someone else holds it.
    """
    files.prepare()
    own = files.locks / f"{uuid.uuid4()}.json"
    with open(files.journal.with_suffix(".lock"), "a", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Locked(_message(_others(files, own)) or "the stack is locked by another run") from error
        _clear_stale(files, tell)
        _refuse_if_locked(files, own)
        write_durably(own, json.dumps(_content()))
        try:
            _refuse_if_locked(files, own)
            yield own
        finally:
            own.unlink(missing_ok=True)


def _content() -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "username": getpass.getuser(),
        "hostname": socket.gethostname(),
        "timestamp": now(),
        "engine": _OURS,
    }


def _others(files: StackFiles, own: Path) -> dict[Path, dict[str, Any]]:
    found = {}
    for path in sorted(files.locks.glob("*.json")):
        if path != own:
            try:
                found[path] = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                found[path] = {}
    return found


def _clear_stale(files: StackFiles, tell: Callable[[str], None]) -> None:
    for path, content in _others(files, Path()).items():
        if content.get("engine") == _OURS and content.get("hostname") == socket.gethostname():
            path.unlink(missing_ok=True)
            tell(
                f"cleared the lock of a run that was killed (pid {content.get('pid')}, {content.get('timestamp')})"
            )


def _refuse_if_locked(files: StackFiles, own: Path) -> None:
    message = _message(_others(files, own))
    if message:
        raise Locked(message)


def _message(others: dict[Path, dict[str, Any]]) -> str:
    if not others:
        return ""
    lines = [
        f"the stack is currently locked by {len(others)} lock(s). Either wait for the other process(es) to end or "
        "delete the lock file with `pulumi cancel`."
    ]
    for path, content in others.items():
        who = f"{content.get('username')}@{content.get('hostname')} (pid {content.get('pid')})"
        lines.append(f"  {path}: created by {who} at {content.get('timestamp')}")
    return "\n".join(lines)
