"""What a read makes of errors, of what is absent, and of what somebody changed."""

from __future__ import annotations

import pytest

from lab.providers.protocol import PartialFailure, ProviderError
from tests.plugins.vultr.account import Account, Fault
from tests.plugins.vultr.conftest import Lives
from tests.plugins.vultr.lives import RESOURCES
from tests.plugins.vultr.server import Answer, Call, Server

WORDS = {
    "SSHKey": "Invalid ssh key",
    "Vpc": "Invalid VPC ID",
    "FirewallGroup": "whatever",
    "FirewallRule": "Firewall rule ID not found",
    "Instance": "invalid instance ID",
    "BlockStorage": "Invalid block storage ID",
    "ReservedIp": "Invalid reserved-ip ID",
    "DnsDomain": "Invalid domain",
    "VirtualFileSystemStorage": "Subscription ID Not Found.",
    "Database": "invalid database ID",
}
"""What an error must say for the thing to be gone; of a firewall group it is the status as compact JSON."""

FORGETFUL = ("LoadBalancer", "DnsRecord")
TROUBLE = Answer(500, {"error": "Internal Server Error", "status": 500})


@pytest.mark.parametrize("resource", WORDS)
def test_it_is_gone_when_the_error_says_so_in_these_words(
    life: Lives, account: Account, resource: str
) -> None:
    one = life(resource)
    one.create()
    account.faults.append(Fault("GET", ".", Answer(404, {"error": WORDS[resource], "status": 404})))
    assert one.refresh().id == ""


@pytest.mark.parametrize("resource", [name for name in WORDS if name != "FirewallGroup"])
@pytest.mark.parametrize("answer", [Answer(404, {"error": "Not found", "status": 404}), TROUBLE])
def test_any_other_error_fails_the_refresh(
    life: Lives, account: Account, resource: str, answer: Answer
) -> None:
    one = life(resource)
    one.create()
    account.faults.append(Fault("GET", ".", answer, times=4 if answer is TROUBLE else 1))
    with pytest.raises(ProviderError, match="refreshing urn:"):
        one.refresh()
    assert one.refresh().id == one.state.id != ""


@pytest.mark.parametrize(
    ("body", "gone"),
    [('{"error":"any","status":404}', True), ('{"error": "any", "status": 404}', False)],
)
def test_a_firewall_group_is_gone_by_the_status_as_it_is_written(
    life: Lives, account: Account, body: str, gone: bool
) -> None:
    one = life("FirewallGroup")
    one.create()
    account.faults.append(Fault("GET", ".", Answer(404, body)))
    if gone:
        assert one.refresh().id == ""
        return
    with pytest.raises(ProviderError, match="error getting firewall group"):
        one.refresh()


def test_words_are_looked_for_with_their_case(life: Lives, account: Account) -> None:
    one = life("Instance")
    one.create()
    account.faults.append(Fault("GET", ".", Answer(404, {"error": "Invalid instance ID"})))
    with pytest.raises(ProviderError, match="error getting instance"):
        one.refresh()


@pytest.mark.parametrize("resource", FORGETFUL)
@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
def test_these_drop_from_the_state_whatever_the_error(
    life: Lives, account: Account, resource: str, status: int
) -> None:
    one = life(resource)
    one.create()
    account.faults.append(
        Fault("GET", ".", Answer(status, {"error": "any"}), times=4 if status >= 500 else 1)
    )
    assert one.refresh().id == ""
    before = len(account.things)
    one.create()
    assert len(account.things) == before + 1, "the next run makes a second one"


@pytest.mark.parametrize("resource", FORGETFUL)
def test_such_a_read_at_the_end_of_a_creation_leaves_an_orphan(
    life: Lives, account: Account, server: Server, resource: str
) -> None:
    polls = 1 if resource == "LoadBalancer" else 0

    def failing(call: Call) -> Answer:
        looks = len([each for each in server.calls if each.method == "GET"])
        return TROUBLE if call.method == "GET" and looks > polls else account.answer(call)

    server.behaviour = failing
    with pytest.raises(
        ProviderError, match="expected non-nil error with nil state during Create of urn:"
    ) as failed:
        life(resource).create()
    assert not isinstance(failed.value, PartialFailure)
    assert len(account.things) == 1


@pytest.mark.parametrize("resource", FORGETFUL)
def test_such_a_read_at_the_end_of_an_update_fails_and_keeps_what_was_recorded(
    life: Lives, account: Account, resource: str
) -> None:
    one = life(resource)
    one.create()
    account.faults.append(Fault("GET", ".", TROUBLE, times=4))
    change = {"label": "lb2"} if resource == "LoadBalancer" else {"data": "203.0.113.10"}
    with pytest.raises(ProviderError, match="did not exist while updating urn:") as failed:
        one.update(**change)
    assert not isinstance(failed.value, PartialFailure)


def test_a_reserved_address_without_its_wrapper_is_gone(life: Lives, account: Account) -> None:
    one = life("ReservedIp")
    one.create()
    account.faults.append(Fault("GET", ".", Answer(200, {})))
    assert one.refresh().id == ""


@pytest.mark.parametrize("resource", RESOURCES)
def test_deleting_what_is_not_there_fails(life: Lives, account: Account, resource: str) -> None:
    one = life(resource)
    one.create()
    account.things.clear()
    with pytest.raises(ProviderError, match="deleting urn:"):
        one.delete()


@pytest.mark.parametrize(
    ("resource", "last"),
    [
        ("LoadBalancer", "PATCH /v2/load-balancers/load-balancers-1"),
        ("VirtualFileSystemStorage", "GET /v2/vfs/vfs-1/attachments"),
        ("Instance", "PATCH /v2/instances/instances-1"),
    ],
)
def test_where_the_deletion_of_what_is_not_there_ends(
    life: Lives, account: Account, server: Server, resource: str, last: str
) -> None:
    one = life(resource)
    one.create()
    account.things.clear()
    server.taken()
    with pytest.raises(ProviderError):
        one.delete()
    (call,) = server.taken()
    assert f"{call.method} {call.path}" == last


def test_a_label_of_an_instance_is_never_read(life: Lives, account: Account) -> None:
    one = life("Instance")
    one.create()
    (thing,) = account.of("instances")
    thing |= {"label": "by hand", "user_data": "by hand"}
    before = one.state.outputs
    assert one.refresh().outputs["label"] == before["label"] == "node-1"
    assert not one.diff().changes


def test_networks_are_read_only_where_some_are_known(life: Lives, account: Account) -> None:
    one = life("Instance", region="icn", plan="vc2-1c-1gb", osId=2625)
    one.create()
    account.of("instances")[0]["_vpcs"].append("by hand")
    assert one.refresh().outputs["vpcIds"] is None


def test_the_type_of_disks_drifts_for_ever_where_the_answer_is_another(life: Lives, account: Account) -> None:
    one = life("VirtualFileSystemStorage")
    one.create()
    account.of("vfs")[0]["disk_type"] = "hdd"
    one.refresh()
    for _ in range(2):
        assert one.diff().diffs == ("diskType",)
        one.server.taken()
        one.update()
        assert one.server.taken()[0].body == {"storage_size": {"gb": 0}}


def test_a_rule_is_imported_by_group_and_number(life: Lives, account: Account, server: Server) -> None:
    made = life("FirewallRule")
    made.create()
    server.taken()
    found = made.provider.read(made.type, made.urn, "firewall_group_id,1", {}, {})
    assert (found.id, found.outputs["firewallGroupId"]) == ("1", "firewall_group_id")
    assert found.inputs["port"] == "22"
    assert [call.path for call in server.taken()] == ["/v2/firewalls/firewall_group_id/rules/1"] * 2


def test_a_record_is_imported_by_zone_and_id(life: Lives, account: Account) -> None:
    made = life("DnsRecord")
    made.create()
    found = made.provider.read(made.type, made.urn, "example.test,records-1", {}, {})
    assert (found.id, found.outputs["domain"]) == ("records-1", "example.test")


@pytest.mark.parametrize("resource", ["FirewallRule", "DnsRecord"])
@pytest.mark.parametrize(("id_", "words"), [("one", "invalid import format"), ("no,thing", "not found for")])
def test_what_cannot_be_imported(life: Lives, account: Account, resource: str, id_: str, words: str) -> None:
    one = life(resource)
    with pytest.raises(ProviderError, match=words):
        one.provider.read(one.type, one.urn, id_, {}, {})


@pytest.mark.parametrize(
    "resource", [name for name in RESOURCES if name not in ("FirewallRule", "DnsRecord", "DatabaseUser")]
)
def test_all_others_are_imported_by_their_id(life: Lives, account: Account, resource: str) -> None:
    """What a program would have to say is among the inputs; what the API does not tell, is not."""
    made = life(resource)
    made.create()
    found = made.provider.read(made.type, made.urn, made.state.id, {}, {})
    untold = (
        {"sshKeyIds", "userData", "vpcIds", "label", "live"}
        if resource in ("Instance", "BlockStorage")
        else set()
    )
    for key in made.given.keys() - untold:
        assert key in found.inputs, key
