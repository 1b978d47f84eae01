"""Settings of networks, regions, people and administrators of a fleet, and of servers that exist beside it."""

from __future__ import annotations

from typing import Any

import pytest
from fleet_settings import APPS, DATA, KEY, OWN, parsed, refused

from codeb.catalogue import catalogue
from codeb.model import (
    ManifestErrors,
    ManifestSource,
    SettingsErrors,
    load_manifests,
    parse_settings,
)
from codeb.plan.machines import fleet_of, servers_of


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
