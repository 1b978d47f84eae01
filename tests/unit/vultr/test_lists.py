"""Lists come in pages, whole whatever happens between two of them, and filtered where that is documented."""

from __future__ import annotations

from typing import Any

import pytest

from lab.vultr.simulator import Simulator
from tests.vultr_api import Api

KINDS = {
    "ssh-keys": ("ssh_keys", "ssh_key"),
    "vpcs": ("vpcs", "vpc"),
    "firewalls": ("firewall_groups", "group"),
    "instances": ("instances", "instance"),
    "blocks": ("blocks", "block"),
    "reserved-ips": ("reserved_ips", "reserved"),
    "load-balancers": ("load_balancers", "balancer"),
    "vfs": ("vfs", "share"),
}


def _pages(api: Api, path: str, name: str, size: int) -> list[list[Any]]:
    pages, cursor = [], ""
    while True:
        page = api.get(f"{path}?per_page={size}" + (f"&cursor={cursor}" if cursor else ""))
        pages.append(page[name])
        cursor = page["meta"]["links"]["next"]
        if not cursor:
            return pages


@pytest.mark.parametrize("path", KINDS)
def test_a_list_has_what_single_reads_say(api: Api, path: str) -> None:
    name, make = KINDS[path]
    assert api.get(f"/{path}") == {name: [], "meta": {"total": 0, "links": {"next": "", "prev": ""}}}
    ids = [getattr(api, make)(**({"subnet": f"10.{n}.0.0"} if make == "vpc" else {}))["id"] for n in range(3)]
    assert [[one["id"] for one in page] for page in _pages(api, f"/{path}", name, 2)] == [ids[:2], ids[2:]]
    one = api.get(f"/{path}/{ids[0]}")
    assert api.get(f"/{path}")[name][0] == (one if path == "vfs" else next(iter(one.values())))


def test_rules_records_and_domains_are_listed(api: Api) -> None:
    group = api.group()["id"]
    for port in ("22", "80", "443"):
        rule = {"ip_type": "v4", "protocol": "tcp", "subnet": "0.0.0.0", "subnet_size": 0, "port": port}
        api.does("POST", f"/firewalls/{group}/rules", rule)
    pages = _pages(api, f"/firewalls/{group}/rules", "firewall_rules", 2)
    assert [[rule["port"] for rule in page] for page in pages] == [["22", "80"], ["443"]]
    api.domain("b.test", ip="203.0.113.1")
    api.domain("a.test")
    assert [one["domain"] for one in api.get("/domains")["domains"]] == ["b.test", "a.test"]
    records = api.get("/domains/b.test/records")
    assert records["meta"]["total"] == 5
    assert {record["type"] for record in records["records"]} == {"NS", "A", "CNAME", "MX"}


def test_a_page_skips_nothing_when_what_it_begins_with_is_deleted(api: Api) -> None:
    ids = [api.instance()["id"] for _ in range(5)]
    first = api.get("/instances?per_page=2")
    api.does("DELETE", f"/instances/{ids[0]}")
    api.does("DELETE", f"/instances/{ids[2]}")
    cursor = first["meta"]["links"]["next"]
    second = api.get(f"/instances?per_page=2&cursor={cursor}")
    assert [one["id"] for one in second["instances"]] == ids[3:]
    assert second["meta"]["total"] == 3
    back = api.get(f"/instances?per_page=2&cursor={second['meta']['links']['prev']}")
    assert [one["id"] for one in back["instances"]] == [ids[1], ids[3]]


@pytest.mark.parametrize("query", ["per_page=0", "per_page=501", "per_page=x", "cursor=x", "cursor=bmV4dA=="])
def test_a_bad_page_is_a_400(api: Api, query: str) -> None:
    api.refuses("GET", f"/blocks?{query}")


def test_a_page_has_100_unless_told_and_500_at_most(vultr: Simulator, api: Api) -> None:
    for number in range(101):
        api.ssh_key(name=f"k{number}")
    assert len(api.get("/ssh-keys")["ssh_keys"]) == 100
    assert len(api.get("/ssh-keys?per_page=500")["ssh_keys"]) == 101


def test_instances_are_filtered(api: Api) -> None:
    one = api.instance(label="a", hostname="a.test", tags=["codeb", "x"])
    two = api.instance(label="b", region="fra", tags=["codeb"], firewall_group_id=api.group()["id"])
    for query, found in {
        "tag=codeb": [one, two],
        "tag=x": [one],
        "label=b": [two],
        "hostname=a.test": [one],
        "region=fra": [two],
        f"main_ip={one['main_ip']}": [one],
        f"firewall_group_id={two['firewall_group_id']}": [two],
        "label=b&tag=x": [],
    }.items():
        got = api.get(f"/instances?{query}")
        assert [one["id"] for one in got["instances"]] == [one["id"] for one in found], query
        assert got["meta"]["total"] == len(found)


def test_no_list_says_anything_secret(api: Api) -> None:
    api.instance(user_data="c2VjcmV0")
    api.balancer(ssl={"certificate": "c", "private_key": "very-secret"})
    (server,) = api.get("/instances")["instances"]
    assert "default_password" not in server
    assert "c2VjcmV0" not in str(server)
    assert "very-secret" not in str(api.get("/load-balancers"))


def test_the_catalog(api: Api) -> None:
    plan = next(plan for plan in api.get("/plans")["plans"] if plan["id"] == "vc2-6c-16gb")
    assert (plan["ram"], plan["vcpu_count"], plan["monthly_cost"], plan["type"]) == (16384, 6, 80.0, "vc2")
    assert {plan["type"] for plan in api.get("/plans?type=vhf")["plans"]} == {"vhf"}
    assert 2625 in {system["id"] for system in api.get("/os?per_page=500")["os"]}
    assert api.get("/regions?per_page=1")["regions"][0]["id"] == "icn"
    assert api.get("/account")["account"]["acls"]
    api.refuses("GET", "/regions/xyz/availability", status=404)


def test_vpc2_has_nothing(api: Api) -> None:
    empty = {"vpcs": [], "meta": {"total": 0, "links": {"next": "", "prev": ""}}}
    assert api.get(f"/instances/{api.instance()['id']}/vpc2") == empty
