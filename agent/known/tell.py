"""Tells the collector of this host what is secret: at once what is new, and by the minute what is so no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agent.documents.errors import Failed
from agent.host import commands, paths, units
from agent.host.paths import COLOURS
from agent.host.ports import Busy, Ports
from agent.known import patterns, values
from agent.known.patterns import Known
from agent.known.values import Texts
from agent.project import environment, record

_WAIT_S: Final = 60
_RELOAD_S: Final = 30


def add(ports: Ports, texts: Texts) -> None:
    """What is secret from now on is masked before anything can print it. Raises Unwritable.

    Where there is no room for it, `refresh` says who gets it: else each release would take it from another project.
    """

    def more(before: Known) -> Known:
        if before.left_out or patterns.holds(before, texts.first):
            return before
        return patterns.chosen(texts.first, before.patterns, texts.then)

    _change(ports, more)


def refresh(ports: Ports) -> None:
    """What is secret, of the platform and of all projects with a record, is masked, and nothing else. Raises Unwritable.

    While a release is under way, or it isn't known which variables of a project are secret, nothing is taken away.
    Without a collector there is nothing of it any more.
    """

    def anew(before: Known) -> Known:
        found, sure = _all(ports)
        return patterns.chosen(found.first, () if sure else before.patterns, found.then)

    _change(ports, anew)


def left_out(ports: Ports) -> int:
    """How many secrets of this host its collector doesn't know, as there are too many."""
    return _read(ports).left_out


def _change(ports: Ports, change: Callable[[Known], Known]) -> None:
    if ports.files.read(paths.COLLECTOR) is None:
        if ports.files.entry(paths.KNOWN) is not None:
            ports.files.remove(paths.KNOWN)
        return
    try:
        with ports.files.lock(paths.KNOWN_LOCK, _WAIT_S):
            before = _read(ports)
            after = change(before)
            if after != before:
                ports.files.write(paths.KNOWN, patterns.to_bytes(after), 0o600)
            if after.patterns != before.patterns:
                _reload(ports)
    except Busy as error:
        ports.journal.log(f"the collector is not told what is secret: {error}; within a minute it will be")


def _read(ports: Ports) -> Known:
    return patterns.from_bytes(ports.files.read(paths.KNOWN) or b"")


def _reload(ports: Ports) -> None:
    """A collector that doesn't run reads it as it starts; one that takes no signal is started anew."""
    if not units.state(ports, paths.COLLECTOR_SERVICE).running:
        return
    if not ports.runner.run(commands.reload(paths.COLLECTOR_SERVICE), timeout_s=_RELOAD_S).ok:
        ports.journal.log(f"{paths.COLLECTOR_SERVICE} can't be reloaded: it is restarted")
        ports.runner.run(commands.restart_soon(paths.COLLECTOR_SERVICE))


def _all(ports: Ports) -> tuple[Texts, bool]:
    """All that is secret here, and whether that is sure to be all. Records are read after what says that one may change."""
    found = [values.of_platform(ports)]
    sure = not any(name.endswith(".undo") for name in ports.files.listing(paths.RECORDS))
    for project in record.known_projects(ports):
        try:
            known = record.load(ports, project)
        except Failed:  # `status` says why
            known = None
        for colour in COLOURS:
            variables = environment.read(ports.files, project, colour)
            spec = known.colours[colour].spec if known and colour in known.colours else None
            if spec is not None:
                found.append(values.of_project(variables, spec))
            sure = sure and (not variables or (spec is not None and spec.secret is not None))
    return values.together(found), sure
