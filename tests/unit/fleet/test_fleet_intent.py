"""What the settings want tells what is worth taking back."""

from __future__ import annotations

from typing import Any

import pytest

from codeb.fleet import Thing, Wanted, Whose, whose
from codeb.fleet.intent import Intent, intent_of
from codeb.fleet.kinds import ADDRESS, BALANCER, DATABASE, DISK, KEY, SERVER, Kind
from codeb.model import ManifestSource, load_manifests, parse_settings

OWNER = "codeb-prod-1a2b3c"
POOLS = [
    {"name": "default", "roles": ["app", "edge"], "count": 2, "plan": "vc2-6c-16gb"},
    {"name": "data", "roles": ["data"], "count": 1, "plan": "vc2-8c-32gb", "dataDisk": "200Gi"},
]
SHOP = """
project: {id: shop}
environment: {domain: example.com, aliases: [www.example.com, shop.example.net], image: "ghcr.io/example/shop:1"}
"""


def intent(**values: Any) -> Intent:
    settings = parse_settings(
        {"domain": "example.com", "provider": "vultr", "pools": POOLS, **values}, "prod"
    )
    found = intent_of(settings, load_manifests([ManifestSource("shop.yaml", SHOP)], settings), OWNER)
    assert found is not None
    return found


def wants(found: Intent, kind: Kind, label: str) -> bool:
    return found.wants(Thing(kind, "1", {kind.label: label}))


def test_machines_disks_and_the_balancer_are_wanted_by_their_labels() -> None:
    found = intent()
    assert [wants(found, SERVER, f"codeb-app-{n}") for n in (1, 2, 3)] == [True, True, False]
    for end in ("", ".1a2b3c4d"):
        there = (wants(found, DISK, f"{OWNER}-data-1{end}"), wants(found, DISK, f"{OWNER}-app-1{end}"))
        assert there == (True, False)
    assert (wants(found, BALANCER, OWNER), wants(found, ADDRESS, f"{OWNER}-app-1")) == (True, False)
    assert wants(found, KEY, f"{OWNER}-0a0b0c0d"), "settings do not tell all keys"
    assert not wants(intent(balancer={"enabled": False}), BALANCER, OWNER)


def test_records_are_those_of_manifests_and_servers_in_the_zone() -> None:
    found = intent(dnsZone="example.com").records
    assert {Wanted("", "A"), Wanted("www", "A"), Wanted("app1", "A"), Wanted("data1", "A")} <= found
    assert not [each for each in found if "example.net" in each.name]
    assert intent().records == frozenset()


def test_a_stack_of_existing_servers_wants_nothing() -> None:
    server = {"name": "a", "address": "10.0.0.1", "hostKey": f"ssh-ed25519 {'A' * 68}"}
    assert intent_of(parse_settings({"domain": "example.com", "servers": [server]}, "dev"), (), OWNER) is None


@pytest.mark.parametrize(
    ("label", "whose_it_is"),
    [
        (f"{OWNER}-valkey-0", Whose.OURS),
        (f"{OWNER}-postgres", Whose.OURS),
        ("codeb-other-1a2b3c-valkey-12", Whose.FOREIGN),
        ("valkey-0", Whose.NOBODY),
        (f"{OWNER}-valkey-01", Whose.NOBODY),
        ("somebody-s-valkey-0", Whose.NOBODY),
    ],
)
def test_a_managed_service_is_told_by_its_label(label: str, whose_it_is: Whose) -> None:
    thing = Thing(DATABASE, "d1", {"label": label})
    assert whose(thing, OWNER) is whose_it_is
