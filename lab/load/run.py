"""The load as a whole: vegetas, WebSockets and curls on one app, started, stopped and read together."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from lab.host import Lab
from lab.load import samples, streams, tools
from lab.load.curl import EventStream, Upload, Uploader, event_stream
from lab.load.errors import LoadError
from lab.load.sockets import Sockets
from lab.load.surface import Shape
from lab.load.target import Target
from lab.load.vegeta import KINDS, Attack, targets

START_SECONDS = 30
UPLOAD_BYTES = 3_000_000


@dataclass(frozen=True)
class Result:
    """What became of everything. `failed` is what visitors would have seen fail, streams that ended aside."""

    began: float
    ended: float
    requests: tuple[samples.Sample, ...]
    unsent: int
    uploads: tuple[Upload, ...]
    lives: tuple[streams.Life, ...]
    troubles: tuple[str, ...]

    @property
    def failures(self) -> Counter[str]:
        """Failed requests, uploads and connections by what was wrong."""
        uploads = Counter(f"upload: {upload.wrong}" for upload in self.uploads if upload.wrong)
        return samples.failures(self.requests) + uploads + Counter(self.troubles)

    @property
    def failed(self) -> int:
        """How many requests failed."""
        return self.failures.total()

    def drops(
        self, stops: Iterable[streams.Moment] = (), serving: Iterable[streams.Moment] = ()
    ) -> list[streams.Life]:
        """Streams that ended before their colour was rightly stopped; without moments: all that ended."""
        return streams.drops(self.lives, list(stops), list(serving))


@dataclass
class Load:
    """Runs from `with` to its end; `result` is there afterwards. Raises LoadError when the load can't be made.

    What the target does not have is left out of the shape.
    """

    target: Target
    shape: Shape = field(default_factory=Shape)
    lab: Lab = field(default_factory=Lab.here)
    _result: Result | None = None
    _began: float = 0
    _attacks: list[Attack] = field(default_factory=list)
    _sockets: list[Sockets] = field(default_factory=list)
    _events: list[EventStream] = field(default_factory=list)
    _uploader: Uploader | None = None
    _closing: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.shape = self.shape.on(self.target.surface)

    @property
    def result(self) -> Result:
        """What became of everything, once the load has ended."""
        if self._result is None:
            raise LoadError("the load still runs, or never did")
        return self._result

    def __enter__(self) -> Load:
        vegeta = tools.build(self.lab)
        with ExitStack() as undo:
            folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="codeb-load-")))
            undo.callback(self._kill)
            self._start(vegeta, folder)
            self._wait_until_all_run()
            self._closing = undo.pop_all()
        self._began = time.time()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._closing:
            if kind is None:
                self._result = self._stop()

    def _start(self, vegeta: Path, folder: Path) -> None:
        to, asked = self.target, self.target.surface
        self._check()
        for kind in KINDS:
            rate = max(1, round(self.shape.rate * kind.share))
            lines = targets(to.url, asked, kind)
            self._attacks.append(Attack.start(vegeta, kind, rate, lines, to, folder))
        if self.shape.sockets:
            self._sockets.append(Sockets.start(to, self.shape.sockets, folder))
        if asked.events:
            self._events += [
                event_stream(self._curl(), to.url, asked.events) for _ in range(self.shape.events)
            ]
        if self.shape.upload_seconds:
            self._uploader = Uploader(self._upload_line(folder), folder / "upload")
            self._uploader.start()
        for stream in self._events:
            stream.start()

    def _check(self) -> None:
        line = [*self._curl(), "--fail", f"{self.target.url}{self.target.surface.who}"]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LoadError(f"{self.target.url} does not answer: {done.stderr.strip()}")

    def _curl(self) -> list[str]:
        to = self.target
        line = [shutil.which("curl") or "curl", "--silent", "--show-error", "--cacert", str(to.ca)]
        return [*line, "--connect-to", to.detour]

    def _upload_line(self, folder: Path) -> list[str]:
        body = folder / "upload"
        body.write_bytes(os.urandom(UPLOAD_BYTES))
        seconds = self.shape.upload_seconds
        pace = ["--limit-rate", str(round(UPLOAD_BYTES / seconds)), "--max-time", str(seconds * 2 + 20)]
        what = ["--request", "POST", "--upload-file", str(body), "--write-out", "\n%{http_code}"]
        return [*self._curl(), *pace, *what, f"{self.target.url}{self.target.surface.upload}"]

    def _wait_until_all_run(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while waiting := list(self._not_yet()):
            if time.monotonic() > deadline:
                raise LoadError(f"not under load after {START_SECONDS} s: {', '.join(waiting)}")
            for process in self._processes():
                process.check()
            time.sleep(0.3)

    def _processes(self) -> list[tools.Process]:
        return [*(one.process for one in self._attacks), *(one.process for one in self._sockets)]

    def _not_yet(self) -> Iterator[str]:
        yield from (one.kind.name for one in self._attacks if not one.running)
        for one in self._sockets:
            if len(streams.sockets(one.rows(), time.time()).lives) < self.shape.sockets:
                yield "websockets"
        if not all(stream.open for stream in self._events):
            yield "events"

    def _stop(self) -> Result:
        ended, wrong = time.time(), samples.judge(self.target.surface.marks)
        for stream in self._events:
            stream.stop()
        found = [one for attack in self._attacks for one in attack.stop(wrong)]
        stuck = ["websockets hang" for one in self._sockets if not one.process.stop()]
        if self._uploader:
            self._uploader.stop()
        live = streams.sockets([row for one in self._sockets for row in one.rows()], ended)
        rate = sum(attack.rate for attack in self._attacks)
        sent = sum(self._began <= one.began <= ended for one in found)
        return Result(
            began=self._began,
            ended=ended,
            requests=tuple(found),
            unsent=samples.unsent(sent, rate, ended - self._began),
            uploads=tuple(self._uploader.uploads if self._uploader else ()),
            lives=(*live.lives, *(life for stream in self._events for life in stream.lives)),
            troubles=(*stuck, *live.troubles, *(text for stream in self._events for text in stream.troubles)),
        )

    def _kill(self) -> None:
        for process in self._processes():
            process.kill()
        for stream in self._events:
            stream.stop()
        if self._uploader:
            self._uploader.kill()
