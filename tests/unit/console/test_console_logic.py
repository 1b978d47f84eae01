"""The console's modules that need no browser, by node's own test runner; and what the page may consist of."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.bundle.document import read_bundle
from agent.documents.reader import parse
from codeb.render.console import FOLDER, SOURCES, console_files
from codeb.render.grafana import Sources, grafana_files
from codeb.secrets import holds_secret
from lab.host import Progress
from lab.host.paths import Folders
from lab.images import toolchains

TESTS = sorted(Path(__file__).parent.glob("*.test.mjs"))
LIMIT = 150_000
RULED = re.compile(
    r"codeb:(platform:)?(requests:rate[15]m|errors:ratio5m|latency_seconds:(mean|p50|p95|p99))"
    r"|codeb:(cpu_cores|memory_bytes|state)|codeb_project_info|node_textfile_mtime_seconds"
)


@pytest.mark.lab
@pytest.mark.parametrize("module", TESTS, ids=lambda path: path.name)
def test_the_consoles_logic_passes_its_own_tests(module: Path) -> None:
    environment = {**os.environ, **toolchains.node(Folders.here(), Progress())}
    done = subprocess.run(
        ["node", "--test", str(module)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^# pass [1-9]", done.stdout, re.MULTILINE), done.stdout


def queries(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    else:
        for each in value.values():
            yield from queries(each)


def test_the_page_asks_for_recorded_series_only() -> None:
    found = [*queries(json.loads((SOURCES / "queries.json").read_text()))]
    assert len(found) == len(set(found)) == 27
    for query in found:
        for name in re.findall(r"[a-z]+(?:[:_][a-z0-9_:]+)", re.sub(r'"[^"]*"|\[[^]]*\]', "", query)):
            assert RULED.fullmatch(name) or name == "sum_over_time", f"{name} in {query}"


def test_the_page_is_text_small_and_laid_where_caddy_sees_it() -> None:
    bundle = console_files()
    paths = {file.path for file in bundle.files}
    assert {f"{FOLDER}/index.html", f"{FOLDER}/app.mjs", f"{FOLDER}/vendor/uplot.js"} <= paths
    assert {path.rpartition("/")[0] for path in paths} == {folder.path for folder in bundle.directories}
    assert sum(len(file.content) for file in bundle.files) < LIMIT, "the page travels with each edge's bundle"
    assert not any(file.restarts or file.reloads for file in bundle.files)


def test_the_agent_takes_the_page_and_the_dashboards() -> None:
    sources = Sources("127.0.0.1:9090", "127.0.0.1:9428", "127.0.0.1:16686", "victorialogs", scrape_s=15)
    sent = console_files() + grafana_files(sources)
    taken = read_bundle(parse(json.dumps(sent.document())))
    assert {file.path: file.content.decode() for file in taken.files} == {
        file.path: file.content for file in sent.files
    }
    assert not any(holds_secret(file.content) for file in sent.files), "nothing in them is filled in"


def test_nothing_of_the_page_comes_from_elsewhere_or_is_inline() -> None:
    page = (SOURCES / "index.html").read_text()
    assert not re.search(r"\bon[a-z]+\s*=|\bstyle\s*=|<style|javascript:", page)
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    for address in re.findall(r'\b(?:src|href)="([^"]*)"', page):
        assert address.startswith("#") or (SOURCES / address).is_file(), address
    for file in (*SOURCES.glob("*.mjs"), SOURCES / "console.css"):
        text = file.read_text()
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|@import|url\(", text
        )
