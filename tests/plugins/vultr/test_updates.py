"""What an update sends, what it can't send, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from lab.providers.protocol import ProviderError
from tests.plugins.vultr.account import Account
from tests.plugins.vultr.conftest import Lives
from tests.plugins.vultr.server import Server

BACKUPS = {"backups": "enabled", "backupsSchedule": {"type": "daily", "hour": 3}}


def test_a_balancer_can_not_lose_its_last_instance(made: Lives, account: Account) -> None:
    """It is not sent, the server keeps it, and the same difference shows for ever."""
    one = made("LoadBalancer")
    for _ in range(2):
        (call,) = one.sent(attachedInstances=[])
        assert "instances" not in call.body
        assert account.of("load-balancers")[0]["instances"] == ["instance_id"]
        assert one.diff().diffs == ("attachedInstances",)


def test_a_balancer_can_lose_one_of_two(made: Lives, account: Account) -> None:
    one = made("LoadBalancer", attachedInstances=["one", "two"])
    assert one.sent(attachedInstances=["two"])[0].body["instances"] == ["two"]
    assert not one.diff().changes


def test_parts_of_a_balancer_are_sent_whole(made: Lives, account: Account) -> None:
    one = made("LoadBalancer")
    always = {"region": "icn", "label": "lb1", "ssl_redirect": False, "proxy_protocol": True}
    always["balancing_algorithm"] = "roundrobin"
    assert one.sent(cookieName="c")[0].body == {**always, "sticky_session": {"cookie_name": "c"}}
    wall = [{"port": 80, "ipType": "v4", "source": "10.0.0.0/8"}]
    (call,) = one.sent(firewallRules=wall)
    assert call.body["firewall_rules"] == [{"port": 80, "ip_type": "v4", "source": "10.0.0.0/8"}]
    assert not one.diff().changes
    assert one.sent(vpc="other")[0].body == {**always, "vpc": "other"}


def test_a_health_check_gets_its_defaults(made: Lives, account: Account) -> None:
    check = {"protocol": "tcp", "port": 443}
    made("LoadBalancer", healthCheck=check)
    assert account.of("load-balancers")[0]["health_check"] == {
        "protocol": "tcp",
        "port": 443,
        "path": "/",
        "check_interval": 15,
        "response_timeout": 5,
        "unhealthy_threshold": 5,
        "healthy_threshold": 5,
    }


@pytest.mark.parametrize(("vpc", "body"), [("vpc_id", {"vpc": ""}), (None, {})])
def test_a_balancer_is_changed_before_it_is_deleted(
    made: Lives, account: Account, vpc: str | None, body: dict[str, str]
) -> None:
    one = made("LoadBalancer", vpc=vpc)
    one.server.taken()
    one.delete()
    patch, delete = one.server.taken()
    assert (patch.method, patch.body, delete.method) == ("PATCH", body, "DELETE")


@pytest.mark.parametrize("networks", [None, [], ["one", "two"]])
def test_an_instance_leaves_its_networks_before_it_is_deleted(
    made: Lives, account: Account, networks: list[str] | None
) -> None:
    one = made("Instance", vpcIds=networks)
    one.server.taken()
    one.delete()
    *patches, delete = one.server.taken()
    assert delete.method == "DELETE"
    assert [sorted(patch.body["detach_vpc"]) for patch in patches] == ([["one", "two"]] if networks else [])


def test_what_was_not_changed_of_an_instance_is_null_or_left_out(made: Lives, account: Account) -> None:
    one = made("Instance", label=None, firewallGroupId=None)
    (call,) = one.sent(enableIpv6=True)
    assert call.body == {"tags": None, "enable_ipv6": True, "ddos_protection": None}
    assert one.sent(ddosProtection=True)[0].body["ddos_protection"] is True


def test_user_data_is_packed_by_the_plugin(made: Lives, account: Account, server: Server) -> None:
    """Who packs it himself has it packed twice."""
    made("Instance", userData="aGk=")
    assert server.taken()[0].body["user_data"] == "YUdrPQ=="


@pytest.mark.parametrize("change", [{"activationEmail": True}])
def test_what_is_planned_and_not_sent(made: Lives, account: Account, change: dict[str, Any]) -> None:
    one = made("Instance")
    (call,) = one.sent(**change)
    assert call.body.keys() == {"label", "tags", "enable_ipv6", "ddos_protection", "firewall_group_id"}


def test_live_alone_sends_an_empty_update(made: Lives, account: Account) -> None:
    (call,) = made("BlockStorage").sent(live=False)
    assert (call.method, call.body) == ("PATCH", {})


def test_a_disk_shrinks_if_it_is_told_to(made: Lives, account: Account) -> None:
    assert made("BlockStorage", sizeGb=60).sent(sizeGb=40)[0].body == {"size_gb": 40}


def test_a_disk_moves_by_detaching_and_attaching(made: Lives, account: Account, server: Server) -> None:
    one = made("BlockStorage")
    server.taken()
    one.update(attachedToInstance="other")
    calls = [(call.method, call.path.rpartition("/")[2], call.body) for call in server.taken()]
    assert calls == [
        ("PATCH", "blocks-1", {}),
        ("GET", "blocks-1", None),
        ("POST", "detach", {"live": True}),
        ("POST", "attach", {"instance_id": "other", "live": True}),
        ("GET", "blocks-1", None),
    ]


def test_a_disk_whose_instance_went_is_not_detached(made: Lives, account: Account) -> None:
    one = made("BlockStorage")
    account.of("blocks")[0]["attached_to_instance"] = ""
    assert [call.path.rpartition("/")[2] for call in one.sent(attachedToInstance="other")] == [
        "blocks-1",
        "attach",
    ]


def test_an_address_moves_by_detaching_and_attaching(made: Lives, account: Account) -> None:
    calls = made("ReservedIp").sent(instanceId="other", label="x")
    assert [(call.method, call.path.rpartition("/")[2], call.body) for call in calls] == [
        ("POST", "detach", None),
        ("POST", "attach", {"instance_id": "other"}),
        ("PATCH", "reserved-ips-1", {"label": "x"}),
    ]


def test_a_label_can_be_emptied_only_where_the_api_is_told(made: Lives, account: Account) -> None:
    """An address's label is sent as it is, a disk's is left out when it is empty."""
    assert made("ReservedIp").sent(label=None)[-1].body == {"label": ""}
    one = made("BlockStorage")
    assert one.sent(label=None)[0].body == {}
    assert one.diff().diffs == ("label",)


def test_a_record_is_always_sent_whole_but_for_its_type(made: Lives, account: Account) -> None:
    one = made("DnsRecord", type="MX", priority=10)
    assert one.sent(ttl=None)[0].body == {"name": "www", "data": "203.0.113.9", "ttl": 3600, "priority": 10}


def test_a_record_without_a_name_is_named_after_the_resource(made: Lives, account: Account) -> None:
    one = made("DnsRecord", name=None)
    assert one.inputs["name"].startswith("it-")
    assert account.of("records")[0]["name"] == one.inputs["name"]


def test_backups_need_a_schedule_and_it_is_set_after_them(made: Lives, account: Account) -> None:
    one = made("Instance")
    patch, schedule = one.sent(**BACKUPS)
    assert patch.body["backups"] == "enabled"
    assert (schedule.path, schedule.body) == (
        "/v2/instances/instances-1/backup-schedule",
        {"type": "daily", "hour": 3, "dow": 0},
    )
    with pytest.raises(ProviderError, match="please provide a backups_schedule"):
        made("Instance", backups="enabled")


def test_a_file_system_moves_from_one_to_the_other(made: Lives, account: Account) -> None:
    one = made("VirtualFileSystemStorage", attachedInstances=["one", "two"])
    calls = one.sent(attachedInstances=["two", "three"], label="x")
    assert [(call.method, call.path) for call in calls] == [
        ("PUT", "/v2/vfs/vfs-1"),
        ("DELETE", "/v2/vfs/vfs-1/attachments/one"),
        ("PUT", "/v2/vfs/vfs-1/attachments/three"),
    ]
    assert calls[0].body == {"label": "x", "storage_size": {"gb": 0}}


def test_a_file_system_is_detached_before_it_is_deleted(made: Lives, account: Account) -> None:
    one = made("VirtualFileSystemStorage", attachedInstances=["one"])
    one.server.taken()
    one.delete()
    assert [call.method for call in one.server.taken()] == ["GET", "DELETE", "DELETE"]


def test_the_password_of_an_instance_is_known_from_its_creation_only(made: Lives, account: Account) -> None:
    one = made("Instance")
    assert one.state.outputs["defaultPassword"] == "p4ss-EXAMPLE"
    one.update(label="x")
    one.refresh()
    assert one.state.outputs["defaultPassword"] == "p4ss-EXAMPLE"
