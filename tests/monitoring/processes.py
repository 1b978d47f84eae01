"""The programs of monitoring as processes of the tests, on loopback, of the very builds that the lab's images hold.

Each is a context manager that gives the address it answers at. Configurations are the caller's.
"""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab.host import Lab, Progress
from lab.images.monitoring.programs import PROGRAMS
from tests.plugins.processes import end
from tests.ports import free_port

START_TIMEOUT_S = 30
# Never through a proxy: all of it is on this machine.
_HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def program(name: str) -> Path:
    """A program as `make lab` builds it; built now, for minutes, where it isn't yet."""
    return Lab.here(Progress(lambda _line: None)).program(name)


def version(name: str) -> str:
    """The version that a program is built of, which is the tag of its image."""
    return PROGRAMS[name].version


def get(url: str) -> Any:
    """A JSON document."""
    with _HTTP.open(url, timeout=10) as answer:
        return json.loads(answer.read())


def text(url: str) -> str:
    """What is answered, whatever it is."""
    with _HTTP.open(url, timeout=10) as answer:
        return str(answer.read().decode())


def post(url: str, body: object, headers: Mapping[str, str] | None = None) -> None:
    """Send a JSON document, or text as it is."""
    content = body if isinstance(body, str) else json.dumps(body)
    request = urllib.request.Request(  # noqa: S310 a test's own server
        url, content.encode(), {"Content-Type": "application/json", **(headers or {})}
    )
    with _HTTP.open(request, timeout=10) as answer:
        answer.read()


def answers(url: str) -> bool:
    """Whether a server answers well there."""
    try:
        text(url)
    except (OSError, urllib.error.HTTPError):
        return False
    return True


@contextmanager
def running(
    line: Sequence[str | Path], log: Path, ready: str, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that answers at the address `ready`, and is ended afterwards; its log is what the test fails with."""
    with log.open("ab") as sink:
        process = subprocess.Popen(
            list(line),
            stdout=sink,
            stderr=sink,
            cwd=log.parent,
            env={"PATH": "/usr/bin:/bin", "HOME": str(log.parent), **(environment or {})},
        )
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not answers(ready):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{line[0]} does not answer:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)
        yield process
    finally:
        end(process)


@contextmanager
def prometheus(folder: Path, configuration: Path, *options: str) -> Iterator[str]:
    """Prometheus with its data below `folder`."""
    url = f"127.0.0.1:{free_port()}"
    line: list[str | Path] = [
        program("prometheus"),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
    ]
    line += [f"--web.listen-address={url}", "--web.enable-lifecycle", *options]
    with running(line, folder / "prometheus.log", f"http://{url}/-/ready"):
        yield f"http://{url}"


@contextmanager
def alertmanager(folder: Path, configuration: Path, *options: str) -> Iterator[str]:
    """Alertmanager without others to agree with, its data below `folder`."""
    url = f"127.0.0.1:{free_port()}"
    line: list[str | Path] = [
        program("alertmanager"),
        f"--config.file={configuration}",
        f"--storage.path={folder / 'alertmanager'}",
    ]
    line += [f"--web.listen-address={url}", "--cluster.listen-address=", *options]
    with running(line, folder / "alertmanager.log", f"http://{url}/-/ready"):
        yield f"http://{url}"


@contextmanager
def victorialogs(folder: Path, *options: str, port: int = 0) -> Iterator[str]:
    """VictoriaLogs with its data below `folder`."""
    url = f"127.0.0.1:{port or free_port()}"
    line: list[str | Path] = [
        program("victorialogs"),
        f"-storageDataPath={folder / 'victorialogs'}",
        f"-httpListenAddr={url}",
        *options,
    ]
    with running(line, folder / "victorialogs.log", f"http://{url}/health"):
        yield f"http://{url}"


@contextmanager
def jaeger(folder: Path, configuration: Path, health: str) -> Iterator[None]:
    """Jaeger; `health` is where the configuration puts its healthcheckv2 (its path is /status)."""
    with running([program("jaeger"), "--config", configuration], folder / "jaeger.log", health):
        yield


@contextmanager
def collector(
    folder: Path,
    configuration: Path,
    health: str,
    *options: str,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A collector; `health` is where the configuration puts its health_check."""
    line: list[str | Path] = [program("collector"), "--config", configuration, *options]
    with running(line, folder / "collector.log", health, environment) as process:
        yield process


def said(*line: str | Path) -> str:
    """Output of a command that must succeed."""
    done = subprocess.run(list(line), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def stored(url: str, query: str) -> list[dict[str, Any]]:
    """Lines of the log store."""
    found = text(f"{url}/select/logsql/query?" + urllib.parse.urlencode({"query": query}))
    return [json.loads(line) for line in found.splitlines()]


def filled(configuration: Path, folder: Path, **values: object) -> Path:
    """A copy of a configuration below `folder` in which `@NAME@` is replaced."""
    content = configuration.read_text()
    for key, value in values.items():
        content = content.replace(f"@{key}@", str(value))
    path = folder / configuration.name
    path.write_text(content)
    return path


def eventually(what: str, found: Any, patience_s: float = 20) -> Any:
    """What `found` returns, as soon as that is true; the test fails when it never is. No answer is not yet an error."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        try:
            if answer := found():
                return answer
        except (OSError, urllib.error.HTTPError, ValueError):
            pass
        time.sleep(0.1)
    pytest.fail(f"it never came: {what}")
