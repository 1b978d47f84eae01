"""The page on a real Prometheus: its figures are Prometheus' own."""

from __future__ import annotations

import http.client
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from lab.host.processes import wait_until
from tests.console.conftest import Console, serving
from tests.console.reading import DASH, differences, number
from tests.ports import free_port
from tests.promtool import found, promtool

pytestmark = pytest.mark.lab

STEP = 30
HOUR = 3600
PROJECTS = {"blog": 0, "crm": 2, "food-delivery-app": 1, "wiki": 3}


def samples(now: int) -> Iterator[str]:
    """An hour and more of what the rules record and the agent tells, until some minutes after now."""
    times = range(now - HOUR - 600, now + 300, STEP)
    for index, (project, state) in enumerate(PROJECTS.items()):
        labels = f'{{project="{project}"}}'
        for at in times:
            wave = 1 + 0.5 * ((at // 300) % 3) + index
            yield f'codeb_project_info{{project="{project}",domain="{project}.lab.test",release="r{index}"}} 1 {at}'
            yield f"codeb:state{labels} {state} {at}"
            yield f"codeb:requests:rate1m{labels} {wave * 7.3} {at}"
            yield f"codeb:errors:ratio5m{labels} {0.013 * index} {at}"
            yield f"codeb:memory_bytes{labels} {(index + 1) * 123_456_789} {at}"
            if index:  # blog is so new that nobody has measured it
                yield f"codeb:latency_seconds:p95{labels} {0.0123 * wave} {at}"
                yield f"codeb:cpu_cores{labels} {0.0456 * wave} {at}"
    for at in times:
        wave = 1 + 0.5 * ((at // 300) % 3)
        for name in ("rate1m", "rate5m"):
            yield f"codeb:platform:requests:{name} {wave * 33.3} {at}"
        yield f"codeb:platform:errors:ratio5m {0.02 * wave} {at}"
        for part, factor in (("mean", 1), ("p50", 0.7), ("p95", 4), ("p99", 9)):
            yield f"codeb:platform:latency_seconds:{part} {0.0321 * wave * factor} {at}"


def written(folder: Path) -> Path:
    """A database with these series."""
    lines = sorted(samples(int(time.time())), key=lambda line: line.rpartition("} ")[0] or line.split(" ")[0])
    text = folder / "series.om"
    text.write_text("\n".join([*lines, "# EOF", ""]))
    done = promtool("tsdb", "create-blocks-from", "openmetrics", text, folder / "data")
    assert done.returncode == 0, done.stderr
    return folder / "data"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of a real Prometheus that knows an hour of the platform."""
    program = found("prometheus")
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    (folder / "prometheus.yml").write_text("{}\n")
    options = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": written(folder),
        "web.listen-address": f"127.0.0.1:{port}",
    }
    command = [program, *(f"--{name}={value}" for name, value in options.items())]
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        assert wait_until(lambda: asked(port, "/-/ready")[0] == 200, 30), (folder / "log").read_text()[-3000:]
        yield port
    finally:
        running.terminate()
        running.wait(30)


@pytest.fixture(scope="module")
def looked_at(real: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with serving(tmp_path_factory.mktemp("real-console"), real) as console:
        yield console


def test_figures_and_rows_are_what_prometheus_answers(page: Page, looked_at: Console, real: int) -> None:
    def ask(query: str, at: float) -> list[dict[str, Any]]:
        given = urlencode({"query": query, "time": at})
        result: list[dict[str, Any]] = json.loads(asked(real, f"/api/v1/query?{given}")[1])["data"]["result"]
        return result

    for span in ("1h", "15m"):
        page.goto(f"{looked_at.url}?range={span}")
        expect(page.locator("#total")).not_to_have_text(DASH)
        assert differences(page, ask, span) == []
    total, _ = number(page.locator("#total").inner_text())
    assert 900 * 33.3 <= total <= 900 * 33.3 * 2, "a quarter of an hour of 33 to 67 requests a second"
    assert page.get_by_role("alert").is_hidden()
    assert page.locator("#latency canvas").is_visible()


def test_a_difference_would_be_told(page: Page, looked_at: Console) -> None:
    page.goto(f"{looked_at.url}?range=1h")
    expect(page.locator("#total")).not_to_have_text(DASH)
    told = differences(page, lambda query, at: [{"metric": {"project": "blog"}, "value": [at, "1"]}])
    assert len(told) > 6


def asked(port: int, path: str) -> tuple[int, str]:
    """Status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()
