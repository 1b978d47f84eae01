"""Who signs certificates, and where several edges keep those that they order."""

from __future__ import annotations

import pytest

from codeb.model import SettingsErrors, parse_settings
from codeb.plan import make_plan
from codeb.plan.certificates import shared_folder

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILm3VvNVtCWIeC9ZGkZOXXsdFvNKWa7nZIPl0Tl8tXuq"
ONE = {"name": "one", "address": "10.0.0.1", "roles": ["app", "data", "edge"], "hostKey": KEY}
TWO = {"name": "two", "address": "10.0.0.2", "roles": ["edge"], "hostKey": KEY}
FOLDER = "/mnt/certificates"
GARBAGE = "-----BEGIN CERTIFICATE-----\nMIIB+TCCAZ+gAwIBAgIU\nAAA=\n-----END CERTIFICATE-----\n"
PEM = """\
-----BEGIN CERTIFICATE-----
MIIBojCCAUegAwIBAgIUWnWQS2npGHle1gv8io561gXd+bQwCgYIKoZIzj0EAwIw
JTEjMCEGA1UEAwwaQUNNRSBDQSBvZiB0aGUgZ29sZGVuIGNhc2UwIBcNMjYxMTI3
MTAxODE2WhgPMjA1MTA3MTkxMDE4MTZaMCUxIzAhBgNVBAMMGkFDTUUgQ0Egb2Yg
dGhlIGdvbGRlbiBjYXNlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEXZKOws6k
JLXR3oXpMkVvplnUPmoeo/pLUrERqWaAu2On9QYpAxXjOSIjzqEAWdSshsvrP2DI
hlTsGK6YQf3ctKNTMFEwHQYDVR0OBBYEFGbuyGHwMCKSGduOh+wMceoSZoAWMB8G
A1UdIwQYMBaAFGbuyGHwMCKSGduOh+wMceoSZoAWMA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDSQAwRgIhALYmIKDe7FWijs1ploV2/q7Xx2xnlnLsm4YhkCtb
iR9JAiEA7PR/BVB7/kXlLmzA/nnKZzJyYOvM/zTIyqcR6qHZf1w=
-----END CERTIFICATE-----
"""
POOLS = [
    {"name": "default", "roles": ["app", "edge"], "count": 2, "plan": "vc2-6c-16gb"},
    {"name": "data", "roles": ["data"], "plan": "vc2-6c-16gb", "dataDisk": "40Gi"},
]


def errors(**settings: object) -> list[str]:
    with pytest.raises(SettingsErrors) as caught:
        parse_settings({"domain": "example.com", **settings}, "dev")
    return str(caught.value).splitlines()


def folders(**settings: object) -> list[str | None]:
    plan = make_plan(parse_settings({"domain": "example.com", **settings}), ())
    return [shared_folder(plan, server) for server in plan.servers]


def test_edges_that_order_certificates_need_a_place_to_keep_them_together() -> None:
    (line,) = errors(servers=[ONE, TWO])
    assert "codeb:certificatesFolder: 2 edges order certificates and share no place for them" in line
    assert folders(servers=[ONE, TWO], certificatesFolder=FOLDER) == [FOLDER, FOLDER]
    assert folders(servers=[ONE, {**TWO, "roles": ["app"]}], certificatesFolder=FOLDER) == [FOLDER, None]


def test_one_edge_and_edges_that_sign_themselves_need_none() -> None:
    assert folders(servers=[ONE]) == [None]
    assert folders(servers=[ONE, TWO], tlsIssuer="internal") == [None, None]
    (line,) = errors(servers=[ONE, TWO], tlsIssuer="internal", certificatesFolder=FOLDER)
    assert "codeb:certificatesFolder: the edges order no certificates" in line


def test_edges_at_vultr_share_a_file_system_that_vultr_makes() -> None:
    plan = make_plan(parse_settings({"domain": "example.com", "provider": "vultr", "pools": POOLS}), ())
    assert plan.fleet is not None
    assert plan.fleet.shared is not None
    assert (plan.fleet.shared.size_gb, plan.fleet.shared.servers) == (10, ("app-1", "app-2"))
    assert [shared_folder(plan, server) for server in plan.servers] == [
        "/srv/codeb-shared",
        "/srv/codeb-shared",
        None,
    ]
    (line,) = errors(provider="vultr", pools=POOLS, certificatesFolder=FOLDER)
    assert "keep certificates in a file system that Vultr makes" in line


@pytest.mark.parametrize(
    "changes",
    [{"balancer": {"tls": "terminate"}}, {"tlsIssuer": "internal"}],
    ids=["the-balancer-ends-tls", "internal"],
)
def test_edges_at_vultr_that_order_nothing_share_nothing(changes: dict[str, object]) -> None:
    plan = make_plan(
        parse_settings({"domain": "example.com", "provider": "vultr", "pools": POOLS, **changes}), ()
    )
    assert plan.fleet is not None
    assert plan.fleet.shared is None


def test_edges_of_two_kinds_have_no_place_in_common() -> None:
    edge = {**TWO, "privateAddress": "10.64.8.1"}
    (line,) = errors(provider="vultr", pools=POOLS, servers=[edge])
    assert "edges at Vultr and others have no place to keep certificates together" in line


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("acmeDirectory", "http://acme.example.com/dir"),
        ("acmeDirectory", "https://acme.example.com/dir {"),
        ("certificatesFolder", "mnt/certificates"),
        ("certificatesFolder", "/mnt/../etc"),
        ("certificatesFolder", "/"),
        ("certificatesFolder", "/mnt/a b"),
        ("certificatesFolder", "/mnt/%h"),
        ("acmeCa", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        ("acmeCa", GARBAGE),
        ("acmeCa", PEM + "\nimport /etc/passwd\n"),
        ("acmeCa", "@{secret:platform/ca}"),
    ],
)
def test_what_else_these_settings_may_not_be(key: str, value: str) -> None:
    (line,) = errors(servers=[ONE], **{key: value})
    assert f"codeb:{key}: " in line


def test_an_own_ca_is_a_directory_and_what_its_server_is_trusted_by() -> None:
    found = parse_settings(
        {
            "domain": "example.com",
            "servers": [ONE],
            "acmeDirectory": "https://localhost:14000/dir",
            "acmeCa": PEM * 2,
        }
    )
    assert (found.acme_directory, found.acme_ca) == ("https://localhost:14000/dir", PEM * 2)
    empty = parse_settings(
        {
            "domain": "example.com",
            "servers": [ONE],
            "acmeDirectory": "",
            "acmeCa": "",
            "certificatesFolder": "",
        }
    )
    assert (empty.acme_directory, empty.acme_ca, empty.certificates_folder) == (None, None, None)
