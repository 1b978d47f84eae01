"""Bundles: secrets only in private files, and every file's units are the bundle's own."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from codeb.model import parse_settings
from codeb.plan import Plan, ServerPlan, make_plan
from codeb.render import HostBundle, HostFile, host_bundle, host_files
from codeb.render.base import openings
from codeb.secrets import PURPOSES, PlatformSecrets, RootSecret, resolve

ROOT = RootSecret("A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0")
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"


def server(name: str, address: str, *roles: str) -> dict[str, Any]:
    return {
        "name": name,
        "address": address,
        "privateAddress": address,
        "roles": list(roles),
        "hostKey": HOST_KEY,
    }


def plan_of(*servers: dict[str, Any], **settings: Any) -> Plan:
    return make_plan(parse_settings({"domain": "lab.test", "servers": list(servers), **settings}), [], None)


@pytest.fixture(params=["internal", "acme"])
def single(request: pytest.FixtureRequest) -> Plan:
    return plan_of(server("codeb1", "10.77.0.2", "app", "data", "edge"), tlsIssuer=request.param)


def test_a_file_with_a_secret_must_be_private() -> None:
    with pytest.raises(ValueError, match="must be 0600"):
        HostFile("/etc/x", "password @{secret:postgres/admin}", "0640")
    HostFile("/etc/x", "@{public:platform/ca}", "0644")


def test_secret_values_are_only_in_private_files(single: Plan) -> None:
    lookup = PlatformSecrets(ROOT, ["10.77.0.2"]).lookup
    files = host_files(single, single.servers[0]).files
    purposes = [p.replace("<n>", "0") for p in PURPOSES if "<id>" not in p and "<server>" not in p]
    secrets = [lookup("secret", purpose) for purpose in purposes] + [lookup("secret", "redis/0/admin/sha256")]
    holders = set()
    for file in files:
        text = resolve(file.content, lookup)
        if any(secret.strip() in text for secret in secrets):
            assert file.mode == "0600", f"{file.path} shows a secret"
            assert file.path.startswith("/etc/codeb/secrets/")
            holders.add(file.path.rpartition("/")[2])
    key = {"ca.key"} if single.settings.tls_issuer == "internal" else set()
    backup = {"backup.json", "backup.key", "backup.pgpass"}
    assert holders == {"postgres.key", "postgres-admin", "minio-admin", "redis-0.acl"} | backup | key


def test_the_document_holds_no_secret_before_it_is_resolved(single: Plan) -> None:
    text = json.dumps(host_bundle(single, single.servers[0]))
    for purpose in ("postgres/admin", "minio/admin", "redis/0/admin"):
        assert ROOT.derive(purpose) not in text
        assert f"@{{secret:{purpose}" in text
    assert "PRIVATE KEY" not in text


def test_only_services_of_the_bundle_are_restarted(single: Plan) -> None:
    bundle = host_files(single, single.servers[0])
    services = {service.name for service in bundle.services} | {"systemd-journald.service"}
    for file in bundle.files:
        assert set(file.restarts) | set(file.reloads) <= services, file.path
    assert len({file.path for file in bundle.files}) == len(bundle.files)


def test_the_firewall_is_reloaded_and_never_restarted(single: Plan) -> None:
    for file in host_files(single, single.servers[0]).files:
        assert "nftables.service" not in file.restarts, "a restart flushes Podman's tables"


def test_each_role_brings_its_own_services() -> None:
    plan = plan_of(
        server("edge1", "10.1.0.1", "edge"),
        server("app1", "10.1.0.2", "app"),
        server("db1", "10.1.0.3", "data"),
    )
    started = {
        each.name: {service.name for service in host_files(plan, each).services} for each in plan.servers
    }
    base = {"nftables.service", "ssh.service", "fail2ban.service", "codeb-outbox.path"}
    data = {"codeb-network-network.service", "postgres.service", "redis-0.service", "minio.service"}
    data |= {"codeb-platform.timer", "codeb-upgrade.timer"}
    assert started == {
        "edge1": base | {"caddy.service"},
        "app1": base | {"caddy.service"},
        "db1": base | data,
    }


def test_published_ports_open_to_the_servers_that_need_them_only() -> None:
    plan = plan_of(
        server("edge1", "10.1.0.1", "edge"),
        server("app1", "10.1.0.2", "app"),
        server("db1", "10.1.0.3", "data"),
    )
    edge, app, data = plan.servers
    assert openings(plan, edge) == ()
    assert openings(plan, app) == (), "edges come in by Caddy's inner door"
    assert [(o.sources, o.ports) for o in openings(plan, data)] == [
        (("10.1.0.2",), ("5432", "9000", "6379")),
        (("10.1.0.1",), ("9000", "9001")),
    ]


def rules(plan: Plan, each: ServerPlan) -> str:
    """The server's firewall."""
    return next(file.content for file in host_files(plan, each).files if file.path == "/etc/nftables.conf")


def test_the_inner_door_is_open_to_the_other_edges_only() -> None:
    plan = plan_of(
        server("edge1", "10.1.0.1", "edge"),
        server("both1", "10.1.0.2", "edge", "app"),
        server("app1", "10.1.0.3", "app"),
        server("db1", "10.1.0.4", "data"),
        tlsIssuer="internal",
    )
    opened = {
        each.name: re.findall(r"ip saddr (.*) tcp dport 8100", rules(plan, each)) for each in plan.servers
    }
    assert opened == {
        "edge1": [],
        "both1": ["{ 10.1.0.1 }"],
        "app1": ["{ 10.1.0.1, 10.1.0.2 }"],
        "db1": [],
    }
    for each in plan.servers:
        text = rules(plan, each)
        assert text.index('iifname "podman*" drop') < (text + "dport 8100").index("dport 8100"), (
            "no container"
        )


def test_new_connections_wait_at_every_port_where_caddy_listens() -> None:
    servers = server("edge1", "10.1.0.1", "edge"), server("both1", "10.1.0.2", "app", "data", "edge")
    plan = plan_of(*servers, tlsIssuer="internal")
    held = {each.name: re.findall(r"(\d+) timeout", hold(plan, each)) for each in plan.servers}
    assert held == {"edge1": ["80", "443"], "both1": ["80", "443", "8100"]}


def hold(plan: Plan, each: ServerPlan) -> str:
    """What holds connections during a reload."""
    return next(file.content for file in host_files(plan, each).files if file.path.endswith("hold.nft"))


def test_one_server_opens_no_published_port_to_anybody(single: Plan) -> None:
    assert openings(single, single.servers[0]) == ()


def test_bundles_add_up() -> None:
    one = HostBundle(("podman",), files=(HostFile("/a", ""),))
    other = HostBundle(("nftables", "podman"), files=(HostFile("/b", ""),))
    assert (one + other).packages == ("nftables", "podman")
    assert [file.path for file in (one + other).files] == ["/a", "/b"]
