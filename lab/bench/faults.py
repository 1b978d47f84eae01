"""Updates of a fleet under faults of Vultr's API and under kills, and what is left of them: `python -m lab.bench.faults`.

Each run changes something, with faults switched on, and may be killed at a moment that chance chooses. Then the faults go,
and only what an operator has mends what is left: the commands that `codeb fleet check` names, and one more update. A second
stack of the same name is in the same account and must not change.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from lab.bench.by_hand import host_zone
from lab.bench.fleets import APPS, DATA, FleetStack
from lab.host import Lab
from lab.pulumi.cli import cli
from lab.vultr.faults import Rule
from lab.vultr.simulator import Simulator

FAULTS: Final = ("cut-after", "500-after", "cut-before", "500", "429")
ACCOUNT: Final = "main"
KILLED: Final = 0.25
"""Of the runs."""
SHOWN_EVERY: Final = 25
"""Runs after which the table is printed, so that a bench that is stopped has said something."""
TRIES: Final = 6
"""Rounds of check, mend and update until all is well; more is a failure."""


@dataclass
class Tally:
    """What happened, over all runs."""

    runs: int = 0
    failed: int = 0
    killed: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)
    rounds: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0


class Faults:
    """One session: a stack, its neighbour, an account."""

    def __init__(
        self, vultr: Simulator, stack: FleetStack, neighbour: FleetStack, chance: random.Random
    ) -> None:
        self.vultr, self.stack, self.neighbour, self.chance = vultr, stack, neighbour, chance
        self.tally = Tally()

    def begin(self) -> None:
        """Both stacks up, without faults."""
        for stack in (self.neighbour, self.stack):
            done = stack.up()
            if done.returncode:
                raise SystemExit(f"the first update failed:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
        self._others = self._of_neighbour()
        self._disks = self._data()

    def run(self) -> None:
        """One run: change, faults, perhaps a kill; mend; look."""
        self.tally.runs += 1
        self._change()
        before = len(self.vultr.calls())
        self._switch_on()
        verb = "refresh" if self.chance.random() < 0.2 else "up"
        self._watched(verb)
        self.vultr.faults.clear()
        self.tally.hits.update(one.fault for one in self.vultr.calls()[before:] if one.fault)
        self._mend()
        self._look()

    def _change(self) -> None:
        """Another number of servers, another disk, other people: what an operator's week brings."""
        count = self.chance.choice((2, 2, 3))
        zone = self.chance.choice(("fleet.test", "fleet.test", ""))
        enabled = self.chance.random() < 0.8
        self.stack.change(pools=[{**APPS, "count": count}, DATA], dnsZone=zone, balancer={"enabled": enabled})

    def _switch_on(self) -> None:
        for _ in range(self.chance.randint(1, 3)):
            kind = self.chance.choice(FAULTS)
            method = self.chance.choice(("POST", "DELETE", "PATCH,PUT", "GET", "*"))
            self.vultr.faults.add(
                Rule(
                    kind,
                    method=method,
                    account=ACCOUNT,
                    probability=self.chance.choice((0.05, 0.2, 0.5)),
                    seed=self.chance.randrange(1 << 30),
                    count=self.chance.choice((1, 2, 4, 8)),
                )
            )

    def _watched(self, verb: str) -> None:
        """Run it to its end, or kill it."""
        line = self.stack.start_line(verb, "--yes", "--skip-preview")
        killed_after = self.chance.uniform(1, 8) if self.chance.random() < KILLED else None
        with subprocess.Popen(
            line,
            cwd=self.stack.folder,
            env=self.stack.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                code = process.wait(killed_after)
                self.tally.failed += code != 0
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                self.tally.killed += 1
        self.stack.bench.remember()

    def _mend(self) -> None:
        """Do what the check says until it says nothing and an update goes through."""
        for number in range(1, TRIES + 1):
            self.stack.bench.stack.clear()
            for command in self._commands():
                self.tally.commands[command[1]] += 1
                self.stack.codeb(*command, "--yes")
            done = self.stack.up()
            if done.returncode == 0 and not self._found():
                self.tally.rounds[number] += 1
                return
        self.tally.wrong.append(
            f"run {self.tally.runs}: not mended: {done.stdout[-1500:]}{done.stderr[-500:]}"
        )

    def _found(self) -> list[dict[str, Any]]:
        done = self.stack.codeb("fleet", "check", "--json")
        document = json.loads(done.stdout or "{}")
        return list(document.get("findings") or ())

    def _commands(self) -> Iterable[Sequence[str]]:
        """The first command of each finding's remedy."""
        for finding in self._found():
            self.tally.findings[f"{finding['trouble']}: {finding['kind']}"] += 1
            words = finding["remedy"].partition("`codeb ")[2].partition("`")[0].split()
            if words:
                yield [word for word in words if word not in ("--stack", self.stack.bench.stack.name)]

    def _look(self) -> None:
        """What must hold after each run."""
        known = {item.get("id") for item in self.stack.resources()}
        mine = {
            f"{kind} {identity}"
            for kind, things in self.stack.content().items()
            if isinstance(things, dict)
            for identity in things
            if identity not in known and identity not in self._others
        }
        left = {thing for thing in mine if not thing.startswith(("domains", "failures"))}
        if left:
            self.tally.wrong.append(f"run {self.tally.runs}: left in the account: {sorted(left)}")
        if self._of_neighbour() != self._others:
            self.tally.wrong.append(f"run {self.tally.runs}: the neighbour's things changed")
        if not self._disks <= self._data():
            self.tally.wrong.append(f"run {self.tally.runs}: a data disk is gone")

    def _of_neighbour(self) -> dict[str, str]:
        """Everything of the neighbour, as the account has it."""
        known = {item.get("id") for item in self.neighbour.resources()}
        return {
            identity: json.dumps(thing, sort_keys=True)
            for things in self.neighbour.content().values()
            if isinstance(things, dict)
            for identity, thing in things.items()
            if identity in known
        }

    def _data(self) -> set[str]:
        """The stack's disks that the state knows."""
        known = {item.get("id") for item in self.stack.resources()}
        return {identity for identity in self.stack.content()["blocks"] if identity in known}


def show(tally: Tally, console: Console) -> None:
    """The tables that the documentation shows."""
    table = Table("what", "figure")
    table.add_row("runs", str(tally.runs))
    table.add_row("of them failed / killed", f"{tally.failed} / {tally.killed}")
    table.add_row("faults that hit a call", ", ".join(f"{kind} {n}" for kind, n in tally.hits.most_common()))
    for finding, number in tally.findings.most_common():
        table.add_row(f"found: {finding}", str(number))
    for command, number in tally.commands.most_common():
        table.add_row(f"codeb fleet {command}", str(number))
    for rounds, number in sorted(tally.rounds.items()):
        table.add_row(f"well again after {rounds} round{'s' * (rounds > 1)}", str(number))
    table.add_row("left, lost, or another stack's changed", str(len(tally.wrong)))
    table.add_row("minutes", f"{tally.seconds / 60:.0f}")
    console.print(table)
    for line in tally.wrong:
        console.print(line, markup=False)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; 1 when something was left, lost or touched."""
    parser = argparse.ArgumentParser(
        "lab.bench.faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    lab, console = Lab.here(), Console(highlight=False)
    with tempfile.TemporaryDirectory() as scratch, Simulator(Path(scratch) / "vultr") as vultr:
        host_zone(vultr, ACCOUNT)
        found = cli(lab.folders, lab.progress, ())
        stack = FleetStack.make(found, Path(scratch) / "one", vultr)
        neighbour = FleetStack.make(found, Path(scratch) / "two", vultr, {"pools": [APPS, DATA]})
        session = Faults(vultr, stack, neighbour, random.Random(options.seed))  # noqa: S311
        started = time.monotonic()
        session.begin()
        for number in range(1, options.runs + 1):
            session.run()
            session.tally.seconds = time.monotonic() - started
            wrong = len(session.tally.wrong)
            print(f"run {number} of {options.runs}, {wrong} wrong so far", file=sys.stderr, flush=True)
            if number % SHOWN_EVERY == 0 and number < options.runs:
                show(session.tally, console)
    show(session.tally, console)
    return 1 if session.tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
