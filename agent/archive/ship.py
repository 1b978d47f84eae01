"""The verb `ship`: keeps the archive going, for an hour or until it is told to end; systemd starts it again.

Two things side by side, as a store that can't be reached takes its time: one looks at PostgreSQL, the slot and the disk, and stops
the receiver before either is full; the other ships. Neither ever holds the database up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from agent.archive import cluster, programs, slot, spool, state, stock
from agent.archive.cluster import Cluster
from agent.archive.depot import Depot
from agent.archive.document import Wanted, read_wanted
from agent.archive.shipping import Shipper
from agent.documents.errors import Failed, Unwritable
from agent.documents.reader import Reader
from agent.host import commands, paths, units
from agent.host.pipes import PipeBroken
from agent.host.ports import Busy, Ports
from agent.host.s3 import StoreError
from agent.store.sealed import Damaged
from agent.store.settings import HERE, Settings, load_settings

RECEIVER: Final = "codeb-wal.service"
BASE: Final = "codeb-base.service"
_LASTS_S: Final = 3600
_PACE_S: Final = 5
_BEAT_S: Final = 15
_LOOK_S: Final = 600
_STOP_S: Final = 60
_LEAVE_S: Final = 20


def ship(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Ship WAL as it comes. Raises Failed when PostgreSQL doesn't answer at all."""
    wanted, _ = read_wanted(document)
    settings = load_settings(ports)
    ports.asker.watch()
    try:
        with ports.files.lock(paths.ARCHIVE_LOCK, wait_s=0), ExitStack() as stack:
            keeper = opened(ports, settings, wanted, stack)
            _kept_going(ports, keeper)
            return {"ok": True, "problem": keeper.problem}
    except Busy as error:
        raise Failed("lock", str(error), "another run ships already") from error
    except PipeBroken as error:
        raise Failed("postgres", str(error), "see `systemctl status postgres`; it is tried again") from error


def opened(ports: Ports, settings: Settings, wanted: Wanted, stack: ExitStack) -> Keeper:
    """Log in, with a role that is made when it isn't there. Raises Failed, PipeBroken."""
    cluster.ensure_role(ports, settings.server)
    talk = stack.enter_context(cluster.conversation(ports, settings.server))
    facts = talk.beat()
    depots = [Depot(ports, store, settings.recipient, facts.system) for store in settings.stores]
    return Keeper(ports, talk, Shipper(ports, depots, facts.system, wanted.most_spool), wanted)


class Keeper:
    """Looks at PostgreSQL and the disk, and does about the slot and the receiver what has to be done."""

    def __init__(self, ports: Ports, talk: Cluster, shipper: Shipper, wanted: Wanted) -> None:
        self.problem = ""
        self.shipper = shipper
        self._ports, self._talk, self._wanted = ports, talk, wanted

    def look(self) -> None:
        """Once: leave a moment in WAL, then see to slot and receiver. Raises Failed, PipeBroken."""
        now = self._ports.clock.now()
        facts = self._talk.beat()
        self.shipper.tell(facts.lsn, now)
        receiving = units.state(self._ports, RECEIVER).running
        free = 100 - self._ports.files.disk_used_percent(paths.ARCHIVE)
        size = spool.size(self._ports)
        known = slot.Facts(facts.slot, size, free, receiving, facts.behind)
        decision = slot.decide(known, self._wanted.most_spool)
        for step in decision.steps:
            self._ports.journal.log(f"archive: {step}: {decision.problem or 'as it should be'}")
            self._do(step)
        self._say(decision.problem)
        state.save(self._ports, state.State.of(self._ports, facts, size, self.problem, self.shipper.depots))

    def _do(self, step: slot.Step) -> None:
        ports = self._ports
        if step in ("stop", "recreate", "create"):
            units.must(ports, commands.stop(RECEIVER), "slot", f"see `journalctl -u {RECEIVER}`", _STOP_S)
        if step in ("recreate", "create"):
            spool.clear(ports)
            self._talk.drop_slot()
            self._talk.create_slot()
            ports.runner.run(programs.start_soon(BASE))
        if step == "start":
            ports.runner.run(commands.reset_failed(RECEIVER))
            units.must(ports, commands.start(RECEIVER), "slot", f"see `journalctl -u {RECEIVER}`", _STOP_S)

    def _say(self, problem: str) -> None:
        refusing = [f"{depot.store.name}: {depot.problem}" for depot in self.shipper.depots if depot.problem]
        found = "; ".join(filter(None, [problem, self.shipper.strange, *refusing]))
        if found != self.problem:
            self._ports.journal.log(f"archive: {found or 'all is well again'}")
        self.problem = found


def rebase(ports: Ports, keeper: Keeper) -> None:
    """Note from when on any moment can be recovered, and have a base backup taken when it is of none."""
    here = next((depot for depot in keeper.shipper.depots if depot.store.name == HERE), None)
    if here is None or not here.ready():
        return
    try:
        since = stock.point_in_time_from(stock.stock(ports, here.store.place, here.system))
    except (StoreError, PipeBroken, Damaged) as error:
        here.failed(str(error))
        return
    state.note_start(ports, since)
    if since is None:
        ports.journal.log("archive: no moment can be recovered: a base backup is taken")
        ports.runner.run(programs.start_soon(BASE))


def _kept_going(ports: Ports, keeper: Keeper) -> None:
    """Raises Failed, PipeBroken as soon as one side does."""
    over, wrong = threading.Event(), []
    shipping = threading.Thread(target=_shipping, args=(ports, keeper, over, wrong), daemon=True)
    shipping.start()
    end = ports.clock.monotonic() + _LASTS_S
    try:
        while not over.is_set() and not ports.asker.gone() and ports.clock.monotonic() < end:
            keeper.look()
            _wait(ports, _BEAT_S, lambda: over.is_set() or ports.asker.gone())
    finally:
        over.set()
        shipping.join(_LEAVE_S)
    if wrong:
        raise wrong[0]


def _shipping(ports: Ports, keeper: Keeper, over: threading.Event, wrong: list[Exception]) -> None:
    looked = -float(_LOOK_S)
    try:
        while not over.is_set():
            keeper.shipper.round()
            if ports.clock.monotonic() - looked >= _LOOK_S:
                looked = ports.clock.monotonic()
                rebase(ports, keeper)
            _wait(ports, _PACE_S, over.is_set)
    except (Failed, Unwritable) as error:
        wrong.append(error)
    finally:
        over.set()


def _wait(ports: Ports, seconds: float, unless: Callable[[], object]) -> None:
    end = ports.clock.monotonic() + seconds
    while ports.clock.monotonic() < end and not unless():
        ports.clock.sleep(0.5)
