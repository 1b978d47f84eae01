"""The console as an edge serves it: a real Caddy with the rendered site, a made-up Prometheus behind it, a real browser."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from codeb.render.console import FOLDER, console_files
from codeb.render.text import render
from lab import browser as chromium
from lab.host.processes import wait_until
from tests.console.fake_prometheus import Prometheus, prometheus
from tests.ports import free_port

HOST = "console.lab.test"


@dataclass(frozen=True)
class Console:
    """Where it answers, and the log of its Caddy."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/"


def caddyfile(caddy_dir: str, host: str, behind: str, **balanced: object) -> str:
    """The site with what it imports, without TLS: on plain HTTP at the port of `host`."""
    shared = {
        "containers": "127.0.0.9/32",
        "caddy_dir": caddy_dir,
        "tightened": {},
        "terminates": False,
        "watched": False,
    }
    before = {"balancer": None} | balanced
    parts = [
        "{\n\tadmin off\n\tauto_https off\n\tpersist_config off\n}\n",
        render("caddy/_answers", **shared),
        "(visitor) {\n\trequest_header -X-Forwarded-For\n}\n",
        "(site) {\n\timport headers\n" + render("caddy/_site", **shared) + "}\n",
        render("caddy/_upstream", **shared),
        render("caddy/_console", scheme="http://", console_host=host, prometheus=behind, **before, **shared),
    ]
    return "\n".join(parts)


@pytest.fixture(scope="module")
def fake() -> Iterator[Prometheus]:
    with prometheus(free_port()) as found:
        yield found


@contextmanager
def serving(root: Path, prometheus_port: int) -> Iterator[Console]:
    """A Caddy with the site, at a port of its own, before a Prometheus on loopback."""
    port = free_port()
    for file in console_files().files:
        path = root / file.path.removeprefix("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content, encoding="utf-8")
    caddy_dir = str(root / FOLDER.removeprefix("/").rpartition("/")[0])
    (root / "Caddyfile").write_text(caddyfile(caddy_dir, f"{HOST}:{port}", f"127.0.0.1:{prometheus_port}"))
    with (root / "caddy.log").open("wb") as log:
        program = Path(sys.executable).parent / "caddy"
        command = [str(program), "run", "--config", str(root / "Caddyfile"), "--adapter", "caddyfile"]
        running = subprocess.Popen(
            command, stdout=log, stderr=log, env={"HOME": str(root), "XDG_DATA_HOME": str(root / "data")}
        )
    try:
        assert wait_until(lambda: _listens(port), 20), (root / "caddy.log").read_text()[-3000:]
        yield Console(port, root / "caddy.log")
    finally:
        running.terminate()
        running.wait(30)


@pytest.fixture(scope="module")
def console(fake: Prometheus, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """The page before the made-up Prometheus."""
    with serving(tmp_path_factory.mktemp("console"), fake.port) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium of the machine: Playwright's own download is not needed.

    No longer than a module: Playwright's event loop runs meanwhile, and nobody else of the process can have one.
    """
    program = chromium.found()
    if program is None:
        pytest.skip("needs Chromium (package chromium-headless-shell)")
    with sync_playwright() as playwright:
        arguments = chromium.arguments([HOST], "127.0.0.1")
        found = playwright.chromium.launch(executable_path=program, args=arguments)
        yield found
        found.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    found = browser.new_context(locale="en-GB", timezone_id="Asia/Seoul", reduced_motion="reduce")
    found.set_default_timeout(20_000)
    yield found
    found.close()


@pytest.fixture
def page(context: BrowserContext, fake: Prometheus) -> Iterator[Page]:
    """A page on which nothing goes wrong that the browser would say: no error, nothing forbidden, no other host."""
    fake.reset()
    found = context.new_page()
    wrong: list[str] = []
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on("console", lambda said: wrong.append(said.text) if _is_wrong(said.text, said.type) else None)
    found.on("request", lambda asked: wrong.append(asked.url) if f"//{HOST}:" not in asked.url else None)
    yield found
    assert wrong == []


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


_NOT_WRONG = (
    "Failed to load resource",  # an error's status; tests with such answers look at the page
    "The Cross-Origin-Opener-Policy header has been ignored",  # as this is plain HTTP
)


def _is_wrong(text: str, kind: str) -> bool:
    return kind == "error" and not text.startswith(_NOT_WRONG)
