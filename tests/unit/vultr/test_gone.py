"""What is gone is said in the words that the real plugin looks for, and what is in use can't go."""

from __future__ import annotations

import pytest

from tests.vultr_api import Api

NOBODY = "00000000-0000-4000-8000-000000000000"
TEXTS = {
    "/ssh-keys/{}": "Invalid ssh key",
    "/vpcs/{}": "Invalid VPC ID",
    "/firewalls/{}": "Invalid firewall group ID",
    "/instances/{}": "invalid instance ID",
    "/blocks/{}": "Invalid block storage ID",
    "/reserved-ips/{}": "Invalid reserved-ip ID",
    "/load-balancers/{}": "Invalid load balancer ID",
    "/domains/{}": "Invalid domain",
    "/vfs/{}": "Subscription ID Not Found.",
}


@pytest.mark.parametrize(("path", "text"), TEXTS.items())
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_thing_that_is_gone_is_a_404_with_the_plugin_s_word(
    api: Api, method: str, path: str, text: str
) -> None:
    assert api.refuses(method, path.format(NOBODY), status=404) == text


@pytest.mark.parametrize(
    "path", ["/instances/{}/vpcs", "/instances/{}/backup-schedule", "/instances/{}/user-data"]
)
def test_what_belongs_to_a_gone_server_says_the_same(api: Api, path: str) -> None:
    assert api.refuses("GET", path.format(NOBODY), status=404) == "invalid instance ID"


def test_rules_and_records_that_are_gone(api: Api) -> None:
    group = api.group()["id"]
    api.domain()
    for method in ("GET", "DELETE"):
        assert api.refuses(method, f"/firewalls/{group}/rules/7", status=404) == "Firewall rule ID not found."
        assert (
            api.refuses(method, f"/domains/example.test/records/{NOBODY}", status=404) == "Invalid record ID"
        )


def test_errors_are_compact_so_that_the_provider_finds_its_words(api: Api) -> None:
    raw = api.call("GET", f"/firewalls/{NOBODY}")
    assert int(raw.headers["Content-Length"]) == len('{"error":"Invalid firewall group ID","status":404}')


def test_deleting_twice_is_a_404(api: Api) -> None:
    for path in (
        f"/instances/{api.instance()['id']}",
        f"/blocks/{api.block()['id']}",
        f"/vpcs/{api.vpc()['id']}",
    ):
        api.does("DELETE", path)
        api.refuses("DELETE", path, status=404)


def test_a_network_in_use_can_not_go(api: Api) -> None:
    vpc = api.vpc()["id"]
    server = api.instance(attach_vpc=[vpc])["id"]
    assert "attached to this VPC network" in api.refuses("DELETE", f"/vpcs/{vpc}")
    api.does("PATCH", f"/instances/{server}", {"detach_vpc": [vpc], "tags": None})
    balancer = api.balancer(vpc=vpc)["id"]
    assert "attached to this VPC network" in api.refuses("DELETE", f"/vpcs/{vpc}")
    api.does("PATCH", f"/load-balancers/{balancer}", {"vpc": ""})
    api.does("DELETE", f"/vpcs/{vpc}")


def test_a_share_in_use_can_not_go(api: Api) -> None:
    share, server = api.share()["id"], api.instance()["id"]
    api.does("PUT", f"/vfs/{share}/attachments/{server}")
    text = "Can not delete this subscription until it is detatched from all machines"
    assert api.refuses("DELETE", f"/vfs/{share}") == text
    api.does("DELETE", f"/vfs/{share}/attachments/{server}")
    api.refuses("DELETE", f"/vfs/{share}/attachments/{server}", status=404)
    api.does("DELETE", f"/vfs/{share}")


def test_a_domain_exists_once(api: Api) -> None:
    api.domain()
    assert "already exists" in api.refuses("POST", "/domains", {"domain": "Example.test"})
    api.does("DELETE", "/domains/example.test")
    api.domain()


def test_a_server_that_goes_leaves_its_disks_shares_addresses_and_balancers(api: Api) -> None:
    one, two = api.instance()["id"], api.instance()["id"]
    block, share, reserved = api.block()["id"], api.share()["id"], api.reserved(instance_id=one)
    api.does("POST", f"/blocks/{block}/attach", {"instance_id": one, "live": True})
    api.does("PUT", f"/vfs/{share}/attachments/{one}")
    balancer = api.balancer(instances=[one, two])["id"]
    api.does("DELETE", f"/instances/{one}")
    assert api.get(f"/blocks/{block}")["block"]["attached_to_instance"] == ""
    assert api.get(f"/vfs/{share}/attachments") == {"attachments": []}
    assert api.get(f"/reserved-ips/{reserved['id']}")["reserved_ip"]["instance_id"] == ""
    assert api.get(f"/load-balancers/{balancer}")["load_balancer"]["instances"] == [two]


def test_a_disk_attached_elsewhere_is_refused_until_it_is_detached(api: Api) -> None:
    one, two, block = api.instance(label="one")["id"], api.instance()["id"], api.block()["id"]
    api.does("POST", f"/blocks/{block}/attach", {"instance_id": one})
    found = api.get(f"/blocks/{block}")["block"]
    assert found["attached_to_instance_label"] == "one"
    text = api.refuses("POST", f"/blocks/{block}/attach", {"instance_id": two})
    assert text == "Block storage is already attached to another server"
    api.does("POST", f"/blocks/{block}/detach", {"live": True})
    assert api.refuses("POST", f"/blocks/{block}/detach", {"live": True}) == "Unable to detach block storage"
    api.does("POST", f"/blocks/{block}/attach", {"instance_id": two})


def test_a_reserved_address_is_a_new_server_s_main_one_and_free_after_it(api: Api) -> None:
    reserved = api.reserved()
    server = api.instance(reserved_ipv4=reserved["id"])
    assert server["main_ip"] == reserved["subnet"]
    text = api.refuses(
        "POST",
        "/instances",
        {"region": "icn", "plan": "vc2-1c-1gb", "os_id": 2625, "reserved_ipv4": reserved["id"]},
    )
    assert text == "Floating IPv4 address is already attached to another server"
    assert "main address" in api.refuses("POST", f"/reserved-ips/{reserved['id']}/detach")
    api.does("DELETE", f"/instances/{server['id']}")
    again = api.instance(reserved_ipv4=reserved["id"])
    assert again["main_ip"] == reserved["subnet"]


def test_a_firewall_group_that_goes_leaves_its_servers_without_one(api: Api) -> None:
    group = api.group()["id"]
    server = api.instance(firewall_group_id=group)["id"]
    assert api.get(f"/firewalls/{group}")["firewall_group"]["instance_count"] == 1
    api.does("DELETE", f"/firewalls/{group}")
    assert api.get(f"/instances/{server}")["instance"]["firewall_group_id"] == ""
