"""What can go wrong, as documents: phase, cause, what was put back, what to do, last log lines."""

from __future__ import annotations

from dataclasses import dataclass, replace


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
