"""A store as the destination of WAL: what it has of a cluster, what is sent next, since when it refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from agent.archive import segments, tail
from agent.archive.segments import Inventory, Piece, Segment
from agent.archive.spool import Tail
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.host.s3 import StoreError
from agent.store.sealed import Damaged, opened, put_sealed
from agent.store.settings import HERE, Store

_PAUSE_S = 15
_LONGEST_PAUSE_S = 120


class Depot:
    """`problem` says why it takes nothing ("" when it does); it is asked again after a pause that grows.

    `reached` is the moment up to which everything is there, None when that isn't known.
    """

    def __init__(self, ports: Ports, store: Store, recipient: str, system: str) -> None:
        self.store = store
        self.problem = ""
        self.reached: datetime | None = None
        self.covered = 0
        self.system = system
        self._ports, self._recipient = ports, recipient
        self._segments: set[Segment] = set()
        self._pieces: dict[Segment, list[Piece]] = {}
        self._histories: set[int] = set()
        self._same: dict[Segment, bool] = {}
        self._known = False
        self._pause_s, self._again = 0, 0.0

    @property
    def wal(self) -> Inventory:
        """What it has, as far as this run knows."""
        pieces = {whole: tuple(parts) for whole, parts in self._pieces.items()}
        return Inventory(frozenset(self._segments), pieces, frozenset(self._histories))

    def ready(self) -> bool:
        """Whether it is to be asked now, and knows what it has."""
        if self._ports.clock.monotonic() < self._again:
            return False
        if not self._known:
            self._known = self._tried(self._look)
        return self._known

    def has(self, what: Segment | int) -> bool:
        return what in self._histories if isinstance(what, int) else what in self._segments

    def send(self, what: Segment | int, content: bytes) -> bool:
        """Store a segment or a history, unless it is there; whether it is there now."""
        if self.has(what):
            return True
        if not self.ready() or not self._tried(lambda: self._put(segments.key(self.system, what), content)):
            return False
        self.added(what)
        return True

    def added(self, what: Segment | int) -> None:
        """It is there now."""
        if isinstance(what, int):
            self._histories.add(what)
            return
        self._segments.add(what)
        self._same[what] = True
        self._pieces.pop(what, None)
        self.covered = max(self.covered, what.after().start)

    def has_another(self, what: Segment, content: bytes) -> bool:
        """Whether something else has this name in the store here, of a run before: the cluster was set back since, and has
        written this part of its WAL once more. Asked once; other stores let nobody read."""
        if self.store.name != HERE or not self.ready() or not self.has(what):
            return False
        if what not in self._same:
            try:
                key = segments.key(self.system, what)
                self._same[what] = b"".join(opened(self._ports, self.store.place, key)) == content
            except (StoreError, PipeBroken, Damaged):
                return False
        return not self._same[what]

    def send_tail(self, found: Tail) -> bool:
        """Store what it hasn't got of the segment under way; whether it has all of it now."""
        if self.has(found.segment):
            return True
        if not self.ready():
            return False
        pieces = self._pieces.setdefault(found.segment, [])
        sent = max((piece.end for piece in tail.cover(pieces)), default=0)
        if len(found.content) > sent:
            start = tail.start_of_next(sent, len(pieces))
            piece = Piece(found.segment, start, len(found.content))
            key = segments.key(self.system, piece)
            if not self._tried(lambda: self._put(key, found.content[start:])):
                return False
            pieces.append(piece)
        self.covered = max(self.covered, found.segment.start + len(found.content))
        return True

    def failed(self, why: str) -> None:
        """It doesn't do what it is asked: leave it alone for a while."""
        self.problem = why
        self._pause_s = min(max(_PAUSE_S, self._pause_s * 2), _LONGEST_PAUSE_S)
        self._again = self._ports.clock.monotonic() + self._pause_s

    def _look(self) -> None:
        keys = (item.key for item in self._ports.s3.objects(self.store.place, segments.folder(self.system)))
        found = segments.inventory(self.system, keys)
        self._segments, self._histories = set(found.segments), set(found.histories)
        self._pieces = {whole: list(parts) for whole, parts in found.pieces.items()}

    def _put(self, key: str, content: bytes) -> None:
        put_sealed(self._ports, self.store.place, key, [content], self._recipient)

    def _tried(self, action: Callable[[], object]) -> bool:
        try:
            action()
        except (StoreError, PipeBroken) as error:
            self.failed(str(error))
            return False
        self.problem, self._pause_s = "", 0
        return True
