"""`codeb fleet` on a real CLI, the stand-in of the vultr plugin and the simulated account: what the plugin leaves is found
and mended, and the second stack in the account is as it was."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from tests.fleet.conftest import OTHER, ZONE
from tests.fleet.stack import FleetStack

pytestmark = pytest.mark.cli

EVERY = {
    "/ssh-keys": "SSH key",
    "/vpcs": "VPC",
    "/firewalls": "firewall group",
    "/firewalls/*/rules": "firewall rule",
    "/instances": "server",
    "/blocks": "data disk",
    "/vfs": "shared storage",
    "/reserved-ips": "reserved IP",
    "/load-balancers": "balancer",
    f"/domains/{ZONE}/records": "DNS record",
}

BARE = ("instances", [])
"""A server that no mark is on."""


def others(stack: FleetStack) -> dict[str, Any]:
    """All that is not this stack's."""
    items = ((name, id_, item) for name, items in stack.content().items() for id_, item in items.items())
    return {
        f"{name} {id_}": item for name, id_, item in items if isinstance(item, dict) and _foreign(name, item)
    }


def _foreign(name: str, item: dict[str, Any]) -> bool:
    return OTHER in str(item) or item.get("type") == "MX" or (name, item.get("tags")) == BARE


def test_a_deployed_stack_is_clean_and_others_are_only_counted(stack: FleetStack) -> None:
    done = stack.codeb("check")
    assert (done.code, done.err) == (0, "")
    assert "resources carry another stack's mark" in done.out
    assert "All is as the state has it: 14 resources" in done.out
    assert stack.changes() == {}


def test_every_lost_reply_is_found_and_removed(empty: FleetStack) -> None:
    before = others(empty)
    for path in EVERY:
        empty.fault("cut-after", method="POST", path=path, count=1)
    assert empty.up().code == 0
    assert empty.troubles() == {"twice": sorted(EVERY.values())}
    refused = empty.codeb("remove", *empty.ids(), "--yes")
    assert refused.code == 1, "a disk and a share hold data: not without a word"
    assert "--data" in refused.err
    assert empty.troubles() == {"twice": sorted(EVERY.values())}, "all or nothing"
    done = empty.codeb("remove", *empty.ids(), "--data", "--yes")
    assert (done.code, done.err) == (0, ""), done
    assert empty.codeb("check").code == 0
    assert empty.changes() == {}
    assert others(empty) == before


@pytest.mark.slow
def test_a_removal_whose_reply_is_lost_is_one(empty: FleetStack) -> None:
    empty.fault("cut-after", method="POST", path="/instances", count=1)
    assert empty.up().code == 0
    (second,) = empty.ids()
    empty.fault("cut-after", method="DELETE", path="/instances/*", count=1)
    assert empty.codeb("remove", second, "--yes").code == 0
    assert empty.codeb("check").code == 0
    again = empty.codeb("remove", second, "--yes")
    assert (again.code, again.out) == (0, f"{second}: the account has none such, it is gone\n")


def test_nothing_else_can_be_removed(stack: FleetStack) -> None:
    content = stack.content()
    foreign = [id_ for items in content.values() for id_, item in items.items() if OTHER in str(item)]
    server, disk = stack.id_of("app-1-instance"), stack.id_of("data-1-disk")
    for id_ in (*foreign, server, disk, "../instances", "$(reboot)", f"{ZONE},x;y"):
        done = stack.codeb("remove", id_, "--yes", "--data", "--unmarked")
        assert done.code == 1, f"{id_}: {done}"
    assert stack.content() == content


def test_a_cut_deletion_does_not_make_destroy_fail_for_ever(stack: FleetStack) -> None:
    before = others(stack)
    stack.pulumi("state", "unprotect", "--all", "--yes")
    for path in (
        "/load-balancers/*",
        "/instances/*",
        "/vpcs/*",
        f"/domains/{ZONE}/records/*",
        "/firewalls/*/rules/*",
    ):
        stack.fault("cut-after", method="DELETE", path=path, count=1)
    for _ in range(9):
        if stack.pulumi("destroy", "--yes", "--skip-preview").code == 0:
            break
        gone = stack.troubles()
        assert set(gone) == {"gone"}, gone
        done = stack.codeb("forget", *stack.ids(), "--yes")
        assert done.code == 0, done
    assert not [each for each in stack.state() if each["type"].startswith("vultr:index/")]
    assert others(stack) == before
    marked = [name for name, items in stack.content().items() if "codeb-test-1a2b3c" in str(items)]
    assert marked == []


@pytest.mark.slow
def test_a_server_deleted_by_hand_is_forgotten_and_made_anew(stack: FleetStack) -> None:
    server = stack.id_of("app-1-instance")
    stack.client.delete(f"/instances/{server}")
    assert stack.troubles() == {"gone": ["server"]}
    assert stack.codeb("forget", server).code == 1, "nobody is there to ask"
    assert stack.codeb("forget", server, "--yes").code == 0
    assert stack.codeb("refresh").code == 0
    assert stack.up().code == 0
    assert stack.codeb("check").code == 0
    assert stack.changes() == {}


@pytest.mark.slow
def test_what_is_there_is_not_forgotten(stack: FleetStack) -> None:
    before = stack.facts()
    done = stack.codeb("forget", stack.id_of("app-1-instance"), "--yes")
    assert (done.code, "the account has it" in done.err) == (1, True)
    stack.fault("500")
    assert stack.codeb("forget", stack.id_of("app-1-instance"), "--yes").code == 2
    assert stack.facts() == before


@pytest.mark.slow
def test_in_another_account_nothing_is_forgotten_by_accident(stack: FleetStack) -> None:
    """There everything is gone, as far as the API says."""
    before = stack.facts()
    stack.vultr.accounts.ensure("stranger")
    stack.environment["VULTR_API_KEY"] = stack.vultr.key("stranger")
    disk = stack.id_of("data-1-disk")
    assert stack.troubles() == {"another account": ["the account of the API key"]}
    for words in (
        ["forget", disk, "--yes"],
        ["refresh"],
        ["replace", "app-1", "--yes"],
        ["attach", disk, "--yes"],
    ):
        done = stack.codeb(*words)
        assert done.code == 1, words
    for words in (["remove", disk, "--yes", "--data", "--unmarked"], ["adopt", disk, "--yes"]):
        assert stack.codeb(*words).code in (0, 1)
    assert stack.facts() == before
    assert stack.codeb("forget", disk, "--emptied", "--yes").code == 0, "whoever knows may"


@pytest.mark.slow
def test_plain_refresh_drops_what_it_can_t_read_and_adopt_takes_it_back(stack: FleetStack) -> None:
    stack.fault("500", method="GET", path="/load-balancers/*", count=4)
    stack.fault("500", method="GET", path=f"/domains/{ZONE}/records/*", count=8)
    stack.pulumi("refresh", "--yes", "--skip-preview", "--run-program")
    assert stack.changes() == {"create": 3}, "the trap: the next update would make a second balancer"
    assert stack.troubles() == {"unknown": ["DNS record", "DNS record", "balancer"]}
    done = stack.codeb("adopt", *stack.ids(), "--yes")
    assert done.code == 0, done
    assert stack.changes() == {}
    assert stack.codeb("check").code == 0


@pytest.mark.slow
def test_everything_can_be_adopted(stack: FleetStack) -> None:
    state = json.loads(stack.pulumi("stack", "export").out)
    resources = state["deployment"]["resources"]
    state["deployment"]["resources"] = [
        each for each in resources if not each["type"].startswith("vultr:index/")
    ]
    (stack.folder / "state.json").write_text(json.dumps(state))
    stack.pulumi("stack", "import", "--file", "state.json")
    (stack.folder / "state.json").unlink()
    content = stack.content()
    done = stack.codeb("adopt", *stack.ids(), "--yes")
    assert done.code == 0, done
    assert stack.changes() == {}
    assert stack.up().code == 0
    assert stack.content() == content, "nothing was made or changed"
    protected = {each["urn"].rpartition("::")[2] for each in stack.state() if each.get("protect")}
    assert protected == {"app-2-instance"}


def test_a_safe_refresh_changes_nothing_when_the_api_is_in_trouble(stack: FleetStack) -> None:
    before = stack.facts()
    stack.fault("500", method="GET", path="/load-balancers", count=4)
    done = stack.codeb("refresh")
    assert (done.code, "nothing was changed" in done.err) == (2, True)
    stack.fault("500", method="GET", path="/load-balancers/*", count=4)
    stack.fault("500", method="GET", path=f"/domains/{ZONE}/records/*", count=8)
    done = stack.codeb("refresh")
    assert (done.code, "the state is as it was" in done.err) == (2, True)
    assert stack.facts() == before
    assert stack.changes() == {}


@pytest.mark.slow
def test_a_balancer_and_rules_edited_by_hand_are_put_right(stack: FleetStack) -> None:
    balancer, group = stack.id_of("balancer"), stack.id_of("group")
    stack.client.send(
        "PATCH",
        f"/load-balancers/{balancer}",
        {"proxy_protocol": False, "instances": [stack.id_of("app-1-instance")]},
    )
    stack.settle(
        f"/firewalls/{group}/rules",
        {"ip_type": "v4", "protocol": "tcp", "port": "5432", "subnet": "0.0.0.0", "subnet_size": 0},
    )
    lines = stack.codeb("check").out
    assert re.search(r"balancer .*proxyProtocol is false instead of true; attachedInstances lacks", lines)
    assert "it lets in tcp 5432 from 0.0.0.0/0" in lines
    (rule,) = [each["id"] for each in stack.findings() if each["kind"] == "firewall rule"]
    assert stack.codeb("remove", rule, "--yes").code == 1, "no mark is on it"
    assert stack.codeb("remove", rule, "--yes", "--unmarked").code == 0
    assert stack.codeb("refresh").code == 0
    assert stack.up().code == 0
    assert stack.codeb("check").code == 0


_TAKES = pytest.param(False, id="and taken", marks=pytest.mark.slow)
BOTH = pytest.mark.parametrize("refuses", [pytest.param(True, id="empty changes refused"), _TAKES])
"""Vultr is said to refuse the plugin's empty PATCH of a disk; the recording's server took it."""


@BOTH
@pytest.mark.slow
@pytest.mark.parametrize("read", [False, True], ids=["unread", "after a refresh"])
def test_a_disk_attached_elsewhere_comes_back(stack: FleetStack, *, refuses: bool, read: bool) -> None:
    stack.vultr.set(refuse_empty_block_patch=refuses)
    disk = stack.id_of("data-1-disk")
    stack.settle(f"/blocks/{disk}/detach", {"live": True})
    stack.settle(f"/blocks/{disk}/attach", {"instance_id": stack.id_of("app-1-instance"), "live": True})
    if read:
        assert stack.codeb("refresh").code == 0
    (finding,) = stack.findings()
    assert finding["trouble"] == "attached elsewhere"
    assert f"codeb fleet attach {disk} --stack test" in finding["remedy"]
    assert stack.codeb("attach", disk).code == 1, "nobody is there to ask"
    done = stack.codeb("attach", disk, "--yes")
    assert (done.code, "away from codeb-app-1" in done.out) == (0, True), done
    assert stack.codeb("check").code == 0
    assert stack.changes() == {}
    assert stack.up().code == 0
    assert stack.content()["blocks"][disk]["attached_to_instance"] == stack.id_of("data-1-instance")


@BOTH
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["500", "500-after", "cut-after"])
def test_a_disk_whose_attachment_failed_is_attached(empty: FleetStack, *, refuses: bool, kind: str) -> None:
    empty.vultr.set(refuse_empty_block_patch=refuses)
    empty.fault(kind, method="POST", path="/blocks/*/attach", count=4)
    assert empty.up().code != 0
    empty.vultr.faults.clear()
    (finding,) = empty.findings()
    assert finding["kind"] == "data disk"
    done = empty.codeb("attach", finding["id"], "--yes")
    assert done.code == 0, done
    assert empty.up().code == 0
    assert empty.codeb("check").code == 0
    assert empty.changes() == {}


@pytest.mark.slow
def test_only_the_stack_s_disks_are_attached(stack: FleetStack) -> None:
    before = stack.content()
    for id_ in (*before["blocks"], stack.id_of("app-1-instance"), "../blocks"):
        if id_ != stack.id_of("data-1-disk"):
            assert stack.codeb("attach", id_, "--yes").code == 1, id_
    assert stack.content() == before


@pytest.mark.slow
def test_a_locked_server_s_disk_is_attached_once_it_is_free(empty: FleetStack) -> None:
    """This program does not wait for the lock as the platform's does: the command says what is to do."""
    empty.vultr.set(locked_s=15)
    assert empty.up().code != 0
    (finding,) = empty.findings()
    done = empty.codeb("attach", finding["id"], "--yes")
    assert (done.code, "locked" in done.err, "run it again" in done.err) == (1, True, True), done
    end = time.monotonic() + 60
    while empty.codeb("attach", finding["id"], "--yes").code:
        assert time.monotonic() < end
        time.sleep(1)
    assert empty.up().code == 0
    assert empty.codeb("check").code == 0


@BOTH
def test_one_server_is_replaced_on_purpose(stack: FleetStack, *, refuses: bool) -> None:
    stack.vultr.set(refuse_empty_block_patch=refuses)
    old, disk = stack.id_of("data-1-instance"), stack.id_of("data-1-disk")
    assert stack.codeb("replace", "data-7", "--yes").code == 1
    assert stack.codeb("replace", "app-2", "--yes").code == 1, "it is protected: its data is on its own disk"
    done = stack.codeb("replace", "data-1", "--yes")
    assert done.code == 0, done
    assert "does not answer" in done.out, "nobody answers in this test: it is said, and the disk goes on"
    assert (stack.id_of("data-1-instance") != old, stack.id_of("data-1-disk")) == (True, disk)
    assert stack.codeb("replace", "app-2", "--yes", "--data").code == 0
    assert stack.codeb("check").code == 0
    assert stack.changes() == {}


def test_api_trouble_is_no_finding(stack: FleetStack) -> None:
    stack.fault("500", path="/blocks*")
    done = stack.codeb("check")
    assert done.code == 2
    assert re.fullmatch(
        r"could not be asked: data disk: .*500.*\n.*another stack's mark: left alone\n", done.out
    ), done.out
    stack.environment["VULTR_API_KEY"] = "A-KEY-OF-SOMEBODY-ELSE"
    done = stack.codeb("check", "--json")
    assert done.code == 2
    assert "does not take the key" in done.out
    assert "A-KEY-OF-SOMEBODY-ELSE" not in done.out + done.err
    stack.vultr.stop()
    done = stack.codeb("check")
    assert (done.code, done.out) == (2, "")
    assert "can't be reached" in done.err


def test_what_a_killed_run_left_is_adopted_or_removed(empty: FleetStack) -> None:
    empty.fault("slow", method="GET", path="/instances/*", seconds=2)
    empty.kill_when(lambda calls: sum(call.startswith("POST /instances 2") for call in calls) >= 3 + 2)
    empty.vultr.faults.clear()
    assert empty.troubles() == {"unknown": ["server"] * 3}
    first, *others_ = empty.ids()
    done = empty.codeb("adopt", first, "--yes")
    assert done.code == 0, done
    assert empty.codeb("remove", *others_, "--yes").code == 0
    assert empty.codeb("check").code == 0
    assert empty.up().code == 0
    assert empty.codeb("check").code == 0
    assert first in {str(each.get("id")) for each in empty.state()}
