"""The log of calls: one JSON object a line, without anything secret (no header, no body)."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Logged:
    """One call; `status` is 0 when the connection was cut, `fault` the kind of the fault that hit it or ""."""

    at: float
    account: str
    method: str
    path: str
    query: str
    status: int
    fault: str
    seconds: float


class CallLog:
    """`calls.log` of a folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "calls.log"
        self._lock = threading.Lock()

    def add(self, call: Logged) -> None:
        """One more line."""
        with self._lock, self.path.open("a") as file:
            file.write(json.dumps(asdict(call)) + "\n")

    def read(self) -> list[Logged]:
        """Every call so far, a line that a kill has left unfinished aside."""
        if not self.path.exists():
            return []
        return [
            Logged(**json.loads(line)) for line in self.path.read_text().splitlines() if line.endswith("}")
        ]

    def clear(self) -> None:
        """Forget what was."""
        with self._lock:
            self.path.unlink(missing_ok=True)
