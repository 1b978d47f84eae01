"""The fleet that settings lead to: machines, firewall, balancer, records; and which edits replace a server."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from codeb.changes import renewed_line
from codeb.model import ManifestSource, Settings, load_manifests, parse_settings
from codeb.plan import (
    BALANCER,
    REFUSED,
    REPLACES,
    WAITS,
    Balancer,
    Fleet,
    ForwardingRule,
    HealthCheck,
    Machine,
    Plan,
    make_plan,
)
from codeb.plan.places import examples
from codeb.secrets import PlatformSecrets, RootSecret

ROOT = Path(__file__).parents[3]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
APPS: dict[str, Any] = {"name": "default", "roles": ["app", "edge"], "count": 2, "plan": "vc2-6c-16gb"}
DATA: dict[str, Any] = {"name": "data", "roles": ["data"], "plan": "vc2-8c-32gb", "dataDisk": "200Gi"}
FLEET: dict[str, Any] = {"domain": "example.com", "provider": "vultr", "pools": [APPS, DATA]}
OWN: dict[str, Any] = {"name": "own", "address": "203.0.113.9", "privateAddress": "10.1.0.9", "hostKey": KEY}


def project(key: str, domain: str, **environment: Any) -> ManifestSource:
    document = {
        "project": {"id": key},
        "environment": {"domain": domain, "image": "ghcr.io/x/shop:1", **environment},
    }
    return ManifestSource(f"{key}.yaml", json.dumps(document))


def planned(data: dict[str, Any], *projects: ManifestSource) -> Plan:
    settings = parse_settings(data, "prod")
    return make_plan(settings, load_manifests(projects, settings), None)


def fleet(data: dict[str, Any], *projects: ManifestSource) -> Fleet:
    found = planned(data, *projects).fleet
    assert found is not None
    return found


def test_a_stack_of_existing_servers_has_no_fleet() -> None:
    plan = planned({"domain": "a.b", "servers": [OWN]})
    assert plan.fleet is None
    assert plan.servers[0].memory is None


def test_machines_are_named_and_sized_by_their_pool() -> None:
    found = fleet(FLEET | {"pools": [APPS | {"os": "Ubuntu 26.04"}, DATA | {"reservedIp": True}]})
    assert [(m.server, m.label, m.hostname, m.os_id) for m in found.machines] == [
        ("app-1", "codeb-app-1", "app1.example.com", 2760),
        ("app-2", "codeb-app-2", "app2.example.com", 2760),
        ("data-1", "codeb-data-1", "data1.example.com", 2625),
    ]
    data = found.machine("data-1")
    assert (data.memory, data.disk_gb, data.disk_type, data.reserved_ip) == (
        32 << 30,
        200,
        "storage_opt",
        True,
    )
    assert (found.region, found.subnet, found.subnet_mask, found.protect) == ("icn", "10.64.0.0", 20, True)
    with pytest.raises(KeyError):
        found.machine("app-3")


def test_addresses_are_markers_and_memory_is_known() -> None:
    server = planned(FLEET).server("app-2")
    assert (server.address, server.private_address) == ("@{address:app-2}", "@{private:app-2}")
    assert (server.user, server.ssh_port, server.memory) == ("root", 22, 16 << 30)


def test_existing_servers_stand_first_as_they_are() -> None:
    own = {"domain": "a.b", "servers": [OWN], "tlsIssuer": "internal"}
    mixed = own | {"pools": [APPS | {"provider": "vultr"}]}
    assert [(s.name, s.address) for s in planned(mixed).servers] == [
        ("own", "203.0.113.9"), ("app-1", "@{address:app-1}"), ("app-2", "@{address:app-2}"),
    ]  # fmt: skip


def rules(data: dict[str, Any]) -> dict[str, tuple[str, str, int]]:
    return {rule.key: (rule.protocol, rule.subnet, rule.subnet_size) for rule in fleet(data).rules}


def test_the_firewall_lets_in_three_ports() -> None:
    assert rules(FLEET) == {
        "22-v4": ("tcp", "0.0.0.0", 0), "22-v6": ("tcp", "::", 0),
        "80-v4": ("tcp", "0.0.0.0", 0), "80-v6": ("tcp", "::", 0),
        "443-v4": ("tcp", "0.0.0.0", 0), "443-v6": ("tcp", "::", 0),
    }  # fmt: skip
    alone = rules(FLEET | {"pools": [APPS | {"count": 1}, DATA]})
    assert set(alone) - set(rules(FLEET)) == {"443-udp-v4", "443-udp-v6"}, "HTTP/3 only without a balancer"


def test_administrators_alone_reach_ssh_and_overlapping_ranges_are_one_rule() -> None:
    admins = ["2001:db8:7::/48", "203.0.113.7", "203.0.113.128/25", "203.0.113.0/25", "198.51.100.9"]
    found = [key for key in rules(FLEET | {"adminAddresses": admins}) if key.startswith("22-")]
    assert found == ["22-198.51.100.9-32", "22-203.0.113.0-24", "22-2001.db8.7..-48"]
    assert rules(FLEET | {"adminAddresses": admins})["22-2001.db8.7..-48"] == ("tcp", "2001:db8:7::", 48)


def test_servers_that_answer_nobody_open_ssh_alone() -> None:
    mixed = {
        "domain": "a.b",
        "servers": [OWN | {"roles": ["edge", "app"]}],
        "pools": [DATA | {"provider": "vultr"}],
    }
    assert set(rules(mixed)) == {"22-v4", "22-v6"}


def test_the_balancer_passes_tls_on_or_ends_it() -> None:
    passes = fleet(FLEET).balancer
    assert passes == Balancer(
        servers=("app-1", "app-2"),
        tls="passthrough",
        proxy_protocol=True,
        rules=(ForwardingRule("tcp", 443, "tcp", 443), ForwardingRule("tcp", 80, "tcp", 80)),
        health=HealthCheck("http", 80, "/api/health", 15, 5, 3, 2),
    )
    ends = fleet(FLEET | {"balancer": {"tls": "terminate"}}).balancer
    assert ends
    assert ends.rules == (ForwardingRule("https", 443, "http", 80), ForwardingRule("http", 80, "http", 80))
    assert not ends.proxy_protocol
    assert fleet(FLEET | {"balancer": {"enabled": False}}).balancer is None


def test_a_balancer_takes_15_rules_and_keeps_ports_for_itself() -> None:
    many = tuple(ForwardingRule("tcp", port, "tcp", port) for port in range(100, 116))
    Balancer(("app-1",), "passthrough", True, many[:15])
    with pytest.raises(ValueError, match="16 forwarding rules"):
        Balancer(("app-1",), "passthrough", True, many)
    with pytest.raises(ValueError, match="port 65310"):
        Balancer(("app-1",), "passthrough", True, (ForwardingRule("tcp", 65310, "tcp", 80),))


SHOP = project(
    "shop", "shop.example.com", aliases=["www.shop.example.com", "example.com", "shop.example.org"]
)


def test_records_point_at_the_balancer_and_servers_at_themselves() -> None:
    found = fleet(FLEET | {"dnsZone": "example.com"}, SHOP)
    assert {record.name: record.target for record in found.records} == {
        "": BALANCER, "shop": BALANCER, "www.shop": BALANCER,
        "minio": BALANCER, "s3": BALANCER, "metrics": BALANCER,
        "app1": "app-1", "app2": "app-2", "data1": "data-1",
    }  # fmt: skip
    assert {record.type for record in found.records} == {"A"}
    assert found.zone == "example.com"


def test_without_a_balancer_each_edge_has_a_record() -> None:
    data = FLEET | {"dnsZone": "example.com", "balancer": {"enabled": False}}
    found = [(r.key, r.target) for r in fleet(data, SHOP).records if r.name == "shop"]
    assert found == [("shop.example.com", "app-1"), ("shop.example.com-app-2", "app-2")]
    keys = [record.key for record in fleet(data, SHOP).records]
    assert len(set(keys)) == len(keys)


def test_a_wildcard_is_a_record_whose_resource_has_no_asterisk() -> None:
    wild = project("shop", "shop.example.com", aliases=[{"host": "*.shop.example.com", "serve": True}])
    terminated = FLEET | {"dnsZone": "example.com", "balancer": {"tls": "terminate"}}
    (record,) = [r for r in fleet(terminated, wild).records if r.name.startswith("*")]
    assert (record.name, record.key) == ("*.shop", "_any.shop.example.com")


def test_an_existing_edge_is_pointed_at_by_its_address() -> None:
    pools = [APPS | {"roles": ["app"]}, DATA]
    own = OWN | {"roles": ["edge"]}
    data = FLEET | {"dnsZone": "example.com", "pools": pools, "servers": [own]}
    assert {r.target for r in fleet(data, SHOP).records if r.name == "shop"} == {"own"}
    named = data | {"servers": [own | {"address": "edge.example.net"}]}
    assert not [r for r in fleet(named, SHOP).records if r.name == "shop"], "an A record needs an address"


def test_names_outside_of_the_zone_are_told() -> None:
    plan = planned(FLEET | {"dnsZone": "example.com"}, SHOP)
    (note,) = plan.notes
    assert "outside of codeb:dnsZone example.com" in note
    assert note.endswith("shop.example.org.")
    many = [project(f"app-{i}", f"a{i}.notexample.com") for i in range(7)]
    (note,) = planned(FLEET | {"dnsZone": "example.com"}, *many).notes
    assert "a4.notexample.com and 2 more." in note
    assert not planned(FLEET, SHOP).notes, "without a zone, whoever has the domain knows"


def test_a_pool_whose_memory_is_exceeded_is_told() -> None:
    def sized(key: str, memory: str) -> ManifestSource:
        document = json.loads(str(project(key, f"{key}.example.com").text)) | {
            "resources": {"memory": memory}
        }
        return ManifestSource(f"{key}.yaml", json.dumps(document))

    assert not planned(FLEET, sized("one", "15Gi"), sized("two", "15Gi")).notes
    (note,) = planned(FLEET, sized("one", "15Gi"), sized("two", "15Gi"), sized("three", "4Gi")).notes
    assert note.startswith(
        "pool default: resources.memory of its projects adds up to 34Gi, and it has room for 30Gi."
    )
    (note,) = planned(FLEET, sized("one", "18Gi")).notes
    assert note.startswith("server app-"), "one server is too small, though the pool has room"
    own = {"domain": "a.b", "servers": [OWN]}
    assert not planned(own, sized("one", "900Gi")).notes, "nobody knows what an existing server has"


WHOLE: dict[str, Any] = FLEET | {"region": "nrt", "servers": [OWN | {"roles": ["app"], "pool": "own"}]}
EDITS: dict[str, dict[str, Any]] = {
    "domain": {"domain": "example.org"},
    "manifests": {"manifests": "others"},
    "provider": {
        "provider": "existing",
        "pools": [APPS | {"provider": "vultr"}, DATA | {"provider": "vultr"}],
    },
    "servers": {"servers": []},
    "region": {"region": "fra"},
    "vpcSubnet": {"vpcSubnet": "10.65.0.0/20"},
    "sshKeys": {"sshKeys": [KEY]},
    "dnsZone": {"dnsZone": "example.com"},
    "protect": {"protect": False},
    "sshPrivateKeyFile": {"sshPrivateKeyFile": "key"},
    "rootSecretFile": {"rootSecretFile": "root"},
    "images.postgres": {"images": {"postgres": "docker.io/library/postgres:16"}},
    "images.redis": {"images": {"redis": "docker.io/library/redis:7"}},
    "images.minio": {"images": {"minio": "docker.io/pgsty/silo:1"}},
    "images.caddy": {"images": {"caddy": "docker.io/library/caddy:2"}},
    "images.prometheus": {"images": {"prometheus": "docker.io/prom/prometheus:v3"}},
    "images.alertmanager": {"images": {"alertmanager": "docker.io/prom/alertmanager:v1"}},
    "images.grafana": {"images": {"grafana": "docker.io/grafana/grafana:12"}},
    "images.collector": {"images": {"collector": "docker.io/otel/opentelemetry-collector-contrib:1"}},
    "images.victorialogs": {"images": {"victorialogs": "docker.io/victoriametrics/victoria-logs:v2"}},
    "images.loki": {"images": {"loki": "docker.io/grafana/loki:3"}},
    "images.jaeger": {"images": {"jaeger": "docker.io/jaegertracing/jaeger:2"}},
    "imagePull": {"imagePull": "never"},
    "tlsIssuer": {"tlsIssuer": "internal"},
    "acmeEmail": {"acmeEmail": "a@example.com"},
    "acmeDirectory": {"acmeDirectory": "https://acme.example.com/directory"},
    "acmeCa": {
        "acmeCa": PlatformSecrets(
            RootSecret("A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0"), []
        ).authority.certificate
    },
    "certificatesFolder": {
        "certificatesFolder": "/mnt/certificates",
        "servers": [OWN | {"roles": ["edge"]}],
        "pools": [APPS | {"roles": ["app"]}, DATA],
    },
    "insecureRegistries": {"insecureRegistries": ["registry.example.com"]},
    "adminAddresses": {"adminAddresses": ["203.0.113.7"]},
    "standbyMinutes": {"standbyMinutes": 5},
    "development": {"development": True},
    "managed": {"managed": {"postgres": {"plan": "vultr-dbaas-business-cc-2-80-4"}}},
    "previews": {"development": True, "previews": {"max": 3}},
    "backup": {
        "backup": {"spool": 4, "slot": 8, "second": {"endpoint": "https://s3.example.com", "bucket": "kept"}}
    },
    "vault": {"vault": {"address": "https://vault.example.com:8200"}},
    "monitoring": {
        "monitoring": {
            "retentionDays": 30,
            "logStore": "loki",
            "memory": 2000,
            "export": {"endpoint": "https://otlp.example.com"},
        }
    },
    "rotation": {"rotation": {"postgres": 2, "minio": 3}},
    "balancer.enabled": {"balancer": {"enabled": False}},
    "balancer.tls": {"balancer": {"tls": "terminate"}},
    "pools[].name": {"pools": [APPS | {"name": "web"}, DATA]},
    "pools[].provider": {"pools": [APPS | {"provider": "vultr"}, DATA]},
    "pools[].roles": {"pools": [APPS | {"roles": ["edge"]}, DATA]},
    "pools[].count": {"pools": [APPS | {"count": 3}, DATA]},
    "pools[].autoscale": {"pools": [APPS | {"autoscale": {"min": 2, "max": 4}}, DATA]},
    "pools[].plan": {"pools": [APPS | {"plan": "vc2-8c-32gb"}, DATA]},
    "pools[].os": {"pools": [APPS | {"os": 2760}, DATA]},
    "pools[].dataDisk": {"pools": [APPS, DATA | {"dataDisk": "400Gi"}]},
    "pools[].dataDiskType": {"pools": [APPS, DATA | {"dataDiskType": "nvme"}]},
    "pools[].reservedIp": {"pools": [APPS, DATA | {"reservedIp": True}]},
}
"""An edit of each setting there is, those of servers apart: they are nobody's but their owner's."""


def keys_of(model: Any) -> set[str]:
    return {str(field.alias) for field in model.model_fields.values()}


def test_every_setting_has_an_edit_here() -> None:
    from codeb.model import Balancer as BalancerSettings
    from codeb.model import Images, Pool

    nested = {"pools": Pool, "balancer": BalancerSettings, "images": Images}
    wanted = keys_of(Settings) - set(nested)
    for key, model in nested.items():
        dots = "[]." if key == "pools" else "."
        wanted |= {f"{key}{dots}{name}" for name in keys_of(model)}
    assert set(EDITS) == wanted


@pytest.mark.parametrize("key", EDITS)
def test_no_edit_takes_servers_away_but_those_of_the_list(key: str) -> None:
    before, after = fleet(WHOLE), fleet(WHOLE | EDITS[key])
    assert bool(gone(before, after)) == (key in REPLACES)


@pytest.mark.parametrize("key", EDITS)
def test_what_vultr_would_replace_a_server_for_is_told_to_wait_or_refused(key: str) -> None:
    before, after = fleet(WHOLE), fleet(WHOLE | EDITS[key])
    kept = [(machine, after.machine(machine.server)) for machine in before.machines if key not in REPLACES]
    waits = any(made_of(old) != made_of(new) for old, new in kept)
    moves = (before.region, before.subnet) != (after.region, after.subnet)
    refused = moves or any((a.reserved_ip, a.disk_type) != (b.reserved_ip, b.disk_type) for a, b in kept)
    assert waits == (key in WAITS)
    assert (refused or key in OTHERWISE) == (key in REFUSED)


OTHERWISE = ("pools[].dataDisk", "pools[].plan", "pools[].roles")
"""Settings of which only some edits are refused, others than those above (tests/components/test_running.py)."""


def gone(before: Fleet, after: Fleet) -> set[str]:
    return {machine.server for machine in before.machines} - {machine.server for machine in after.machines}


def made_of(machine: Machine) -> tuple[object, ...]:
    """What Vultr makes a server anew for."""
    return machine.os_id, machine.hostname


@pytest.mark.parametrize(
    ("title", "rows"),
    [
        ("## What replaces a server", REPLACES),
        ("## What waits", WAITS),
        ("## What is refused", REFUSED),
    ],
)
def test_the_lists_stand_in_the_docs(title: str, rows: Mapping[str, str]) -> None:
    text = (ROOT / "docs" / "fleet.md").read_text()
    _, _, after = text.partition(f"{title}\n")
    section, _, _ = after.partition("\n## ")
    assert dict(re.findall(r"^\| `([^`]+)` \| ([^|]+) \|$", section, re.MULTILINE)) == dict(rows)


def test_another_server_changes_no_example_of_those_that_are_there() -> None:
    """By examples previews tell what changes: services don't restart because a server comes."""
    two, three = (examples(planned({**FLEET, "pools": [{**APPS, "count": count}, DATA]})) for count in (2, 3))
    assert two.items() < three.items()
    many = examples(planned({**FLEET, "pools": [{**APPS, "count": 50}, DATA]}))
    assert len(set(many.values())) == len(many)


def test_a_data_server_that_is_made_anew_is_told_with_those_who_miss_it() -> None:
    plan = planned(FLEET, project("shop", "shop.example.com"), project("blog", "blog.example.com"))
    said = "data-1: it is made anew. What users notice: blog, shop are without data until its services run again."
    assert renewed_line("data-1", plan) == said
    assert renewed_line("app-1", plan) == ""
    one = {**APPS, "roles": ["app", "data", "edge"], "count": 1, "dataDisk": "100Gi"}
    alone = planned({**FLEET, "pools": [one]}, project("shop", "shop.example.com"))
    assert "no site answers until" in renewed_line("app-1", alone)
