"""Looks at PostgreSQL, the slot and the disk, does about them what has to be done, and tells whoever has to know."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from agent.archive import programs, slot, spool, state
from agent.archive.cluster import Cluster, Facts
from agent.archive.document import Wanted
from agent.archive.shipping import Shipper
from agent.host import commands, paths, units
from agent.host.ports import Ports
from agent.outbox.notify import tell
from agent.outbox.text import Event
from agent.store.settings import Settings

RECEIVER: Final = "codeb-wal.service"
BASE: Final = "codeb-base.service"
_STOP_S: Final = 60
_PATIENCE_S: Final = 180
"""How long the archive may be late before somebody is told: a store that is updated is away for a minute."""


class Keeper:
    """`problem` says what is wrong, "" when nothing is."""

    def __init__(
        self, ports: Ports, settings: Settings, talk: Cluster, shipper: Shipper, wanted: Wanted
    ) -> None:
        self.problem = ""
        self.settings, self.shipper = settings, shipper
        self._ports, self._talk, self._wanted = ports, talk, wanted
        self._late_since: float | None = None
        known = state.load(ports)
        self._told = known is not None and known.told
        self._reached = known.reached if known else {}

    def look(self) -> None:
        """Once: leave a moment in WAL, then see to slot and receiver. Raises Failed, PipeBroken."""
        now = self._ports.clock.now()
        facts = self._talk.beat()
        self.shipper.tell(facts.lsn, now)
        receiving = units.state(self._ports, RECEIVER).running
        free, disk = self._ports.files.disk_room(paths.ARCHIVE)
        size = spool.size(self._ports)
        known = slot.Facts(facts.slot, size, free, disk, receiving, facts.behind)
        decision = slot.decide(known, self._wanted.most_spool)
        for step in decision.steps:
            self._ports.journal.log(f"archive: {step}: {decision.problem or 'as it should be'}")
            self._do(step)
        self._say(decision.problem)
        self._note(facts, size)

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

    def _note(self, facts: Facts, size: int) -> None:
        """What is known, for `status`; whoever follows the projects concerned is told once when the archive stays late."""
        ports = self._ports
        now = state.State.of(ports, facts, size, self.problem, self.shipper.depots, self._reached)
        why, moment = now.late(now.at), ports.clock.monotonic()
        self._late_since = (moment if self._late_since is None else self._late_since) if why else None
        if self._late_since is None:
            self._told = False
        elif not self._told and moment - self._late_since >= _PATIENCE_S:
            self._told = True
            for project in self.settings.projects:
                if project.point_in_time:
                    tell(ports, self._event(project.id, why, f"{now.at:%Y-%m-%dT%H:%M:%SZ}"))
        state.save(ports, replace(now, told=self._told))

    @staticmethod
    def _event(project: str, why: str, at: str) -> Event:
        remedy = "`journalctl -t codeb-agent` on the data server has more; it is tried again all the time"
        return Event("backup-late", project, "codeb-ship", at, phase="archive", cause=why, remedy=remedy)
