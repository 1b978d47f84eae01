"""The verb `ship`: keeps the archive going, for an hour or until it is told to end; systemd starts it again.

Two things side by side, as a store that can't be reached takes its time: one looks at PostgreSQL, the slot and the disk,
and stops the receiver before either is full; the other ships. Neither ever holds the database up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from agent.archive import cluster, windows
from agent.archive.depot import Depot
from agent.archive.document import Wanted, read_wanted
from agent.archive.keeper import RECEIVER, Keeper
from agent.archive.shipping import Shipper
from agent.documents.errors import Failed, Unwritable
from agent.documents.reader import Reader
from agent.host import commands, paths
from agent.host.pipes import PipeBroken
from agent.host.ports import Busy, Ports
from agent.store.ability import remembered
from agent.store.settings import Settings, load_settings

_LASTS_S: Final = 3600
_PACE_S: Final = 5
_BEAT_S: Final = 15
_LEAVE_S: Final = 20


def ship(ports: Ports, document: Reader, by: str) -> dict[str, object]:
    """Ship WAL as it comes. Raises BadDocument, Failed, Unwritable; then the receiver is stopped, as nobody watches it."""
    wanted, _ = read_wanted(document)
    ports.asker.watch()
    try:
        with ports.files.lock(paths.ARCHIVE_LOCK, wait_s=0):
            return _shipped(ports, wanted)
    except Busy as error:
        raise Failed("lock", str(error), "another run ships already") from error


def _shipped(ports: Ports, wanted: Wanted) -> dict[str, object]:
    try:
        with ExitStack() as stack:
            keeper = opened(ports, remembered(ports, load_settings(ports)), wanted, stack)
            _kept_going(ports, keeper)
            return {"ok": True, "problem": keeper.problem}
    except PipeBroken as error:
        ports.runner.run(commands.stop(RECEIVER))
        raise Failed("postgres", str(error), "see `systemctl status postgres`; it is tried again") from error
    except (Failed, Unwritable):
        ports.runner.run(commands.stop(RECEIVER))
        raise


def opened(ports: Ports, settings: Settings, wanted: Wanted, stack: ExitStack) -> Keeper:
    """Log in, with a role that is made when it isn't there. Raises Failed, PipeBroken."""
    cluster.ensure_role(ports, settings.server)
    talk = stack.enter_context(cluster.conversation(ports, settings.server, "ship"))
    facts = talk.beat()
    depots = [Depot(ports, store, settings.recipient, facts.system) for store in settings.stores]
    return Keeper(ports, settings, talk, Shipper(ports, depots, facts.system, wanted.most_spool), wanted)


def _kept_going(ports: Ports, keeper: Keeper) -> None:
    """Raises Failed, PipeBroken as soon as one side does."""
    over = threading.Event()
    wrong: list[Exception] = []
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
    known = windows.Windows(ports, keeper.settings, keeper.shipper.depots)
    try:
        while not over.is_set():
            keeper.shipper.round()
            known.look()
            _wait(ports, _PACE_S, over.is_set)
    except (Failed, Unwritable) as error:
        wrong.append(error)
    finally:
        over.set()


def _wait(ports: Ports, seconds: float, unless: Callable[[], object]) -> None:
    end = ports.clock.monotonic() + seconds
    while ports.clock.monotonic() < end and not unless():
        ports.clock.sleep(0.5)
