"""The verb `logs`: a project's newest lines, oldest first, then those to come; secrets masked.

It tells a document a line, and at its end the answer. Texts are looked for in what is shown: in the lines as they were
written, they would tell secrets, a letter at a time.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from agent.documents.reader import Reader
from agent.documents.redact import CUT, Redactor
from agent.edge import site
from agent.host import commands, paths
from agent.host.ports import Ports
from agent.release import masking
from agent.report import log_query
from agent.report.log_lines import OWN, Access, Audit, Line, Own, Whole
from agent.report.log_query import Query

_SEARCH_S: Final = 60
_BACK_S: Final = 86_400
"""How far back Caddy's lines are looked for when nobody says it: they are many, and no index leads to a host's."""
_FRESH_S: Final = 0.2
"""For how long what is secret counts as known: a release writes its own well before its container starts."""
_BEAT: Final = 15
"""Silent seconds after which a sign of life is given."""
_LONGEST: Final = 16_384

_UNKNOWN: Final = (
    "what its containers wrote is not shown: its secrets are not here, so that none could be masked"
)

Document = dict[str, object]


def logs(ports: Ports, document: Reader, by: str) -> Generator[Document, None, Document]:
    """Entries, `{"live": true}` before those to come, `{"beat": true}` in silence; then the answer. Raises BadDocument."""
    now = ports.clock.now()
    query = log_query.read(document, now)
    ports.asker.watch()
    mask = _Mask(ports, query.project)
    if query.follow:
        ports.runner.run(commands.journal_written())
    search = _Search(ports, query, ports.clock.monotonic() + _SEARCH_S)
    found = sorted(search.found(mask, now), key=lambda entry: entry[0])[-query.lines :] if query.lines else []
    yield from (shown for _, shown in found)
    if query.follow and not ports.asker.gone():
        yield {"live": True}
        yield from _coming(ports, query, mask, now)
    return {
        "ok": True,
        "end": True,
        "project": query.project,
        "here": bool(found) or _is_here(ports, query.project),
        "warnings": search.warnings,
    }


def _is_here(ports: Ports, project: str) -> bool:
    read = ports.files.read
    return any(read(path(project)) is not None for path in (paths.record, paths.routed))


@dataclass
class _Mask:
    """Masks what is secret now, and what was when it began."""

    ports: Ports
    project: str
    _asked: float = -1.0
    _known: list[Redactor] = field(default_factory=list)
    _facts: tuple[bytes | None, ...] = ()
    _told: bool = False

    def __call__(self, text: str) -> str:
        self._look()
        for redact in self._known:
            text = redact(text)
        return text

    @property
    def known(self) -> bool:
        """Whether the project's variables are here, or were, so that it is known what is secret."""
        self._look()
        return self._told

    def _look(self) -> None:
        now = self.ports.clock.monotonic()
        if self._known and now - self._asked <= _FRESH_S:
            return
        self._asked = now
        files = [
            f(self.project, colour) for f in (paths.environment, paths.module) for colour in paths.COLOURS
        ]
        facts = tuple(self.ports.files.read(path) for path in (*files, paths.record(self.project)))
        self._told = self._told or any(found is not None for found in facts[: len(paths.COLOURS)])
        if not self._known or facts != self._facts:
            self._known = [*self._known[-3:], masking.redactor(self.ports, self.project)]
            self._facts = facts


def _entry(line: Line, mask: _Mask) -> Document:
    text = mask(line.text)
    moment = datetime.fromtimestamp(line.at / 1_000_000, UTC)
    facts = {"colour": line.colour, "name": line.name}
    return {
        "at": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "kind": line.kind,
        **{key: value for key, value in facts.items() if value},
        "text": text if len(text) <= _LONGEST else text[:_LONGEST] + CUT,
    }


@dataclass
class _Search:
    """What is there already. It ends when whoever asked has left, and at a deadline, which is a warning."""

    ports: Ports
    query: Query
    deadline: float
    warnings: list[str] = field(default_factory=list)

    def found(self, mask: _Mask, now: datetime) -> Iterator[tuple[int, Document]]:
        """The newest lines of each source, in no order."""
        query, until = self.query, self.query.until or now.timestamp()
        since = "" if query.since is None else f"{query.since:.6f}"
        own = Own(query.project)
        if _wants_own(query) and not mask.known:
            self.warnings.append(_UNKNOWN)
        elif _wants_own(query):
            program = commands.journal(own.matches(), since, f"{until:.6f}", follow=False)
            yield from itertools.islice(self._kept(self._whole(program, own.line), mask), query.lines)
        access = _access(self.ports, query)
        if access:
            since = since or f"{until - _BACK_S:.6f}"
            program = commands.journal(
                access.matches(), since, f"{until:.6f}", follow=False, words=access.words
            )
            yield from itertools.islice(self._kept(self._lines(program, access.line), mask), query.lines)
        if "audit" in query.kinds:
            lines = self._lines(commands.audited(query.project), Audit(query.project).line)
            within = (line for line in lines if (query.since or 0) <= line.at / 1_000_000 <= until)
            yield from deque(self._kept(within, mask), maxlen=query.lines)

    def _kept(self, lines: Iterator[Line], mask: _Mask) -> Iterator[tuple[int, Document]]:
        for line in lines:
            entry = _entry(line, mask)
            if line.kind in self.query.kinds and self.query.holds(str(entry["text"])):
                yield line.at, entry

    def _whole(self, program: list[str], read: Callable[[str], Line | None]) -> Iterator[Line]:
        whole = Whole(newest_first=True)
        for line in self._lines(program, read):
            yield from whole.add(line)
        yield from whole.rest()

    def _lines(self, program: list[str], read: Callable[[str], Line | None]) -> Iterator[Line]:
        with closing(self.ports.runner.lines([program], unless=self._over)) as rows:
            for row in rows:
                line = read(row[1]) if row else None
                if line:
                    yield line
        if self.ports.clock.monotonic() > self.deadline and not self.warnings:
            self.warnings.append(
                f"older lines were not looked at: {_SEARCH_S} s were not enough. Name a later --since"
            )

    def _over(self) -> bool:
        return bool(self.ports.asker.gone()) or self.ports.clock.monotonic() > self.deadline


def _wants_own(query: Query) -> bool:
    return bool(OWN & set(query.kinds))


def _access(ports: Ports, query: Query) -> Access | None:
    """The names that the project's site answers to; None when nobody wants its requests, or it has none here."""
    hosts = site.answered(ports, query.project) if "access" in query.kinds else ()
    return Access(hosts) if hosts else None


def _coming(ports: Ports, query: Query, mask: _Mask, now: datetime) -> Iterator[Document]:
    """What is written from `now` on, until whoever asked has left."""
    since = f"{now.timestamp() + 0.000001:.6f}"
    own, access, audit = Own(query.project), _access(ports, query), Audit(query.project)
    sources: list[tuple[list[str], Callable[[str], Line | None]]] = []
    if _wants_own(query):
        sources.append((commands.journal(own.matches(), since, "", follow=True), own.line))
    if access:
        program = commands.journal(access.matches(), since, "", follow=True, words=access.words)
        sources.append((program, access.line))
    if "audit" in query.kinds:
        sources.append((commands.audited_from_now(), audit.line))
    whole, silent = Whole(newest_first=False), 0
    with closing(ports.runner.lines([program for program, _ in sources], unless=ports.asker.gone)) as rows:
        for row in rows:
            line = sources[row[0]][1](row[1]) if row else None
            silent = 0 if row else silent + 1
            for each in whole.add(line) if line else () if row else whole.rest():
                entry = _entry(each, mask)
                shown = each.kind in query.kinds and (mask.known or each.kind not in OWN)
                if shown and query.holds(str(entry["text"])):
                    yield entry
            if silent >= _BEAT:
                silent = 0
                yield {"beat": True}
