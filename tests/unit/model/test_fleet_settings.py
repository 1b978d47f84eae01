"""Settings of servers at Vultr: what they lead to, and what is refused with place, cause and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from codeb.catalogue import catalogue
from codeb.model import (
    ManifestErrors,
    ManifestSource,
    Settings,
    SettingsErrors,
    load_manifests,
    parse_settings,
    read_stack_values,
)
from codeb.plan.machines import fleet_of, servers_of

ROOT = Path(__file__).parents[3]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
APPS: dict[str, Any] = {"name": "default", "roles": ["app", "edge"], "count": 2, "plan": "vc2-6c-16gb"}
DATA: dict[str, Any] = {"name": "data", "roles": ["data"], "plan": "vc2-8c-32gb", "dataDisk": "200Gi"}
OWN: dict[str, Any] = {
    "name": "own-1", "address": "203.0.113.9", "privateAddress": "10.1.0.9", "hostKey": KEY, "roles": ["app"], "pool": "own",
}  # fmt: skip


def parsed(*pools: dict[str, Any], **others: Any) -> Settings:
    data = {"domain": "example.com", "provider": "vultr", "pools": list(pools)} | others
    return parse_settings(data, "prod")


def refused(*pools: dict[str, Any], **others: Any) -> str:
    with pytest.raises(SettingsErrors) as caught:
        parsed(*pools, **others)
    (problem,) = caught.value.problems
    assert problem.remedy.endswith((".", "?"))
    return str(problem)


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


@pytest.mark.parametrize(
    ("region", "word"),
    [
        ("ICN", "Did you mean icn (Seoul)?"),
        ("seoul", "Did you mean icn (Seoul)?"),
        ("seol", "Did you mean icn (Seoul)?"),
        ("frankfurt", "Did you mean fra (Frankfurt)?"),
        ("nowhere-at-all", "Write for example icn"),
        ("icn\n", "Did you mean icn"),
        ("", "Write for example"),
    ],
)
def test_an_unknown_region_leads_to_the_nearest(region: str, word: str) -> None:
    message = refused(APPS, DATA, region=region)
    assert message.startswith("Pulumi.prod.yaml: codeb:region: ")
    assert word in message


def test_a_region_decides_on_plans_and_disks() -> None:
    assert "Write vc2-6c-16gb-sc1" in refused(APPS, DATA, region="sao")
    assert "has no hdd disks. Write dataDiskType: nvme" in refused(APPS, DATA, region="syd")
    assert parsed(APPS, DATA | {"dataDiskType": "nvme"}, region="syd").members[2].pool.disk_kind == "nvme"
    assert parsed(APPS, DATA | {"dataDiskType": "nvme"}, region="mxp"), "nobody wrote down what Milan has"


@pytest.mark.parametrize(
    ("subnet", "word"),
    [
        ("203.0.113.0/24", "is not private"),
        ("8.8.8.0/24", "is not private"),
        ("100.64.0.0/20", "is not private"),
        ("10.88.0.0/16", "overlaps 10.88.0.0/16"),
        ("10.89.4.0/24", "overlaps 10.89.0.0/16"),
        ("10.200.0.0/20", "overlaps 10.128.0.0/9"),
        ("10.64.0.0/29", "is too small"),
        ("10.64.0.0/12", "is too large"),
        ("10.64.0.1/20", "Write 10.64.0.0/20."),
        ("10.64.0.0", "is not an IPv4 network"),
        ("fd00::/64", "is not an IPv4 network"),
        ("10.64.0.0/33", "is neither"),
        ("office", "is neither"),
        ("10.64.0.0/20; reboot", "is neither"),
        (7, "is not text"),
    ],
)
def test_the_private_network_is_private_and_free(subnet: Any, word: str) -> None:
    message = refused(APPS, DATA, vpcSubnet=subnet)
    assert message.startswith("Pulumi.prod.yaml: codeb:vpcSubnet: ")
    assert word in message


def test_the_private_network_has_room_for_all_servers() -> None:
    assert "too small for 21 servers" in refused(APPS | {"count": 20}, DATA, vpcSubnet="192.168.7.0/28")
    assert parsed(APPS | {"count": 20}, DATA, vpcSubnet="192.168.7.0/26")


@pytest.mark.parametrize(
    ("keys", "place", "word"),
    [
        ([f"{KEY} ann", KEY], "[1]", "is the same key as one before"),
        (["ssh-ed25519 AAAA"], "[0]", "is not a public SSH key"),
        ([KEY[:-4]], "[0]", "is damaged"),
        ([KEY.replace("ssh-ed25519", "ssh-rsa")], "[0]", "is damaged"),
        ([f"{KEY}\n{KEY}"], "[0]", "is not a public SSH key"),
        ([f'command="id" {KEY}'], "[0]", "is not a public SSH key"),
        ([f"{KEY} ann\nroot:x"], "[0]", "is not a public SSH key"),
        ([f"{KEY} `id`"], "[0]", "is not a public SSH key"),
        (["-----BEGIN OPENSSH PRIVATE KEY-----"], "[0]", "is a private key"),
        (["ssh-dss AAAAB3NzaC1kc3MAAACBAPLEASE" + "A" * 60], "[0]", "is not a public SSH key"),
        ([7], "[0]", "is not text"),
        ("ssh-ed25519", "", "is not a list"),
    ],
)
def test_keys_of_people_are_public_whole_and_plain(keys: Any, place: str, word: str) -> None:
    message = refused(APPS, DATA, sshKeys=keys)
    assert message.startswith(f"Pulumi.prod.yaml: codeb:sshKeys{place}: ")
    assert word in message
    assert "PRIVATE KEY-----" not in message


@pytest.mark.parametrize("value", [[], {}, [None], {"a": 1}, "yes", 2, 1.5])
@pytest.mark.parametrize("place", ["protect", "balancer.enabled", "pools[0].reservedIp"])
def test_what_is_neither_true_nor_false_is_said(place: str, value: Any) -> None:
    pool = APPS | ({"reservedIp": value} if place.startswith("pools") else {})
    more = {"protect": {"protect": value}, "balancer.enabled": {"balancer": {"enabled": value}}}.get(
        place, {}
    )
    assert refused(pool, DATA, **more).startswith(f"Pulumi.prod.yaml: codeb:{place}: ")


@pytest.mark.parametrize("value", [True, False])
def test_true_is_no_number(value: bool) -> None:
    message = refused(APPS | {"count": value}, DATA)
    assert message.startswith(f"Pulumi.prod.yaml: codeb:pools[0].count: {str(value).lower()} is no number.")
    assert "codeb:standbyMinutes: " in refused(APPS, DATA, standbyMinutes=value)


def test_administrators_can_reach_servers_which_have_no_ipv6() -> None:
    message = refused(APPS, DATA, adminAddresses=["2001:db8::/48", "2001:db8:1::7"])
    assert message.startswith("Pulumi.prod.yaml: codeb:adminAddresses: servers at Vultr have no IPv6 address")
    assert parsed(APPS, DATA, adminAddresses=["2001:db8::/48", "203.0.113.7"])


def test_the_firewall_has_room_for_all_administrators_and_for_others_in_their_place() -> None:
    many = [f"203.0.113.{number}" for number in range(0, 46, 2)]
    assert "23 networks are more than Vultr's firewall takes. Write 22 at most" in refused(
        APPS, DATA, adminAddresses=many
    )
    before, after = fleet_of_admins(many[:22]), fleet_of_admins([f"198.51.100.{n}" for n in range(0, 44, 2)])
    assert len(before | after) <= catalogue().most_firewall_rules
    assert parsed(APPS, DATA, adminAddresses=[f"203.0.113.{number}" for number in range(64)]), "they are one"


def fleet_of_admins(addresses: list[str]) -> set[str]:
    """The keys of the firewall's rules, HTTP/3 among them."""
    settings = parsed(APPS, DATA, adminAddresses=addresses, balancer={"enabled": False})
    fleet = fleet_of(settings, servers_of(settings), ())
    assert fleet is not None
    return {rule.key for rule in fleet.rules}


def test_a_key_may_have_a_comment_and_the_line_break_of_its_file() -> None:
    assert parsed(APPS, DATA, sshKeys=[f"{KEY} ann@example.com laptop\n"]).ssh_keys == (
        f"{KEY} ann@example.com laptop",
    )


def test_the_balancer_comes_with_the_second_edge() -> None:
    assert parsed(APPS, DATA).balanced
    assert not parsed(APPS | {"count": 1}, DATA).balanced
    assert not parsed(APPS, DATA, balancer={"enabled": False}).balanced
    assert parsed(APPS | {"count": 1}, DATA, balancer={"enabled": True, "tls": "terminate"}).balanced
    alone = refused(APPS | {"count": 1}, DATA, balancer={"tls": "terminate"})
    assert "codeb:balancer.tls: there is no balancer" in alone
    own = OWN | {"roles": ["edge"]}
    without = refused(APPS | {"roles": ["app"]}, DATA, servers=[own], balancer={"enabled": True})
    assert "codeb:balancer.enabled: no server at Vultr has the role edge" in without
    assert "codeb:balancer.tls" in refused(APPS, DATA, balancer={"tls": "off"})


def test_a_pool_at_vultr_beside_existing_servers() -> None:
    settings = parsed(
        APPS, DATA, {"name": "own", "provider": "existing", "count": 1, "roles": ["app"]}, servers=[OWN]
    )
    assert settings.app_pools == {"default", "own"}
    mixed = parse_settings(
        {
            "domain": "example.com",
            "servers": [OWN],
            "pools": [pool | {"provider": "vultr"} for pool in (APPS, DATA)],
        }
    )
    assert [member.server for member in mixed.members] == ["app-1", "app-2", "data-1"]


@pytest.mark.parametrize(
    ("pool", "place", "word"),
    [
        ({"count": 2}, "count", "Write count: 1"),
        ({"roles": ["edge"]}, "roles", "Write roles: [app]"),
        ({"plan": "vc2-6c-16gb"}, "plan", "is for servers at Vultr"),
        ({"os": 2625}, "os", "is for servers at Vultr"),
        ({"dataDisk": "40Gi"}, "dataDisk", "is for servers at Vultr"),
        ({"reservedIp": True}, "reservedIp", "is for servers at Vultr"),
        ({"name": "other"}, "name", "no server of codeb:servers is in this pool"),
    ],
)
def test_an_existing_pool_says_nothing_that_its_servers_contradict(
    pool: dict[str, Any], place: str, word: str
) -> None:
    message = refused(APPS, DATA, {"name": "own", "provider": "existing"} | pool, servers=[OWN])
    assert message.startswith(f"Pulumi.prod.yaml: codeb:pools[2].{place}: ")
    assert word in message


def test_existing_servers_reach_those_at_vultr_over_a_private_network() -> None:
    public = {key: value for key, value in OWN.items() if key != "privateAddress"}
    assert "codeb:servers[0].privateAddress: 203.0.113.9 is a public address" in refused(
        APPS, DATA, servers=[public]
    )
    assert parsed(APPS, DATA, servers=[OWN | {"privateAddress": "100.64.0.9"}])


def test_settings_of_a_fleet_need_one() -> None:
    base = {"domain": "a.b", "servers": [{**OWN, "roles": ["app", "data", "edge"]}]}
    for key, value in (
        ("dnsZone", "a.b"),
        ("balancer", {"enabled": True}),
        ("balancer", {"tls": "terminate"}),
    ):
        with pytest.raises(SettingsErrors, match=f"codeb:{key}: no server is at Vultr"):
            parse_settings(base | {key: value})


def test_no_project_takes_the_host_name_of_a_server() -> None:
    manifest = "project: {id: shop}\nenvironment: {domain: app2.example.com, image: 'ghcr.io/x/shop:1'}\n"
    with pytest.raises(ManifestErrors, match=r'"app2.example.com" belongs to the platform'):
        load_manifests([ManifestSource("shop.yaml", manifest)], parsed(APPS, DATA))
    assert load_manifests([ManifestSource("shop.yaml", manifest)], parsed(APPS | {"count": 1}, DATA))


def test_all_faults_of_single_values_come_at_once() -> None:
    with pytest.raises(SettingsErrors) as caught:
        parsed(APPS | {"os": 1}, DATA | {"dataDisk": "x"}, region="ICN", vpcSubnet="x", sshKeys=["x"])
    assert [problem.path for problem in caught.value.problems] == [
        "codeb:pools[0].os", "codeb:pools[1].dataDisk", "codeb:region", "codeb:sshKeys[0]", "codeb:vpcSubnet",
    ]  # fmt: skip
