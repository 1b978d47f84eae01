"""Polls, limits, what fails half-way, and how the next run goes on from there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from lab.providers import factory
from lab.providers.protocol import PartialFailure, ProviderError
from tests.plugins.vultr.account import Account, Fault
from tests.plugins.vultr.conftest import KEY, Lives
from tests.plugins.vultr.lives import RESOURCES, Life
from tests.plugins.vultr.server import Answer, Call, Server

WAITING = ("Instance", "BlockStorage", "LoadBalancer", "VirtualFileSystemStorage")
TROUBLE = Answer(500, {"error": "Internal Server Error", "status": 500})


def saying(account: Account, field: str, words: list[str]) -> Callable[[Call], Answer]:
    """The account, whose reads of one thing say these words one after the other, the last for ever."""
    left = list(words)

    def answer(call: Call) -> Answer:
        found = account.answer(call)
        if call.method != "GET" or call.path.count("/") != 3:
            return found
        word = left.pop(0) if len(left) > 1 else left[0]
        body = found.body if "id" in found.body else next(iter(found.body.values()))
        said = {**body, field: word}
        return Answer(200, said if "id" in found.body else {next(iter(found.body)): said})

    return answer


@pytest.mark.parametrize("resource", WAITING)
def test_any_other_state_fails_at_once_and_is_recorded(life: Lives, account: Account, resource: str) -> None:
    one = life(resource)
    one.server.behaviour = saying(account, "status", ["pending", "suspended"])
    reason = one.failing(one.create)
    assert "unexpected state 'suspended', wanted target 'active'" in reason
    assert "error while waiting for" in reason
    assert one.state.id == one.state.outputs["id"] != ""


@pytest.mark.parametrize("resource", WAITING)
def test_after_an_hour_nobody_waits_any_more(
    life: Lives, account: Account, waits: list[float], resource: str
) -> None:
    one = life(resource)
    one.server.behaviour = saying(account, "status", ["pending"])
    reason = one.failing(one.create)
    assert (
        "timeout while waiting for state to become 'active' (last state: 'pending', timeout: 1h0m0s)"
        in reason
    )
    assert 3580 < sum(waits) <= 3600


@pytest.mark.parametrize(
    "resource", ["SSHKey", "Vpc", "FirewallGroup", "FirewallRule", "ReservedIp", "DnsRecord"]
)
def test_these_wait_for_nothing(life: Lives, account: Account, waits: list[float], resource: str) -> None:
    life(resource).create()
    assert waits == []


def test_an_instance_is_there_once_it_runs(life: Lives, account: Account, waits: list[float]) -> None:
    one = life("Instance")
    one.server.behaviour = saying(account, "power_status", ["stopped", "stopped", "stopped", "running"])
    one.create()
    assert waits == [10, 10, 3, 6]


@pytest.mark.parametrize(
    ("resource", "calls"),
    [
        ("Instance", ["PATCH", "GET", "GET", "GET", "GET"]),
        ("BlockStorage", ["PATCH", "GET"]),
        ("LoadBalancer", ["PATCH", "GET"]),
        ("VirtualFileSystemStorage", ["PUT", "GET", "GET"]),
    ],
)
def test_the_next_run_updates_in_place_what_was_not_finished_and_does_not_wait(
    life: Lives, account: Account, waits: list[float], resource: str, calls: list[str]
) -> None:
    one = life(resource)
    one.server.behaviour = saying(account, "status", ["suspended"])
    one.failing(one.create)
    one.server.behaviour = account.answer
    one.server.taken(), waits.clear()
    one.finish()
    assert [call.method for call in one.server.taken()] == calls
    assert (waits, len(account.things)) == ([], 1)


def test_an_attachment_that_failed_is_tried_by_the_run_after_the_next(life: Lives, account: Account) -> None:
    one = life("BlockStorage")
    account.faults.append(Fault("POST", "/attach", Answer(400, {"error": "Server is locked"})))
    assert "error attaching block storage (blocks-1): " in one.failing(one.create)
    assert one.state.outputs["attachedToInstance"] == "instance_id"
    one.server.taken()
    one.finish()
    assert [(call.method, call.body) for call in one.server.taken()] == [("PATCH", {}), ("GET", None)]
    assert one.state.outputs["attachedToInstance"] == ""
    assert one.diff().diffs == ("attachedToInstance",)
    one.update()
    assert account.of("blocks")[0]["attached_to_instance"] == "instance_id"


def test_an_address_that_could_not_be_attached_is_recorded(life: Lives, account: Account) -> None:
    account.faults.append(Fault("POST", "/attach", Answer(400, {"error": "already attached"})))
    one = life("ReservedIp")
    one.failing(one.create)
    one.server.taken()
    one.finish()
    assert [call.method for call in one.server.taken()] == ["GET"]


def test_a_rule_that_could_not_be_read_can_not_be_updated_either(life: Lives, account: Account) -> None:
    account.faults.append(Fault("GET", ".", TROUBLE, times=4))
    one = life("FirewallRule")
    assert "error getting firewall rule firewall_group_id: " in one.failing(one.create)
    assert "doesn't support update" in one.failing(one.finish)
    assert one.refresh().id == "1"


@pytest.mark.parametrize(
    ("resource", "change", "recorded"),
    [
        ("SSHKey", {"name": "other"}, "name"),
        ("Vpc", {"description": "other"}, "description"),
        ("Instance", {"label": "other"}, "label"),
        ("LoadBalancer", {"label": "other"}, "label"),
        ("DnsRecord", {"data": "203.0.113.10"}, "data"),
        ("BlockStorage", {"sizeGb": 80}, "sizeGb"),
    ],
)
def test_an_update_that_failed_is_recorded_as_made_until_a_refresh(
    life: Lives, account: Account, resource: str, change: dict[str, Any], recorded: str
) -> None:
    one = life(resource)
    one.create()
    before = one.state.outputs[recorded]
    account.faults.append(Fault("PATCH", ".", Answer(400, {"error": "no"})))
    account.faults.append(Fault("PUT", ".", Answer(400, {"error": "no"})))
    one.failing(lambda: one.update(**change))
    one.inputs = one.checked()
    assert one.state.outputs[recorded] == change[recorded]
    one.finish()
    if resource in ("Instance", "Vpc", "LoadBalancer", "DnsRecord"):
        return  # their updates send it whether it changed or not (an instance's label is not read, too)
    assert one.state.outputs[recorded] == before
    assert one.diff().diffs == (recorded,)


def test_another_plan_takes_until_it_shows(life: Lives, account: Account, waits: list[float]) -> None:
    one = life("Instance")
    one.create()
    old, new = "vc2-1c-1gb", "vc2-2c-4gb"
    waits.clear()
    one.server.behaviour = saying(account, "plan", [old, old, new])
    one.update(plan=new)
    assert waits == [10, 3, 6]
    one.server.behaviour = saying(account, "plan", ["third"])
    waits.clear()
    reason = one.failing(lambda: one.update(plan="vc2-4c-8gb"))
    assert "unexpected state 'third', wanted target 'vc2-4c-8gb'" in reason


def test_an_instance_waits_for_its_address(life: Lives, account: Account, waits: list[float]) -> None:
    words = "Floating IPv4 address is already attached to another server"
    account.faults.append(Fault("POST", "instances", Answer(400, {"error": words}), times=3))
    life("Instance").create()
    assert waits[:3] == [0.5, 1, 2]
    account.faults.append(Fault("POST", "instances", Answer(400, {"error": words}), times=999))
    waits.clear()
    with pytest.raises(
        ProviderError, match="error creating server: cannot create instance with reserved IP: "
    ):
        life("Instance").create()
    assert 3500 < sum(waits) <= 59 * 60


BUSY = {
    "Vpc": ("attached to this VPC network", "cannot remove attached VPC: "),
    "LoadBalancer": ("Load balancer is not ready.", "deleting load balancer failed with retryable error: "),
    "VirtualFileSystemStorage": (
        "Can not delete this subscription until it is detatched from all machines",
        "virtual file system storage is still attached: ",
    ),
}


@pytest.mark.parametrize("resource", BUSY)
def test_a_deletion_waits_until_nothing_is_attached(
    life: Lives, account: Account, waits: list[float], resource: str
) -> None:
    words, prefix = BUSY[resource]
    one = life(resource)
    one.create()
    last = rf"/v2/[\w-]+/{one.state.id}$"
    refusal = Answer(400, {"error": words, "status": 400})
    waits.clear()
    account.faults.append(Fault("DELETE", last, refusal, times=6))
    one.delete()
    assert waits == [0.5, 1, 2, 4, 8, 10]
    one.create()
    account.faults.append(Fault("DELETE", rf"/v2/[\w-]+/{one.state.id}$", refusal, times=999))
    waits.clear()
    with pytest.raises(ProviderError, match=prefix):
        one.delete()
    assert 1100 < sum(waits) <= 19 * 60


@pytest.mark.parametrize("resource", BUSY)
def test_any_other_refusal_of_a_deletion_is_final(
    life: Lives, account: Account, waits: list[float], resource: str
) -> None:
    one = life(resource)
    one.create()
    waits.clear()
    account.faults.append(Fault("DELETE", rf"/{one.state.id}$", Answer(400, {"error": "no"})))
    with pytest.raises(ProviderError):
        one.delete()
    assert waits == []


def test_all_waits_are_shortened_by_a_variable(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """In fact, with the clock of this machine: an instance takes its twenty seconds times the pace."""
    monkeypatch.undo()
    account = Account()
    server.behaviour = account.answer
    monkeypatch.setenv("CODEB_VULTR_API", server.url)
    monkeypatch.setenv("CODEB_VULTR_PACE", "0.02")
    provider = factory("vultr", "2.27.1")
    provider.configure({"apiKey": KEY})
    one = Life(provider, server, [], "Instance")
    started = time.monotonic()
    one.create()
    assert time.monotonic() - started >= 0.4


def test_a_cancelled_run_stops_waiting_and_records_what_there_is(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    server.behaviour = Account().answer
    monkeypatch.setenv("CODEB_VULTR_API", server.url)
    provider = factory("vultr", "2.27.1")
    provider.configure({"apiKey": KEY})
    one = Life(provider, server, [], "Instance")
    threading.Timer(0.2, provider.cancel).start()
    with pytest.raises(PartialFailure) as failed:
        one.create()
    assert "context canceled" in failed.value.reasons[0]
    assert failed.value.state.id == "instances-1"


@pytest.mark.parametrize("resource", RESOURCES)
def test_what_a_killed_run_made_is_made_once_more(life: Lives, account: Account, resource: str) -> None:
    """As the real plugin does: nothing is taken over. Only a zone, and a user of a database, can't be there twice."""
    one = life(resource)
    one.create()
    if resource in ("DnsDomain", "DatabaseUser"):
        with pytest.raises(ProviderError, match="already exists"):
            one.provider.resume(one.type, one.urn, one.inputs)
        return
    again = one.provider.resume(one.type, one.urn, one.inputs)
    assert (again.id == one.state.id, len(account.things)) == (False, 2)
