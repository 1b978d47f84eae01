"""vegeta: requests of one kind at a constant rate, what an app has in turn."""

from __future__ import annotations

import base64
import itertools
import json
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from lab.load import samples
from lab.load.errors import LoadError
from lab.load.surface import ITEM, Surface
from lab.load.target import Target
from lab.load.tools import Process

# As long as the sockets, curl and patient visitors wait; shorter than a tool is given to stop.
TIMEOUT_SECONDS = 15
# So many requests under way; when none of them is answered, the rest is not sent.
MAX_WORKERS = 120


@dataclass(frozen=True)
class Kind:
    """A kind of traffic: its name, its share of all requests, and vegeta's switches for it."""

    name: str
    share: float
    switches: tuple[str, ...] = ()


KINDS = (
    Kind("h2-kept", 0.45),
    Kind("h1-kept", 0.35, ("-http2=false",)),
    Kind("h1-fresh", 0.20, ("-http2=false", "-keepalive=false")),
)


@dataclass(frozen=True)
class Attack:
    """One vegeta at work. `results` is its own binary file, which `vegeta encode` reads."""

    kind: Kind
    rate: int
    process: Process
    results: Path
    vegeta: Path
    feeder: threading.Thread

    @classmethod
    def start(
        cls,
        vegeta: Path,
        kind: Kind,
        rate: int,
        lines: Iterable[bytes],
        to: Target,
        folder: Path,
    ) -> Attack:
        """Send what `lines` say, `rate` a second; files go to `folder`."""
        results, log = folder / f"{kind.name}.results", folder / f"{kind.name}.log"
        line = [str(vegeta), "attack", "-lazy", "-format=json", f"-rate={rate}/1s", f"-output={results}"]
        line += [f"-root-certs={to.ca}", f"-connect-to={to.detour}", "-redirects=-1"]
        line += [f"-timeout={TIMEOUT_SECONDS}s", f"-max-workers={MAX_WORKERS}", *kind.switches]
        process = Process.start(f"vegeta ({kind.name})", line, log, stdin=subprocess.PIPE)
        feeder = threading.Thread(
            target=_feed, args=(cast(IO[bytes], process.child.stdin), lines), name=kind.name, daemon=True
        )
        feeder.start()
        return cls(kind, rate, process, results, vegeta, feeder)

    @property
    def running(self) -> bool:
        """Whether the first answer came."""
        return self.results.exists() and self.results.stat().st_size > 0

    def stop(self, wrong: samples.Judge) -> list[samples.Sample]:
        """Let requests under way finish; what became of all, and what was `wrong` with each.

        Raises LoadError when vegeta or its reading fails.
        """
        if not self.process.stop():
            raise LoadError(f"{self.process.name} did not end; its requests have {TIMEOUT_SECONDS} s")
        self.feeder.join()
        readable = self.results.with_suffix(".json")
        line = [str(self.vegeta), "encode", "-to=json", f"-output={readable}", str(self.results)]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LoadError(f"vegeta encode failed with status {done.returncode}: {done.stderr.strip()}")
        with readable.open("rb") as lines:
            return samples.requests(lines, self.kind.name, wrong)


def targets(base: str, asked: Surface, kind: Kind) -> Iterator[bytes]:
    """GETs, each with a POST after it where the app takes orders, in turn and without end, as vegeta's JSON targets.

    Each POST orders under a reference of its own, which its URL names too: that is what the answer is checked against.
    """
    run = f"{kind.name}-{time.time_ns():x}"
    for number, get in enumerate(itertools.cycle(asked.gets)):
        yield _target("GET", f"{base}{get.path}")
        if asked.orders:
            reference = f"{run}-{number}"
            order = json.dumps({"item_id": ITEM, "quantity": 1, "reference": reference}).encode()
            yield _target("POST", f"{base}{asked.orders}?{samples.REFERENCE}={reference}", order)


def _target(method: str, url: str, body: bytes | None = None) -> bytes:
    found: dict[str, object] = {"method": method, "url": url}
    if body is not None:
        found["header"] = {"Content-Type": ["application/json"]}
        found["body"] = base64.b64encode(body).decode()
    return json.dumps(found).encode() + b"\n"


def _feed(pipe: IO[bytes], lines: Iterable[bytes]) -> None:
    # It breaks when vegeta ends, and only then.
    with suppress(BrokenPipeError), pipe:
        pipe.writelines(lines)
