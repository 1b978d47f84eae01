"""Settings of servers at Vultr: what they lead to, and what is refused with place, cause and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from fleet_settings import APPS, DATA, OWN, parsed, refused

from codeb.model import (
    parse_settings,
    read_stack_values,
)

ROOT = Path(__file__).parents[3]


@pytest.fixture
def production() -> Path:
    """The production stack that comes with the project; whoever deploys from a copy of it edits the file."""
    file = ROOT / "Pulumi.prod.yaml"
    if read_stack_values(file).get("domain") != "leocompany.com":
        pytest.skip("Pulumi.prod.yaml is this copy's own")
    return file


def test_the_production_stack_is_two_app_servers_a_data_server_and_a_balancer(production: Path) -> None:
    settings = parse_settings(read_stack_values(production), "prod")
    assert [member.server for member in settings.members] == ["app-1", "app-2", "data-1"]
    assert [member.hostname for member in settings.members[:2]] == [
        "app1.leocompany.com",
        "app2.leocompany.com",
    ]
    assert [member.label for member in settings.members[:2]] == ["codeb-app-1", "codeb-app-2"]
    assert (settings.region, settings.balanced, settings.protect) == ("icn", True, True)


@pytest.mark.parametrize("shape", ["two servers", "one server"])
def test_the_smaller_shapes_in_its_comments_are_valid(production: Path, shape: str) -> None:
    """Each comment's lines in place of the pools."""
    text = production.read_text()
    start = "# Smaller, without" if shape == "two servers" else "# Smallest: one server"
    lines = text[text.index(start) :].splitlines()[1:]
    wanted = [line.strip().removeprefix("# - ") for line in lines if line.strip().startswith("# - ")]
    wanted = wanted[:2] if shape == "two servers" else wanted
    settings = parsed(*map(yaml.safe_load, wanted))
    assert len(settings.members) == len(wanted) == (2 if shape == "two servers" else 1)
    assert not settings.balanced


def test_pulumis_texts_are_understood() -> None:
    settings = parsed(
        APPS | {"count": "2", "os": "2625"}, DATA | {"reservedIp": "true"},
        protect="false", dnsZone="", balancer={"enabled": "true"},
    )  # fmt: skip
    assert len(settings.members) == 3
    assert (settings.protect, settings.dns_zone, settings.balanced) == (False, None, True)


def test_existing_stacks_are_as_before() -> None:
    settings = parse_settings({"domain": "a.b", "servers": [{**OWN, "roles": ["app", "data", "edge"]}]})
    assert (settings.members, settings.balanced, settings.app_pools) == ((), False, {"own"})


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        (
            {"plan": "vc2-4c-16gb"},
            "plan",
            ['no plan "vc2-4c-16gb"', "Write vc2-6c-16gb: 6 vCPU, 16 GB, $80.00"],
        ),
        ({"plan": "vc2-6c-16gb-sc1"}, "plan", ["is not sold in region icn", "Write vc2-6c-16gb:"]),
        ({"plan": "huge"}, "plan", ["no plan", "Plans look like vc2-6c-16gb"]),
        ({"plan": "vc2-999c-1gb"}, "plan", ["the largest in icn is"]),
        ({"plan": "$(reboot)"}, "plan", ["no plan"]),
        ({"plan": None}, "plan", ["is missing", "vc2-6c-16gb"]),
        ({"plan": 6}, "plan", ["is not text"]),
        ({"plan": ""}, "plan", ["is empty"]),
        ({"os": 1743}, "os", ["Ubuntu 22.04", "Podman 3.4.4 without Quadlet", "Write 2625 (Debian 13"]),
        ({"os": 387}, "os", ["Ubuntu 20.04", "Write 2625"]),
        ({"os": "Debian 12"}, "os", ["2136", "Podman 4.3.1 without Quadlet", "Write 2625"]),
        ({"os": 2284}, "os", ["Ubuntu 24.04", "Podman 4.9.3", "5.4 or later"]),
        ({"os": "Fedora 43"}, "os", ["apt"]),
        ({"os": 9999}, "os", ["is no operating system"]),
        ({"os": "@{secret:platform/ca}"}, "os", ["is no operating system"]),
        ({"os": True}, "os", ["is not a whole number"]),
        ({"count": 0}, "count", ["0 is out of range", "Write 1 or more"]),
        ({"count": "-1"}, "count", ["out of range"]),
        ({"count": 1000}, "count", ["out of range"]),
        ({"count": "two"}, "count", ["is not a whole number"]),
        ({"roles": None}, "roles", ["is missing", "roles: [app, edge]"]),
        ({"roles": []}, "roles", ["too few"]),
        ({"roles": ["app", "edge", "app"]}, "roles[2]", ["listed twice"]),
        ({"roles": ["app", "web"]}, "roles[1]", ["not one of the choices"]),
        ({"dataDisk": "100Gi"}, "dataDisk", ["without the role data"]),
        ({"dataDiskType": "hdd"}, "dataDiskType", ["there is no dataDisk"]),
        ({"reservedIp": True}, "reservedIp", ["2 servers can't share one address"]),
        ({"autoscale": {"min": 2}}, "autoscale.max", ["is missing"]),
        ({"autoscale": {"min": 1, "max": 3}}, "autoscale.min", ["1 is out of range", "Write 2 or more"]),
        ({"autoscale": {"max": 51}}, "autoscale.max", ["out of range"]),
        ({"autoscale": {"min": 4, "max": 3}}, "autoscale.max", ["less than min, 4", "Write 4 or more"]),
        (
            {"autoscale": {"max": 4, "above": 40}},
            "autoscale.below",
            ["less than 20 below above, 40", "20 or less"],
        ),
        (
            {"autoscale": {"max": 4, "window": "90s"}},
            "autoscale.window",
            ["out of range", "between 2m and 24h"],
        ),
        ({"autoscale": {"max": 4, "coolDown": 600}}, "autoscale.coolDown", ["is not a time", "5m"]),
        ({"autoscale": {"max": 4, "cool_down": "5m"}}, "autoscale.cool_down", ["unknown key", "coolDown"]),
        ({"autoscale": {"max": "$(reboot)"}}, "autoscale.max", ["is not a whole number"]),
        ({"autoscale": {"max": 4}, "count": 5}, "count", ["5 is not between", "from 2 to 4"]),
        ({"autoscale": {"min": 3, "max": 4}, "count": 2}, "count", ["2 is not between", "from 3 to 4"]),
        (
            {"autoscale": {"max": 3}, "count": None, "reservedIp": True},
            "reservedIp",
            ["3 servers can't share"],
        ),
        (
            {"autoscale": {"max": 3}, "roles": ["app", "edge", "monitoring"]},
            "autoscale",
            ["the role monitoring"],
        ),
        ({"autoscale": {"max": 9}, "name": "s"}, "name", ["s3.example.com", "the platform's own"]),
        ({"name": "s", "count": 3}, "name", ["s3.example.com", "the platform's own"]),
        ({"name": "App"}, "name", ["is not a pool name"]),
        ({"name": "a b"}, "name", ["is not a pool name"]),
        ({"name": "x\ny"}, "name", ["is not a pool name"]),
        ({"colour": "red"}, "colour", ["unknown key"]),
        ({"datadisk": "40Gi"}, "datadisk", ["unknown key", "dataDisk"]),
    ],
)
def test_what_is_wrong_with_a_pool_is_named_by_its_place(
    change: dict[str, Any], place: str, words: list[str]
) -> None:
    pool = {key: value for key, value in (APPS | change).items() if value is not None}
    message = refused(pool, DATA)
    assert message.startswith(f"Pulumi.prod.yaml: codeb:pools[0].{place}: ")
    for word in words:
        assert word in message


def test_a_pool_that_scales_itself_starts_with_its_count_or_its_least() -> None:
    scaled = {"min": 3, "max": "5", "window": "5m"}
    assert len(parsed(APPS | {"count": 4, "autoscale": scaled}, DATA).members) == 5
    least = parsed(
        {key: value for key, value in APPS.items() if key != "count"} | {"autoscale": scaled}, DATA
    )
    assert [member.server for member in least.members] == ["app-1", "app-2", "app-3", "data-1"]
    assert "app5.example.com" in least.own_hosts, "no project takes the name of a server that may come"
    assert "app6.example.com" not in least.own_hosts
    assert parsed(APPS | {"autoscale": {}}, DATA).pools[0].autoscale is None


def test_the_private_network_has_room_for_servers_that_may_come() -> None:
    many = {"min": 2, "max": 50}
    message = refused(APPS | {"autoscale": many}, DATA, vpcSubnet="10.64.0.0/27")
    assert "too small for 51 servers" in message


def test_the_server_with_the_data_stays_one() -> None:
    message = refused(APPS, DATA | {"autoscale": {"max": 3}})
    assert "codeb:pools[1].autoscale: only one server can have the role data" in message


@pytest.mark.parametrize(
    ("change", "place", "word"),
    [
        ({"dataDisk": "20Gi"}, "dataDisk", "between 40Gi and 40000Gi"),
        ({"dataDisk": "200"}, "dataDisk", "Write for example 200Gi"),
        ({"dataDisk": 200}, "dataDisk", "Write for example 200Gi"),
        ({"dataDisk": "1536Mi"}, "dataDisk", "Write for example 200Gi"),
        (
            {"dataDiskType": "nvme"},
            "dataDiskType",
            "region icn (Seoul) has no nvme disks. Write dataDiskType: hdd.",
        ),
        ({"dataDiskType": "ssd"}, "dataDiskType", "not one of the choices"),
        ({"count": 2}, "count", "2 servers have the role data"),
    ],
)
def test_what_is_wrong_with_the_data_server(change: dict[str, Any], place: str, word: str) -> None:
    message = refused(APPS, DATA | change)
    assert message.startswith(f"Pulumi.prod.yaml: codeb:pools[1].{place}: ")
    assert word in message


def test_names_of_pools_and_servers_differ() -> None:
    assert 'codeb:pools[1].name: "default" is used twice' in refused(APPS, APPS, DATA)
    assert "both lead to servers named app-1" in refused(APPS, DATA | {"name": "app"})
    existing = {"name": "app", "provider": "existing"}
    assert parsed(APPS, DATA, existing, servers=[OWN | {"pool": "app"}]), (
        "existing servers have names already"
    )
    assert 'codeb:pools[2].name: "data" is used twice' in refused(APPS, DATA, existing | {"name": "data"})
    assert "pools[0].name: leads to a server app-1" in refused(APPS, DATA, servers=[OWN | {"name": "app-1"}])
    eleven = [APPS | {"name": "web", "count": 11}, APPS | {"name": "web1", "count": 1}, DATA]
    assert "web11.example.com" in refused(*eleven), "web-11 and web1-1 have one host name"
    assert "of 77 characters" in refused(APPS, DATA, domain=f"{'a' * 60}.example.com")


def test_each_role_is_somewhere_and_data_exactly_once() -> None:
    assert "codeb:pools: 0 servers have the role data" in refused(APPS)
    assert "codeb:pools[2].roles: 2 servers have the role data" in refused(
        APPS, DATA, DATA | {"name": "more"}
    )
    assert "0 servers have the role app" in refused(DATA, APPS | {"roles": ["edge"]})
    assert "0 servers have the role edge" in refused(APPS | {"roles": ["app"]}, DATA)
    both = OWN | {"roles": ["data"]}
    assert "codeb:pools[1].roles: 2 servers have the role data" in refused(APPS, DATA, servers=[both])


def test_vultr_without_a_pool_says_what_to_write() -> None:
    message = refused()
    assert "codeb:pools: codeb:provider is vultr, and no pool says what to make" in message
    assert "dataDisk: 100Gi" in message
    assert "no pool" in refused({"name": "own", "provider": "existing"}, servers=[OWN])
