"""A first load in the machine's own Chromium, of a page whose bytes and long task are known."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser

from lab import browser
from lab.bench.core_cms.page import chromium, load
from lab.bench.core_cms.vitals import Loads, Page
from lab.bench.releases.ways import BenchError
from tests.ports import free_port

BUSY_MS = 300
PICTURE = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300"><rect width="400" height="300"/></svg>'
)
DOCUMENT = b"""<!doctype html><title>Known</title><link rel="stylesheet" href="/style.css">
<h1>Known</h1><p>This is what there is to read.</p><img src="/picture.svg" alt=""><script src="/script.js"></script>"""
SCRIPT = f"""new EventSource("/events");
fetch("/data");
requestAnimationFrame(() => setTimeout(() => {{
  const until = performance.now() + {BUSY_MS};
  while (performance.now() < until);
}}, 200));
{"//" * 25_000}""".encode()
FILES = {
    "/": ("text/html", DOCUMENT),
    "/style.css": ("text/css", b"h1 { color: green }"),
    "/picture.svg": ("image/svg+xml", PICTURE),
    "/script.js": ("text/javascript", SCRIPT),
    "/data": ("application/json", b"[]"),
}


class Site(BaseHTTPRequestHandler):
    """`FILES`, and a stream at `/events` that stays open."""

    over = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/events":
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(b":\n\n")
            self.over.wait()
            return
        kind, body = FILES.get(self.path, ("text/plain", b""))
        self.send_response(200 if self.path in FILES else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    port = free_port()
    server = ThreadingHTTPServer(("127.0.0.1", port), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://known.lab.test:{port}"
    Site.over.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def shown() -> Iterator[Browser]:
    if browser.found() is None:
        pytest.skip("needs Chromium (Debian's package chromium-headless-shell)")
    with chromium("127.0.0.1") as found:
        yield found


@pytest.fixture(scope="module")
def page(shown: Browser, site: str) -> Page:
    return load(shown, f"{site}/")


def test_bytes_are_counted_by_kind(page: Page) -> None:
    for kind, body in (("document", DOCUMENT), ("scripts", SCRIPT), ("pictures", PICTURE)):
        assert len(body) < page.bytes(kind) < len(body) + 1000, f"{kind}: body and headers"
    assert page.unpacked == len(SCRIPT)
    assert 0 < page.bytes("styles") < 1000
    assert page.bytes() > len(SCRIPT) + len(DOCUMENT) + len(PICTURE)


def test_a_stream_that_stays_open_is_a_request_and_keeps_no_page_from_being_quiet(page: Page) -> None:
    open_still = [each for each in page.requests if each.ended is None]
    assert [each.kind for each in open_still] == ["others"]
    assert page.interactive is not None


def test_a_long_task_blocks_and_the_page_is_interactive_after_it(page: Page) -> None:
    assert page.interactive is not None
    assert 0 < page.first_paint <= page.largest_paint
    assert page.blocked >= BUSY_MS - 50
    assert page.interactive >= page.first_paint + BUSY_MS
    began = min(each.began for each in page.requests)
    assert 0 <= began < page.first_paint, "the browser's two clocks are brought together"


def test_nothing_is_cached_from_one_load_to_the_next(shown: Browser, site: str, page: Page) -> None:
    again = load(shown, f"{site}/")
    assert again.bytes("scripts") == page.bytes("scripts")
    assert set(Loads([page]).figures()) == set(Loads([page, again]).figures())


def test_a_page_that_is_not_there_is_no_figure(shown: Browser, site: str) -> None:
    with pytest.raises(BenchError, match="answered 404"):
        load(shown, f"{site}/nothing")


def test_other_names_than_the_lab_s_are_nowhere(shown: Browser) -> None:
    with pytest.raises(BenchError, match="ERR_NAME_NOT_RESOLVED"):
        load(shown, "http://elsewhere.example/")
