"""First loads of a page in the machine's own Chromium: no cache, no throttling, each in a context of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, CDPSession, Error, sync_playwright

from lab import browser
from lab.bench.core_cms.vitals import KINDS, OTHER, Asked, Page
from lab.bench.releases.ways import BenchError

NAMES: Final = ("*.lab.test",)
VIEW: Final = {"width": 1350, "height": 940}
"""Of Lighthouse's desktop configuration."""
PATIENCE_SECONDS: Final = 40
STEP_MS: Final = 500
_HERE: Final = Path(__file__).parent
_OBSERVE: Final = (_HERE / "observe.js").read_text()
_TOLD: Final = (_HERE / "told.js").read_text()


@contextmanager
def chromium(address: str) -> Iterator[Browser]:
    """A browser for which the lab's names are at an address. Raises LabError where there is none."""
    program = browser.program()
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=program, args=browser.arguments(NAMES, address), handle_sigint=False
        )
        try:
            yield found
        finally:
            found.close()


def load(shown: Browser, url: str) -> Page:
    """Load it as for the first time and look on until it is interactive and quiet. Raises BenchError."""
    context = shown.new_context(ignore_https_errors=True, viewport=VIEW)  # type: ignore[arg-type]
    try:
        page = context.new_page()
        asked = Requests(context.new_cdp_session(page))
        page.add_init_script(_OBSERVE)
        answer = page.goto(url, wait_until="load")
        if answer is None or answer.status != 200:
            raise BenchError(f"{url} answered {answer.status if answer else 'nothing'} in the browser")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := asked.page(page.evaluate(_TOLD))) is None or found.interactive is None:
            if time.monotonic() > deadline:
                raise BenchError(f"{url} did not become quiet in {PATIENCE_SECONDS} s")
            page.wait_for_timeout(STEP_MS)
        return found
    except Error as error:
        raise BenchError(f"{url} in the browser: {error.message}") from error
    finally:
        context.close()


class Requests:
    """What a page asks for, from the DevTools protocol's Network domain, whose times are seconds of a rising clock."""

    def __init__(self, session: CDPSession) -> None:
        self._found: dict[str, dict[str, Any]] = {}
        self._origin = 0.0
        """Seconds since 1970 at the clock's zero."""
        handlers: Mapping[str, Callable[[dict[str, Any]], None]] = {
            "Network.requestWillBeSent": self._begun,
            "Network.responseReceived": self._answered,
            "Network.dataReceived": self._more,
            "Network.loadingFinished": self._done,
            "Network.loadingFailed": self._broken,
        }
        for name, handler in handlers.items():
            session.on(name, handler)
        session.send("Network.enable")

    def page(self, told: Mapping[str, Any]) -> Page | None:
        """All of it with what the page itself saw; None before something was painted."""
        first, largest = told["paints"].get("first-contentful-paint"), told["largest"]
        if first is None or largest is None:
            return None
        asked = [self._asked(each, told["origin"]) for each in self._found.values()]
        tasks = [(task["began"], task["began"] + task["ms"]) for task in told["tasks"]]
        return Page(asked, tasks, first, largest["at"], told["parsed"], told["now"])

    def _asked(self, each: Mapping[str, Any], origin: float) -> Asked:
        def since(seconds: float) -> float:
            return (seconds + self._origin) * 1000 - origin

        ended = each["ended"]
        return Asked(
            KINDS.get(each["type"], OTHER),
            each["method"],
            since(each["began"]),
            None if ended is None else since(ended),
            each["failed"],
            each["bytes"],
            each["unpacked"],
        )

    def _begun(self, event: dict[str, Any]) -> None:
        self._origin = event["wallTime"] - event["timestamp"]
        self._found[event["requestId"]] = {
            "type": event.get("type", OTHER),
            "method": event["request"]["method"],
            "began": event["timestamp"],
            "ended": None,
            "failed": False,
            "bytes": 0,
            "unpacked": 0,
        }

    def _answered(self, event: dict[str, Any]) -> None:
        each = self._found.get(event["requestId"])
        if each is not None:
            each["type"] = event["type"]
            each["failed"] = event["response"]["status"] >= 400
            each["bytes"] = event["response"]["encodedDataLength"]

    def _more(self, event: dict[str, Any]) -> None:
        each = self._found.get(event["requestId"])
        if each is not None:
            each["unpacked"] += event["dataLength"]

    def _done(self, event: dict[str, Any]) -> None:
        each = self._found.get(event["requestId"])
        if each is not None:
            each["ended"], each["bytes"] = event["timestamp"], round(event["encodedDataLength"])

    def _broken(self, event: dict[str, Any]) -> None:
        each = self._found.get(event["requestId"])
        if each is not None:
            each["ended"], each["failed"] = event["timestamp"], True
