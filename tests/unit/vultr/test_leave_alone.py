"""What an update must leave alone, and what it must not: the server's side of how the plugin updates."""

from __future__ import annotations

import base64

import pytest

from tests.vultr_api import RULE, Api


def _patched(api: Api, body: object, **before: object) -> dict:
    server = api.instance(**before)["id"]
    api.does("PATCH", f"/instances/{server}", body)
    return api.get(f"/instances/{server}")["instance"]


def test_null_tags_stay_and_an_empty_list_clears_them(api: Api) -> None:
    assert _patched(api, {"tags": None, "ddos_protection": None}, tags=["a"])["tags"] == ["a"]
    assert _patched(api, {}, tags=["a"])["tags"] == ["a"]
    assert _patched(api, {"tags": []}, tags=["a"])["tags"] == []
    assert _patched(api, {"tags": ["b", "c"]}, tags=["a"])["tags"] == ["b", "c"]


def test_a_patch_changes_only_what_it_names(api: Api) -> None:
    group = api.group()["id"]
    before = api.instance(label="a", hostname="h", tags=["t"], firewall_group_id=group, user_scheme="limited")
    after = api.does("PATCH", f"/instances/{before['id']}", {"label": "b"})["instance"]
    del before["default_password"]
    assert after == before | {"label": "b"}


def test_an_empty_firewall_group_takes_the_group_away(api: Api) -> None:
    group = api.group()["id"]
    assert _patched(api, {"firewall_group_id": ""}, firewall_group_id=group)["firewall_group_id"] == ""


def test_ddos_protection_and_backups_are_switched_on_and_off(api: Api) -> None:
    server = api.instance()["id"]
    patched = api.does("PATCH", f"/instances/{server}", {"ddos_protection": True, "backups": "enabled"})[
        "instance"
    ]
    assert patched["features"] == ["auto_backups", "ddos_protection"]
    api.does("POST", f"/instances/{server}/backup-schedule", {"type": "daily", "hour": 3, "dow": 0})
    schedule = api.get(f"/instances/{server}/backup-schedule")["backup_schedule"]
    assert (schedule["enabled"], schedule["type"], schedule["hour"]) == (True, "daily", 3)
    off = api.does("PATCH", f"/instances/{server}", {"ddos_protection": False, "backups": "disabled"})[
        "instance"
    ]
    assert off["features"] == []
    assert api.get(f"/instances/{server}/backup-schedule")["backup_schedule"]["enabled"] is False
    assert "not enabled" in api.refuses("POST", f"/instances/{server}/backup-schedule", {"type": "daily"})


def test_ipv6_comes_when_it_is_asked_for_and_stays(api: Api) -> None:
    server = api.instance()
    assert (server["v6_main_ip"], server["v6_network_size"], server["features"]) == ("", 0, [])
    for enable in (True, False):
        patched = api.does("PATCH", f"/instances/{server['id']}", {"enable_ipv6": enable})["instance"]
        assert (patched["v6_main_ip"][:9], patched["v6_network_size"]) == ("2001:db8:", 64)
        assert patched["features"] == ["ipv6"]
    assert api.instance(enable_ipv6=True)["v6_network"] not in ("", patched["v6_network"])


def test_networks_are_attached_and_detached_and_both_can_be_said_twice(api: Api) -> None:
    one, two = api.vpc("10.1.0.0")["id"], api.vpc("10.2.0.0")["id"]
    server = api.instance(attach_vpc=[one])["id"]
    for _ in range(2):  # a lost reply makes the plugin say it again
        api.does("PATCH", f"/instances/{server}", {"attach_vpc": [two], "detach_vpc": [one]})
        (found,) = api.get(f"/instances/{server}/vpcs")["vpcs"]
        assert found["id"] == two
        assert found["ip_address"].startswith("10.2.")
    api.does("POST", f"/instances/{server}/vpcs/attach", {"vpc_id": one})
    api.does("POST", f"/instances/{server}/vpcs/detach", {"vpc_id": two})
    assert [vpc["id"] for vpc in api.get(f"/instances/{server}/vpcs")["vpcs"]] == [one]


def test_user_data_is_kept_as_sent_and_read_back(api: Api) -> None:
    text = base64.b64encode("#cloud-config\n# ü".encode()).decode()
    server = api.instance(user_data=text)["id"]
    assert api.get(f"/instances/{server}/user-data") == {"user_data": {"data": text}}


def test_a_bigger_plan_is_taken_and_a_smaller_one_refused(api: Api) -> None:
    bigger = _patched(api, {"plan": "vc2-2c-4gb"})
    assert (bigger["plan"], bigger["ram"], bigger["disk"], bigger["vcpu_count"]) == (
        "vc2-2c-4gb",
        4096,
        80,
        2,
    )
    assert "smaller" in api.refuses("PATCH", f"/instances/{bigger['id']}", {"plan": "vc2-1c-1gb"})
    assert api.get(f"/instances/{bigger['id']}")["instance"]["plan"] == "vc2-2c-4gb"


def test_a_balancer_keeps_its_servers_when_they_are_not_named(api: Api) -> None:
    one, two = api.instance()["id"], api.instance()["id"]
    balancer = api.balancer(instances=[one, two])["id"]
    for body, left in [({"label": "b"}, [one, two]), ({}, [one, two]), ({"instances": [two]}, [two])]:
        api.does("PATCH", f"/load-balancers/{balancer}", body)
        assert api.get(f"/load-balancers/{balancer}")["load_balancer"]["instances"] == left
    api.does("PATCH", f"/load-balancers/{balancer}", {"instances": []})
    assert api.get(f"/load-balancers/{balancer}")["load_balancer"]["instances"] == []


def test_an_empty_vpc_takes_a_balancer_out_and_an_absent_one_leaves_it(api: Api) -> None:
    vpc = api.vpc()["id"]
    balancer = api.balancer(vpc=vpc)["id"]
    api.does("PATCH", f"/load-balancers/{balancer}", {"label": "x"})
    assert api.get(f"/load-balancers/{balancer}")["load_balancer"]["generic_info"]["vpc"] == vpc
    api.does("PATCH", f"/load-balancers/{balancer}", {"vpc": ""})
    assert api.get(f"/load-balancers/{balancer}")["load_balancer"]["generic_info"]["vpc"] == ""


def test_a_balancer_s_rules_are_replaced_as_a_whole_with_new_ids(api: Api) -> None:
    balancer = api.balancer()
    api.does("PATCH", f"/load-balancers/{balancer['id']}", {"label": "x"})
    same = api.get(f"/load-balancers/{balancer['id']}")["load_balancer"]["forwarding_rules"]
    assert same == balancer["forwarding_rules"]
    http = RULE | {"frontend_port": 80, "frontend_protocol": "http"}
    api.does("PATCH", f"/load-balancers/{balancer['id']}", {"forwarding_rules": [http, RULE]})
    new = api.get(f"/load-balancers/{balancer['id']}")["load_balancer"]["forwarding_rules"]
    assert [rule["frontend_port"] for rule in new] == [80, 443]
    assert same[0]["id"] not in {rule["id"] for rule in new}


def test_a_balancer_is_edited_by_hand(api: Api) -> None:
    balancer = api.balancer()["id"]
    rule = api.does("POST", f"/load-balancers/{balancer}/forwarding-rules", RULE | {"frontend_port": 8443})
    listed = api.get(f"/load-balancers/{balancer}/forwarding-rules")
    assert listed["meta"]["total"] == 2
    assert rule["forwarding_rule"] in listed["forwarding_rules"]
    api.does("DELETE", f"/load-balancers/{balancer}/forwarding-rules/{rule['forwarding_rule']['id']}")
    assert len(api.get(f"/load-balancers/{balancer}")["load_balancer"]["forwarding_rules"]) == 1


def test_a_balancer_s_health_check_and_certificate_stay_when_not_named(api: Api) -> None:
    tls = {"private_key": "PK", "certificate": "C", "chain": "CH"}
    balancer = api.balancer(health_check={"path": "/api/health", "unhealthy_threshold": 3}, ssl=tls)
    assert balancer["has_ssl"] is True
    assert "PK" not in str(balancer)
    api.does("PATCH", f"/load-balancers/{balancer['id']}", {"label": "x", "proxy_protocol": True})
    after = api.get(f"/load-balancers/{balancer['id']}")["load_balancer"]
    assert (after["has_ssl"], after["health_check"]) == (True, balancer["health_check"])
    assert (after["generic_info"]["proxy_protocol"], after["health_check"]["check_interval"]) == (True, 15)
    api.does("DELETE", f"/load-balancers/{balancer['id']}/ssl")
    assert api.get(f"/load-balancers/{balancer['id']}")["load_balancer"]["has_ssl"] is False


def test_a_share_keeps_its_size_when_it_is_told_0(api: Api) -> None:
    share = api.share()["id"]
    assert api.does("PUT", f"/vfs/{share}", {"storage_size": {"gb": 0}})["storage_size"]["gb"] == 10
    assert api.does("PUT", f"/vfs/{share}", {"label": "x"})["storage_size"]["gb"] == 10
    assert api.does("PUT", f"/vfs/{share}", {"storage_size": {"gb": 20}})["storage_size"]["gb"] == 20
    assert "smaller" in api.refuses("PUT", f"/vfs/{share}", {"storage_size": {"gb": 10}})


def test_a_share_is_attached_twice_with_one_tag_and_to_several_servers(api: Api) -> None:
    share, one, two = api.share()["id"], api.instance()["id"], api.instance()["id"]
    first, again = (api.does("PUT", f"/vfs/{share}/attachments/{one}") for _ in range(2))
    assert first == again
    assert isinstance(first["mount_tag"], int)
    other = api.does("PUT", f"/vfs/{share}/attachments/{two}")
    assert other["mount_tag"] != first["mount_tag"]
    assert api.get(f"/vfs/{share}/attachments/{two}") == other
    assert api.get(f"/vfs/{share}/attachments") == {"attachments": [first, other]}


def test_a_reserved_address_is_attached_twice_to_one_server(api: Api) -> None:
    server = api.instance()["id"]
    reserved = api.reserved(instance_id=server)["id"]
    api.does("POST", f"/reserved-ips/{reserved}/attach", {"instance_id": server})
    assert api.get(f"/reserved-ips/{reserved}")["reserved_ip"]["instance_id"] == server
    other = api.instance()["id"]
    text = api.refuses("POST", f"/reserved-ips/{reserved}/attach", {"instance_id": other})
    assert text == "Reserved IP is already attached"
    api.does("POST", f"/reserved-ips/{reserved}/detach")
    api.does("POST", f"/reserved-ips/{reserved}/attach", {"instance_id": other})
    assert api.get(f"/reserved-ips/{reserved}")["reserved_ip"]["instance_id"] == other


def test_a_block_grows_and_never_shrinks(api: Api) -> None:
    block = api.block(size_gb=60)["id"]
    assert "smaller" in api.refuses("PATCH", f"/blocks/{block}", {"size_gb": 40})
    api.does("PATCH", f"/blocks/{block}", {"size_gb": 80, "label": "x"})
    found = api.get(f"/blocks/{block}")["block"]
    assert (found["size_gb"], found["label"], found["cost"]) == (80, "x", 8.0)


@pytest.mark.parametrize("body", [{}, {"label": "data"}, {"size_gb": 40}])
def test_a_block_s_patch_that_changes_nothing_is_refused_where_the_switch_says_so(
    api: Api, body: object
) -> None:
    block = api.block(label="data")["id"]
    api.vultr.set(refuse_empty_block_patch=False)
    api.does("PATCH", f"/blocks/{block}", body)
    api.vultr.set(refuse_empty_block_patch=True)
    assert api.refuses("PATCH", f"/blocks/{block}", body) == "Nothing to change"
    api.does("PATCH", f"/blocks/{block}", {"label": "other"})


def test_keys_vpcs_groups_domains_and_records_change_only_what_is_named(api: Api) -> None:
    key = api.ssh_key()
    api.does("PATCH", f"/ssh-keys/{key['id']}", {})
    assert api.get(f"/ssh-keys/{key['id']}")["ssh_key"] == key
    vpc = api.vpc()
    api.does("PUT", f"/vpcs/{vpc['id']}", {"description": "x"})
    assert api.get(f"/vpcs/{vpc['id']}")["vpc"] == vpc | {"description": "x"}
    api.domain()
    record = {"name": "www", "type": "A", "data": "203.0.113.1", "ttl": 60, "priority": 0}
    made = api.does("POST", "/domains/example.test/records", record)["record"]
    api.does("PATCH", f"/domains/example.test/records/{made['id']}", {"data": "203.0.113.2"})
    after = api.get(f"/domains/example.test/records/{made['id']}")["record"]
    assert after == made | {"data": "203.0.113.2"}


def test_a_firewall_rule_made_again_has_another_number(api: Api) -> None:
    group = api.group()["id"]
    rule = {
        "ip_type": "v6",
        "protocol": "tcp",
        "subnet": "::",
        "subnet_size": 0,
        "port": "22",
        "notes": "owner",
    }
    path = f"/firewalls/{group}/rules"
    first, second = (api.does("POST", path, rule)["firewall_rule"] for _ in range(2))
    assert (first["id"], second["id"], first["notes"], first["port"]) == (1, 2, "owner", "22")
    api.does("DELETE", f"{path}/2")
    assert api.does("POST", path, rule)["firewall_rule"]["id"] == 3
    assert api.get(f"/firewalls/{group}")["firewall_group"]["rule_count"] == 2
