"""What Vultr calls active before it can be used is waited for, and nothing else is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, cast

import pulumi
import pytest
from pulumi.runtime import settings

from components.ready import Ready
from ops.vultr.client import Client, NotThere, Troubled

LOCKED, FREE = {"instance": {"server_status": "locked"}}, {"instance": {"server_status": "installingbooting"}}
BARE, ADDRESSED = {"load_balancer": {"ipv4": ""}}, {"load_balancer": {"ipv4": "198.51.100.7"}}


class Api:
    """Gives these answers one after the other, the last of them for ever, and notes how long it was waited."""

    def __init__(self, *answers: Mapping[str, Any] | Exception) -> None:
        self._answers, self.asked, self.waited = list(answers), list[str](), 0.0

    def get(self, path: str) -> Mapping[str, Any]:
        self.asked.append(path)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def wait(self, seconds: float) -> None:
        self.waited += seconds

    @property
    def ready(self) -> Ready:
        return Ready(lambda: cast(Client, self), longest_s=60, sleep=self.wait)


@pytest.fixture
def preview() -> Iterator[None]:
    before = settings.SETTINGS.dry_run
    settings.SETTINGS.dry_run = True
    yield
    settings.SETTINGS.dry_run = before


def test_a_server_is_waited_for_while_it_is_locked() -> None:
    api = Api(LOCKED, LOCKED, FREE)
    assert asyncio.run(api.ready.unlocked("srv-1")) == "srv-1"
    assert (api.asked, api.waited) == (["/instances/srv-1"] * 3, 4)


def test_a_balancer_is_waited_for_until_it_has_an_address() -> None:
    api = Api(BARE, ADDRESSED)
    assert asyncio.run(api.ready.address("lb-1", "")) == "198.51.100.7"
    assert asyncio.run(api.ready.address("lb-1", "203.0.113.9")) == "203.0.113.9"
    assert api.asked == ["/load-balancers/lb-1"] * 2, "an address that is known is not asked for"


def test_what_does_not_come_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(pulumi.RunError, match=r"srv-1 is locked at Vultr for 60 s.*run `pulumi up` again"):
        asyncio.run(Api(LOCKED).ready.unlocked("srv-1"))
    with pytest.raises(pulumi.RunError, match=r"lb-1 has no address yet.*run `pulumi up` again"):
        asyncio.run(Api(BARE).ready.address("lb-1", None))


def test_no_record_is_made_where_the_address_can_t_be_asked() -> None:
    with pytest.raises(pulumi.RunError, match="has no address yet"):
        asyncio.run(Api(Troubled("500")).ready.address("lb-1", ""))


def test_a_server_that_can_t_be_asked_is_the_plugin_s_to_tell() -> None:
    for error in (Troubled("500"), NotThere("404")):
        api = Api(error)
        assert asyncio.run(api.ready.unlocked("srv-1")) == "srv-1"
        assert api.waited == 0


@pytest.mark.usefixtures("preview")
def test_a_preview_waits_for_nothing() -> None:
    api = Api(LOCKED)
    assert asyncio.run(api.ready.unlocked("srv-1")) == "srv-1"
    assert api.asked == []
    api = Api(BARE)
    assert asyncio.run(api.ready.address("lb-1", "")) == ""
    assert asyncio.run(Api(ADDRESSED).ready.address("lb-1", "")) == "198.51.100.7"
    assert api.waited == 0
