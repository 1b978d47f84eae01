"""What Caddy's journal says of certificates that it doesn't get, and what `doctor` makes of it."""

from __future__ import annotations

import json

import pytest

from agent.host import commands
from agent.host.ports import Result, Validity
from agent.report.refusals import WORDS, refusals
from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.verbs import V1, call, new_host

DOMAIN = "shop.lab.test"
ERROR = "HTTP 429 urn:ietf:params:acme:error:rateLimited - too many certificates (5) already issued, retry after 2026-12-01"


def line(
    error: str = "", name: str | None = DOMAIN, message: str = "could not get certificate from issuer"
) -> str:
    entry = {"level": "error", "logger": "tls.obtain", "msg": message, "issuer": "acme-v02"}
    entry |= {"identifier": name} if name else {}
    return json.dumps(entry | ({"error": error} if error else {}))


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (ERROR, "wait: the CA takes no more orders"),
        (
            "HTTP 403 urn:ietf:params:acme:error:unauthorized - Invalid response from http://a/: 404",
            "DNS records",
        ),
        ("HTTP 400 urn:ietf:params:acme:error:connection - Timeout during connect", "both ports are open"),
        ("HTTP 400 urn:ietf:params:acme:error:dns - NXDOMAIN looking up A", "DNS records"),
        ("HTTP 403 urn:ietf:params:acme:error:caa - CAA record prevents issuance", "CAA record"),
        ("HTTP 400 urn:ietf:params:acme:error:rejectedIdentifier - policy forbids", "another domain"),
        ("HTTP 500 urn:ietf:params:acme:error:serverInternal - oops", "journalctl -u caddy"),
        ("provisioning client: performing request: dial tcp 192.0.2.1:443: i/o timeout", "reaches the CA"),
        ('Get "https://acme.example.com/dir": tls: failed to verify certificate', "reaches the CA"),
    ],
)
def test_each_kind_of_refusal_has_its_remedy(error: str, remedy: str) -> None:
    found = refusals(line(error))[DOMAIN]
    assert found.cause == error
    assert remedy in found.remedy


def test_a_storage_that_takes_nothing_is_named_by_another_line() -> None:
    error = (
        f"{DOMAIN}: obtaining certificate: failed storage check: open /certificates/now/1: permission denied"
    )
    found = refusals(line(error, None, "job failed"))[DOMAIN]
    assert "systemctl restart caddy" in found.remedy


def test_the_last_word_counts() -> None:
    success = line(message="certificate obtained successfully")
    assert refusals("\n".join([line(ERROR), success])) == {}
    assert list(refusals("\n".join([line(ERROR), success, line("other", "b.test"), line(ERROR)]))) == [
        "b.test",
        DOMAIN,
    ]


def test_lines_of_other_shapes_are_left_out_and_long_causes_cut() -> None:
    others = [
        "",
        "no JSON",
        "[1]",
        "3",
        json.dumps({"identifier": 3, "error": "x"}),
        json.dumps({"error": "nobody's"}),
    ]
    assert refusals("\n".join(others)) == {}
    assert len(refusals(line("x\n" * 1000))[DOMAIN].cause) == 300


def asked(host: FakeHost) -> bool:
    return commands.caddy_said(WORDS) in host.calls


def doctor(host: FakeHost) -> list[str]:
    _, answer, _ = call(host.ports(), "doctor")
    return [f"{each['what']} → {each['remedy']}" for each in answer["problems"] if "shop-app" in each["what"]]


def released() -> FakeHost:
    host = new_host()
    call(host.ports(), "release", release_document(V1))
    return host


@pytest.mark.parametrize(
    ("holds", "says"),
    [
        (Validity(60, 90), None),
        (Validity(29, 90), None),
        (Validity(14, 90), "its certificate ends in 14 days and is not renewed"),
        (Validity(0.2, 0.5), None),
        (Validity(0.05, 0.5), "its certificate ends in 1 hours and is not renewed"),
        (Validity(-1, 90), "its certificate has expired"),
    ],
    ids=["new", "due", "late", "internal", "internal-late", "expired"],
)
def test_doctor_names_certificates_that_are_not_renewed(holds: Validity, says: str | None) -> None:
    host = released()
    host.http.certificate_holds = holds
    found = doctor(host)
    assert asked(host) is (says is not None)
    assert found == [] if says is None else says in found[0]


def test_doctor_says_why_there_is_no_certificate() -> None:
    host = released()
    host.caddy.certificate = False
    domain = release_document(V1)["domain"]
    host.answers[" ".join(commands.caddy_said(WORDS))] = Result(0, out=line(ERROR, domain))
    (found,) = doctor(host)
    assert "HTTPS doesn't answer" in found
    assert f"the last order came to nothing: {ERROR}" in found
    assert "wait: the CA takes no more orders" in found


def test_doctor_names_an_edge_that_serves_from_its_copy() -> None:
    host = released()
    host.links["/var/lib/codeb/certificates/now"] = "copy"
    _, answer, _ = call(host.ports(), "doctor")
    assert any("serves from its copy" in each["what"] for each in answer["problems"])
    host.links["/var/lib/codeb/certificates/now"] = "shared"
    _, answer, _ = call(host.ports(), "doctor")
    assert not any("copy" in each["what"] for each in answer["problems"])
