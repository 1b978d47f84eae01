"""Bad input is a 400 that says which field, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.vultr.simulator import Simulator
from tests.vultr_api import INSTANCE, RULE, Api

BAD = [
    ("/instances", INSTANCE | {"plan": "vc2-4c-16gb"}, "Invalid plan chosen."),
    ("/instances", INSTANCE | {"os_id": 1}, "Invalid OS chosen."),
    ("/instances", INSTANCE | {"os_id": "2625"}, "Invalid os_id"),
    ("/instances", INSTANCE | {"region": "xyz"}, "Invalid region"),
    ("/instances", {"plan": "vc2-1c-1gb", "os_id": 2625}, "Missing required field: region"),
    ("/instances", INSTANCE | {"user_data": "#cloud-config"}, "Invalid user_data"),
    ("/instances", INSTANCE | {"attach_vpc": ["nobody"]}, "Invalid VPC ID"),
    ("/instances", INSTANCE | {"sshkey_id": ["nobody"]}, "Invalid SSH key"),
    ("/instances", INSTANCE | {"firewall_group_id": "nobody"}, "Invalid firewall group ID"),
    ("/instances", INSTANCE | {"tags": "a"}, "Invalid tags"),
    ("/instances", INSTANCE | {"tags": [1]}, "Invalid tags"),
    ("/instances", INSTANCE | {"reserved_ipv4": "nobody"}, "Invalid reserved-ip ID"),
    ("/ssh-keys", {"name": "k", "ssh_key": "not a key"}, "Invalid SSH key"),
    ("/vpcs", {"region": "icn", "v4_subnet": "10.0.0.1", "v4_subnet_mask": 24}, "Invalid v4_subnet"),
    ("/vpcs", {"region": "icn", "v4_subnet": "8.8.8.0", "v4_subnet_mask": 24}, "Invalid v4_subnet"),
    ("/blocks", {"region": "icn", "size_gb": 1}, "size_gb must be between 10 and 10000"),
    ("/blocks", {"region": "icn", "size_gb": True}, "Invalid size_gb"),
    ("/blocks", {"region": "icn", "size_gb": 40, "block_type": "x"}, "Invalid block_type"),
    ("/reserved-ips", {"region": "icn", "ip_type": "v5"}, "Invalid ip_type"),
    ("/reserved-ips", {"region": "icn", "ip_type": "v4", "instance_id": "nobody"}, "Invalid instance ID"),
    ("/load-balancers", {"region": "icn"}, "Missing required field: forwarding_rules"),
    ("/load-balancers", {"region": "icn", "forwarding_rules": [{}]}, "Invalid forwarding_rules: frontend_protocol"),
    ("/load-balancers", {"region": "icn", "forwarding_rules": [RULE, RULE]}, "Duplicate frontend_port"),
    ("/load-balancers", {"region": "icn", "forwarding_rules": [RULE], "instances": ["x"]}, "Invalid instance ID"),
    ("/load-balancers", {"region": "icn", "forwarding_rules": [RULE], "vpc": "x"}, "Invalid VPC ID"),
    ("/load-balancers", {"region": "icn", "forwarding_rules": [RULE], "ssl": {"chain": "x"}}, "Invalid ssl"),
    ("/load-balancers", {"region": "icn", "forwarding_rules": [RULE], "health_check": {"x": 1}}, "Invalid health_check"),
    ("/load-balancers", {"region": "icn", "forwarding_rules": [RULE], "balancing_algorithm": "x"}, "Invalid balancing"),
    ("/domains", {"domain": "no dots"}, "Invalid domain"),
    ("/vfs", {"region": "icn", "label": "x", "storage_size": {"gb": 1}}, "Invalid storage_size"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "text"), BAD)
def test_bad_input_is_named_and_leaves_nothing(api: Api, path: str, body: object, text: str) -> None:
    assert api.refuses("POST", path, body).startswith(text)
    assert api.vultr.is_empty()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"ip_type": "v6"}, "Invalid ip_type"),
        ({"protocol": "x"}, "Invalid protocol"),
        ({"port": "x"}, "Invalid port"),
        ({"port": 80}, "Invalid port"),
        ({"subnet": "1.2.3"}, "Invalid subnet"),
        ({"subnet_size": 33}, "Invalid subnet"),
    ],
)
def test_a_bad_firewall_rule_is_named(api: Api, change: dict[str, object], text: str) -> None:
    rule = {"ip_type": "v4", "protocol": "tcp", "subnet": "0.0.0.0", "subnet_size": 0, "port": "80"} | change
    assert api.refuses("POST", f"/firewalls/{api.group()['id']}/rules", rule).startswith(text)


def test_a_group_has_at_most_50_rules(api: Api) -> None:
    group = api.group()["id"]
    rule = {"ip_type": "v4", "protocol": "tcp", "subnet": "0.0.0.0", "subnet_size": 0, "port": "80"}
    for _ in range(50):
        api.does("POST", f"/firewalls/{group}/rules", rule)
    api.refuses("POST", f"/firewalls/{group}/rules", rule)


def test_a_balancer_has_at_most_15_rules_and_keeps_some_ports(api: Api) -> None:
    rules = [RULE | {"frontend_port": port} for port in range(1, 16)]
    balancer = api.balancer(forwarding_rules=rules)["id"]
    path = f"/load-balancers/{balancer}/forwarding-rules"
    assert "at most 15" in api.refuses("POST", path, RULE)
    for port in (65300, 65310):
        assert "reserved" in api.refuses("PATCH", f"/load-balancers/{balancer}",
                                         {"forwarding_rules": [RULE | {"frontend_port": port}]})  # fmt: skip
    api.does("PATCH", f"/load-balancers/{balancer}", {"forwarding_rules": [RULE | {"frontend_port": 65299}]})


def test_nothing_is_attached_across_regions(api: Api) -> None:
    server = api.instance(region="fra")["id"]
    text = api.refuses(
        "POST",
        "/load-balancers",
        {"region": "icn", "forwarding_rules": [RULE], "instances": [server]},
        status=422,
    )
    assert text == "Can not attach instance from different location"
    api.refuses("POST", f"/blocks/{api.block()['id']}/attach", {"instance_id": server})
    api.refuses("PUT", f"/vfs/{api.share()['id']}/attachments/{server}")
    api.refuses("POST", f"/reserved-ips/{api.reserved()['id']}/attach", {"instance_id": server})
    api.refuses("PATCH", f"/instances/{server}", {"attach_vpc": [api.vpc()["id"]]})


def test_a_refused_patch_changes_nothing_of_it(api: Api) -> None:
    server = api.instance(label="a", tags=["t"])["id"]
    api.refuses("PATCH", f"/instances/{server}", {"label": "b", "tags": [], "attach_vpc": ["nobody"]})
    found = api.get(f"/instances/{server}")["instance"]
    assert (found["label"], found["tags"]) == ("a", ["t"])


@pytest.mark.parametrize("raw", [b"{", b"[]", b'"x"', b"\xff"])
def test_a_body_that_is_no_object_is_a_400(api: Api, raw: bytes) -> None:
    assert api.call("POST", "/ssh-keys", raw=raw).status == 400


def test_unknown_paths_and_methods(api: Api) -> None:
    assert api.refuses("GET", "/kubernetes", status=404)
    assert api.refuses("PUT", "/instances", status=405)
    assert api.refuses("DELETE", "/plans", status=405)


def test_the_region_s_case_does_not_matter(api: Api) -> None:
    assert api.instance(region="ICN")["region"] == "icn"


def test_a_wrong_key_is_a_401(vultr: Simulator) -> None:
    for key in ("", "wrong", " "):
        assert Api(vultr, key=key).refuses("GET", "/account", status=401) == "Invalid API token."


def test_accounts_see_only_their_own_and_have_their_own_limits(vultr: Simulator, api: Api) -> None:
    vultr.accounts.ensure("other", limit=1)
    other = Api(vultr, "other")
    mine, theirs = api.instance()["id"], other.instance()["id"]
    assert other.refuses("POST", "/instances", INSTANCE).startswith(
        "Server add failed: You have reached the maximum"
    )
    assert other.refuses("DELETE", f"/instances/{mine}", status=404) == "invalid instance ID"
    assert [one["id"] for one in api.get("/instances")["instances"]] == [mine]
    assert [one["id"] for one in other.get("/instances")["instances"]] == [theirs]
    vultr.accounts.ensure("other", limit=2)
    other.instance()


def test_a_full_region_is_named_and_not_offered(vultr: Simulator, api: Api) -> None:
    vultr.set(full=("icn", "fra/vc2-1c-1gb"))
    for region in ("icn", "fra"):
        text = api.refuses("POST", "/instances", INSTANCE | {"region": region})
        assert text == "plan is not available in the selected region"
    assert api.get("/regions/icn/availability") == {"available_plans": []}
    assert "vc2-1c-1gb" not in api.get("/regions/fra/availability")["available_plans"]
    plans = {plan["id"]: plan["locations"] for plan in api.get("/plans")["plans"]}
    assert "icn" not in plans["vc2-2c-4gb"]
    assert "fra" in plans["vc2-2c-4gb"]
    vultr.set(full=())
    server = api.instance()["id"]
    vultr.set(full=("icn/vc2-2c-4gb",))
    text = api.refuses("PATCH", f"/instances/{server}", {"plan": "vc2-2c-4gb"})
    assert text == "plan is not available in the selected region"


def test_keys_lie_in_files_of_their_owner_and_nowhere_else(
    vultr: Simulator, api: Api, tmp_path: Path
) -> None:
    secret = "VERY-SECRET-KEY-OF-A-BALANCER"
    api.balancer(ssl={"certificate": "c", "private_key": secret})
    api.get("/instances?label=x%20y")
    log = (vultr.folder / "calls.log").read_text()
    assert vultr.key() not in log
    assert secret not in log
    for name in ("store.json", "accounts.json", "keys/main", "server.key"):
        assert (vultr.folder / name).stat().st_mode & 0o077 == 0, name
    assert vultr.key() not in (vultr.folder / "accounts.json").read_text()
    assert vultr.key() not in (vultr.folder / "store.json").read_text()


def test_a_fault_of_the_simulator_s_own_is_answered_and_leaves_nothing(
    vultr: Simulator, api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("lab.vultr.api.blocks._size", lambda *_: 1 // 0)
    assert "fault of its own" in api.refuses("POST", "/blocks", {"region": "icn", "size_gb": 40}, status=500)
    assert "ZeroDivisionError" in caplog.text
    assert vultr.is_empty()
