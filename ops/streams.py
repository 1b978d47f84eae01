"""What several servers' agents tell at the same time, as one stream, in the order of the moments that they name."""

from __future__ import annotations

import heapq
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from codeb.ssh import SshTarget
from ops.access import Server
from ops.ssh import SshError

WINDOW_S: Final = 1.0
"""For how long a line waits for earlier ones of other servers."""
_FIRST_S: Final = 10.0
"""For how long the first lines wait for servers that have not told theirs yet."""
_WAITING: Final = 10_000
"""Lines that wait at most: more of them go out as they are."""
_QUEUED: Final = 1_000
_TICK_S: Final = 0.2

Clock = Callable[[], float]


class Told(Protocol):
    """`ops.ssh.Telling`, or what stands in for it in tests."""

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Documents, the agent's answer last. Raises SshError."""

    def end(self) -> None:
        """Log out."""


class Tell(Protocol):
    """`ops.ssh.tell`, or what stands in for it in tests."""

    def __call__(
        self, target: SshTarget, verb: str, document: Mapping[str, Any]
    ) -> AbstractContextManager[Told]:
        """An open connection. Raises SshError."""


@dataclass(frozen=True)
class Heard:
    """What a server's agent told; or `problem`, why it tells nothing more. `done`: it has ended."""

    server: str
    document: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    done: bool = False

    @property
    def at(self) -> str:
        """The moment that it names, "" for none."""
        return str(self.document.get("at", ""))


def heard(
    servers: Sequence[Server], verb: str, document: Mapping[str, Any], tell: Tell
) -> Generator[Heard | None, None, None]:
    """Everything that the servers tell, as it comes; None now and then in silence. Closing it logs out of all of them."""
    listeners = _Listeners(verb, document, tell)
    threads = [threading.Thread(target=listeners.listen, args=(each,), daemon=True) for each in servers]
    try:
        for thread in threads:
            thread.start()
        left = len(servers)
        while left:
            each = listeners.next()
            left -= each is not None and each.done
            yield each
    finally:
        listeners.end()
        for thread in threads:
            if thread.ident is not None:
                thread.join()


class _Listeners:
    """A thread a server; what they hear waits in one queue, so that whoever reads slowly slows the servers down."""

    def __init__(self, verb: str, document: Mapping[str, Any], tell: Tell) -> None:
        self._verb, self._document, self._tell = verb, document, tell
        self._news: queue.Queue[Heard] = queue.Queue(_QUEUED)
        self._over = threading.Event()
        self._open: list[Told] = []

    def listen(self, server: Server) -> None:
        """All that a server tells, and its end."""
        problem = ""
        try:
            with self._tell(server.target, self._verb, self._document) as told:
                self._open.append(told)
                for each in told if not self._over.is_set() else ():
                    self._put(Heard(server.name, each))
        except SshError as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001 - whoever listens has to know that this thread has ended
            problem = f"{type(error).__name__}: {error}"
        self._put(Heard(server.name, problem=problem, done=True))

    def next(self) -> Heard | None:
        """What comes next, None when nothing does for a moment."""
        try:
            return self._news.get(timeout=_TICK_S)
        except queue.Empty:
            return None

    def end(self) -> None:
        """Log out everywhere."""
        self._over.set()
        for told in list(self._open):
            told.end()

    def _put(self, each: Heard) -> None:
        while not self._over.is_set():
            try:
                return self._news.put(each, timeout=_TICK_S)
            except queue.Full:
                continue


def in_order(
    arrivals: Iterable[Heard | None], servers: int, lines: int, clock: Clock = time.monotonic
) -> Iterator[Heard]:
    """What comes, ordered by its moments as far as a short wait allows; problems and ends at once.

    Each server first tells its last lines and says `live`: of all of them together the newest `lines` go out.
    """
    waiting, first, began, live = _Waiting(), True, clock(), set[str]()
    for each in arrivals:
        now = clock()
        if each is not None and (each.done or "ok" in each.document):
            yield each
        elif each is not None and each.at:
            waiting.add(each, now)
        if each is not None and (each.done or "live" in each.document):
            live.add(each.server)
        if first and (len(live) == servers or now - began > _FIRST_S):
            first = False
            yield from waiting.all()[-lines:] if lines else waiting.all()[:0]
        elif not first:
            yield from waiting.due(now, WINDOW_S if servers > 1 else 0)
    rest = waiting.all()
    yield from (rest[-lines:] if lines else ()) if first else rest


class _Waiting:
    """Lines that wait for earlier ones."""

    def __init__(self) -> None:
        self._sorted: list[tuple[str, int, Heard]] = []
        self._arrived: deque[tuple[float, int]] = deque()
        self._gone: set[int] = set()
        self._count = 0

    def add(self, each: Heard, now: float) -> None:
        self._count += 1
        heapq.heappush(self._sorted, (each.at, self._count, each))
        self._arrived.append((now, self._count))

    def due(self, now: float, window: float) -> list[Heard]:
        """The lines that have waited long enough, with all earlier ones."""
        found: list[Heard] = []
        while self._arrived:
            arrived, number = self._arrived[0]
            if number in self._gone:
                self._gone.discard(number)
            elif now - arrived >= window or len(self._sorted) > _WAITING:
                found += self._until(number)
                self._gone.discard(number)
            else:
                break
            self._arrived.popleft()
        return found

    def all(self) -> list[Heard]:
        """Everything that waits."""
        found = [heapq.heappop(self._sorted)[2] for _ in range(len(self._sorted))]
        self._arrived.clear()
        self._gone.clear()
        return found

    def _until(self, number: int) -> Iterator[Heard]:
        """The earliest ones up to the one of this number."""
        while self._sorted:
            _, which, each = heapq.heappop(self._sorted)
            self._gone.add(which)
            yield each
            if which == number:
                return
