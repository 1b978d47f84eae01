"""What can go wrong, as documents: phase, cause, what was put back, what to do, last log lines."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, replace
from typing import Final


class BadDocument(Exception):
    """The document on standard input is not what the verb takes. Exit status 2."""

    def __init__(self, where: str, cause: str) -> None:
        super().__init__(f"{where}: {cause}" if where else cause)


@dataclass(frozen=True)
class Failure:
    """Why a goal was not reached, in words for the person who reads Pulumi's error; `interrupted`: nobody waited for it."""

    phase: str
    cause: str
    remedy: str
    put_back: str = "nothing was changed"
    log: tuple[str, ...] = ()
    interrupted: bool = False

    def answer(self) -> dict[str, object]:
        """The answer's JSON document."""
        return {
            "ok": False,
            "phase": self.phase,
            "cause": self.cause,
            "put_back": self.put_back,
            "remedy": self.remedy,
            "log": list(self.log),
        }

    def text(self) -> str:
        """The same for people: what standard error shows."""
        lines = [
            f"failed in phase: {self.phase}",
            f"cause:           {self.cause}",
            f"put back:        {self.put_back}",
            f"what to do:      {self.remedy}",
        ]
        if self.log:
            lines.append("last log lines:")
            lines += [f"  | {line}" for line in self.log]
        return "\n".join(lines)

    def but_put_back(self, text: str) -> Failure:
        """The same failure with what was put back afterwards."""
        return replace(self, put_back=text)


class Failed(Exception):
    """A step failed; carries the failure that becomes the answer. Exit status 1."""

    def __init__(
        self,
        phase: str,
        cause: str,
        remedy: str,
        *,
        log: tuple[str, ...] = (),
        put_back: str | None = None,
        interrupted: bool = False,
    ) -> None:
        super().__init__(cause)
        failure = Failure(phase=phase, cause=cause, remedy=remedy, log=log, interrupted=interrupted)
        self.failure = failure if put_back is None else failure.but_put_back(put_back)


_ROOM: Final = (
    "make room: `df -h {path}` and `df -i {path}` show what is full; `podman image prune -a`, `journalctl "
    "--vacuum-size=200M`; then run again"
)
_WRITE_REMEDIES: Final = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: "raise the quota of root on this file system, or make room; then run again",
    errno.EROFS: "the file system is read-only: `dmesg` tells why; `mount -o remount,rw` its mount point, then run again",
    errno.EACCES: "run as root; `ls -ld` and `lsattr -d` show who may write there; then run again",
    errno.EPERM: "run as root; `ls -ld` and `lsattr -d` show who may write there; then run again",
}


class Unwritable(OSError):
    """A place on disk can't be written: which, and why. `remedy` says what to do; nothing is left half-written."""

    def __init__(self, path: str, error: OSError) -> None:
        why = os.strerror(error.errno) if error.errno else str(error)
        super().__init__(f"{path} can't be written: {why}")
        self.errno = error.errno
        self.remedy = _WRITE_REMEDIES.get(
            error.errno or 0, "see `df -h {path}` and `dmesg`, then run again"
        ).format(path=os.path.dirname(path) or "/")


def remedy_of(error: Exception, otherwise: str) -> str:
    """What to do about an error: its own remedy where it has one."""
    return error.remedy if isinstance(error, Unwritable) else otherwise
