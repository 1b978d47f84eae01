"""What goes wrong at Vultr on the real CLI: lost replies, refusals, full regions, keys and zones that are not there."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest

from lab.bench.fleets import APPS, DATA, SINGLE
from lab.host.processes import wait_until
from lab.vultr.faults import Rule
from lab.vultr.simulator import Simulator
from tests.vultr.conftest import Make
from tests.vultr.told import said, steps

pytestmark = pytest.mark.cli


@pytest.mark.slow
def test_a_balancer_that_a_refresh_lost_is_not_made_twice(make: Make, vultr: Simulator) -> None:
    stack = make()
    assert stack.up().returncode == 0
    vultr.faults.add(Rule("500", method="GET", path="/load-balancers/*", count=4, account=stack.account))
    assert stack.pulumi("refresh", "--yes", "--skip-preview").returncode == 0
    (balancer,) = stack.content()["load_balancers"].values()
    preview = said(stack.pulumi("preview"))
    assert f"codeb fleet adopt {balancer['id']}" in preview
    refused = stack.up()
    assert refused.returncode != 0
    assert "nothing was done" in said(refused)
    assert f"codeb fleet adopt {balancer['id']}" in said(refused)
    assert len(stack.content()["load_balancers"]) == 1
    adopted = stack.codeb("fleet", "adopt", balancer["id"], "--yes")
    assert adopted.returncode == 0, said(adopted)
    assert steps(stack) == []


@pytest.mark.slow
def test_a_server_made_twice_is_told_and_removed(make: Make, vultr: Simulator) -> None:
    stack = make()
    vultr.faults.add(Rule("cut-after", method="POST", path="/instances", count=1, account=stack.account))
    assert stack.up().returncode == 0
    assert len(stack.content()["instances"]) == 4
    preview = said(stack.pulumi("preview"))
    assert "codeb fleet remove" in preview
    known = {item.get("id") for item in stack.resources()}
    (extra,) = set(stack.content()["instances"]) - known
    assert extra in preview
    assert stack.codeb("fleet", "remove", extra, "--yes").returncode == 0
    assert set(stack.content()["instances"]) <= known
    assert stack.codeb("fleet", "check").returncode == 0


def test_after_a_failure_the_account_is_looked_at(make: Make, vultr: Simulator) -> None:
    stack = make()
    vultr.faults.add(Rule("500-after", method="POST", path="/load-balancers", account=stack.account))
    failed = stack.up()
    assert failed.returncode != 0
    assert len(stack.content()["load_balancers"]) == 4
    assert "codeb fleet" in said(failed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule("capacity", method="POST", path="/instances"), "not available in the selected region"),
        (Rule("quota", method="POST", path="/instances"), "limit"),
    ],
)
def test_what_vultr_refuses_is_told_in_its_words(
    make: Make, vultr: Simulator, rule: Rule, words: str
) -> None:
    stack = make()
    vultr.faults.add(Rule(**{**rule.__dict__, "account": stack.account}))
    failed = stack.up()
    assert failed.returncode != 0
    assert words in said(failed).lower()
    vultr.faults.clear()
    assert stack.up().returncode == 0


@pytest.mark.slow
def test_from_a_full_region_a_stack_without_servers_goes_to_another(make: Make, vultr: Simulator) -> None:
    stack = make(**SINGLE)
    vultr.faults.add(Rule("capacity", method="POST", path="/instances", account=stack.account))
    assert stack.up().returncode != 0
    vultr.faults.clear()
    stack.change(region="nrt")
    other = stack.up()
    assert other.returncode == 0, said(other)
    content = stack.content()
    kinds = ("vpcs", "reserved_ips", "instances", "blocks")
    assert [[one["region"] for one in content[kind].values()] for kind in kinds] == [["nrt"]] * 4


@pytest.mark.slow
def test_a_first_update_that_made_a_server_keeps_its_region(make: Make, vultr: Simulator) -> None:
    stack = make()
    vultr.faults.add(Rule("quota", method="POST", path="/load-balancers", account=stack.account))
    assert stack.up().returncode != 0
    vultr.faults.clear()
    stack.change(region="nrt")
    refused = stack.up()
    assert refused.returncode != 0
    assert "codeb:region is nrt, but this stack's servers are in icn" in " ".join(said(refused).split())
    stack.change(region="icn")
    assert stack.up().returncode == 0


def test_a_zone_that_is_not_there_is_said_before_anything_is_done(make: Make) -> None:
    stack = make(domain="nowhere.test", dnsZone="nowhere.test")
    for done in (stack.pulumi("preview"), stack.up()):
        assert done.returncode != 0
        assert "hosts no zone nowhere.test" in " ".join(said(done).split())
    assert not stack.content()["instances"]


@pytest.mark.slow
def test_the_key_of_another_account_does_no_harm(make: Make, vultr: Simulator) -> None:
    """A refresh would drop everything from the state, disks too, and the next update make an empty fleet there."""
    stack = make()
    assert stack.up().returncode == 0
    before = stack.resources()
    (disk,) = stack.content()["blocks"]
    vultr.accounts.ensure("stranger")
    stack.change(vultrApiKey=vultr.key("stranger"))
    done = [
        stack.up(),
        *(stack.codeb("fleet", *words) for words in (["check"], ["refresh"], ["forget", disk, "--yes"])),
    ]
    for one in done:
        assert one.returncode == 1 or one is done[0]
        assert one.returncode != 0
        assert "the key is another account's" in " ".join(said(one).split())
    assert [each.get("id") for each in stack.resources()] == [each.get("id") for each in before]
    assert not [kind for kind, things in vultr.content("stranger").items() if things and kind != "failures"]
    assert stack.codeb("fleet", "forget", disk, "--emptied", "--yes").returncode == 0, "whoever knows may"


def test_a_wrong_key_is_said_before_anything_is_done(make: Make) -> None:
    stack = make(vultrApiKey="WRONGKEYWRONGKEYWRONGKEY")
    failed = stack.up()
    assert failed.returncode != 0
    assert "key" in said(failed).lower()
    assert "WRONGKEY" not in said(failed)


@pytest.mark.slow
def test_no_record_is_made_before_the_balancer_has_an_address(make: Make, vultr: Simulator) -> None:
    vultr.set(balancer_address_s=6)
    stack = make()
    first = stack.up()
    assert first.returncode == 0, said(first)
    (zone,) = stack.content()["domains"].values()
    addressed = [one["data"] for one in zone["_records"].values() if one["type"] == "A"]
    assert addressed
    assert all(addressed), addressed
    assert steps(stack) == [], "the state still has no address: the preview asks"
    assert stack.codeb("fleet", "check").returncode == 0


@pytest.mark.slow
def test_a_server_whose_making_was_cut_off_is_left_alone_until_its_address_is_asked_for(
    make: Make, vultr: Simulator
) -> None:
    stack = make()
    assert stack.up().returncode == 0
    stack.change(pools=[{**APPS, "count": 3}, DATA])
    vultr.set(instance_s=40)
    line = stack.start_line("up", "--yes", "--skip-preview")
    update = subprocess.Popen(
        line, cwd=stack.folder, env=stack.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    assert wait_until(lambda: len(stack.content()["instances"]) == 4, 60)
    time.sleep(2)  # the plugin has the answer, and waits for the server
    update.send_signal(signal.SIGINT)
    assert update.wait(60) != 0
    refused = stack.up()
    assert refused.returncode != 0
    assert "app-3 has no address as far as the state knows" in said(refused)
    assert "Traceback" not in said(refused)

    def goes_on() -> bool:
        return stack.codeb("fleet", "refresh").returncode == 0 and stack.up().returncode == 0

    assert wait_until(goes_on, 180, pause=5), said(stack.up())
    assert len(stack.content()["instances"]) == 4
    assert steps(stack) == []
