"""What a manifest says of visitors, by a real Caddy: passwords, addresses, redirects, headers, names that serve."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import pytest

from agent.edge import guard

from .balancers import BALANCER, balanced, proxy, received
from .caddies import ABROAD, HERE, Answer, Server, running
from .case import FOLDER, Case
from .test_consumers import caddy, caddyfile

ALONE, SEVERAL = Case(FOLDER / "visitors"), Case(FOLDER / "visitors-several")
SHOP, OPEN, HEALTH = "shop.lab.test", "open.lab.test", "/api/health"
ELSEWHERE = "127.0.9.9"
PASSWORD, HASH = "correct horse", "$2b$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu"
HSTS, PLATFORM_HSTS = "max-age=63072000; includeSubDomains", "max-age=31536000"


def login(name: str = "ann", password: str = PASSWORD) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(ALONE, tmp_path_factory.mktemp("alone")) as servers:
        yield servers["codeb1"]


@pytest.fixture(scope="module")
def passing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    with running(SEVERAL, tmp_path_factory.mktemp("passing"), balanced(SEVERAL, "passthrough")) as servers:
        yield servers


@pytest.fixture(scope="module")
def ending(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    with running(SEVERAL, tmp_path_factory.mktemp("ending"), balanced(SEVERAL, "terminate")) as servers:
        yield servers


def test_visitors_without_a_login_are_asked_for_one(alone: Server) -> None:
    for path in ("/", HEALTH, "/api/metrics", "/old/x", "/gone"):
        for given in (
            {},
            login("ann", "wrong"),
            login("eve"),
            {"Authorization": "Basic ="},
            login("ann", ""),
        ):
            answer = alone.ask(SHOP, path, **given)
            assert (answer.status, answer.body) == (401, "401 Unauthorized"), path
            assert answer.headers["www-authenticate"] == 'Basic realm="shop"'
            assert answer.headers["strict-transport-security"] == HSTS
    assert alone.ask(SHOP, "/x", **login()).body == "shop@codeb1 "
    assert alone.ask(SHOP, "/x", "POST", body=b"b", **login("Bob.B@example.com")).body == "shop@codeb1 b"


def test_names_that_nobody_has_cost_no_hash(alone: Server) -> None:
    assert alone.caddy.running
    pid = alone.caddy.running.pid

    def spent() -> float:
        """Seconds of a core that Caddy has taken."""
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    before = spent()
    for number in range(20):
        assert alone.ask(SHOP, **login(f"eve{number}", f"guess{number}")).status == 401
    assert spent() - before < 1, "Caddy takes about a second for each of those that it hashes"


def test_an_app_does_not_get_its_visitors_passwords(alone: Server) -> None:
    assert "authorization" not in received(alone.ask(SHOP, "/headers", **login()))


def test_from_elsewhere_nobody_is_even_asked(alone: Server) -> None:
    for host, given in ((SHOP, {}), (SHOP, login()), ("x." + SHOP, login())):
        for path in ("/", HEALTH, "/old/x", "/api/metrics"):
            answer = alone.ask(host, path, source=ELSEWHERE, **given)
            assert (answer.status, answer.body) == (403, "Not from this address."), path
    forged = {"X-Forwarded-For": ABROAD, "X-Real-IP": ABROAD, "Forwarded": f"for={ABROAD}"}
    assert alone.ask(SHOP, source=ELSEWHERE, **forged).status == 403


def test_the_agent_s_question_gets_through_and_no_other_of_this_host(alone: Server) -> None:
    for host in (SHOP, OPEN):
        answer = alone.ask(host, HEALTH, source=HERE)
        assert (answer.status, answer.headers["x-codeb-upstream"]) == (200, alone.replica(host[:4]))
    assert alone.ask(SHOP, "/", source=HERE).status == 403
    assert alone.ask(SHOP, f"{HEALTH}/x", source=HERE).status == 403


@pytest.mark.parametrize(("case", "name"), [(ALONE, "codeb1"), (SEVERAL, "web1")], ids=["alone", "several"])
def test_what_a_rollback_puts_into_another_site_means_the_same_to_caddy(
    case: Case, name: str, tmp_path: Path
) -> None:
    path = caddyfile(case, name, tmp_path)
    command = ("adapt", "--adapter", "caddyfile", "--config", str(path))
    before = caddy(*command, home=tmp_path)
    guarded = {}
    for site in path.parent.glob("sites/*.caddy"):
        text = site.read_text()
        opened = guard.kept(text, "x.lab.test {\n}\n")
        guarded[site.stem] = opened != text
        site.write_text(guard.kept(opened, text))
    after = caddy(*command, home=tmp_path)
    assert sum(guarded.values()) == 2
    assert json.loads(after.stdout) == json.loads(before.stdout)


def test_maintenance_is_shown_to_those_who_get_in(alone: Server) -> None:
    alone.write("maintenance/shop.retry", "300")
    alone.write("maintenance/shop.html", "<p>soon</p>")
    try:
        assert alone.ask(SHOP).status == 401
        shown = alone.ask(SHOP, "/old/x", **login())
        assert (shown.status, shown.body, shown.headers["cache-control"]) == (503, "<p>soon</p>", "no-store")
        assert alone.ask(SHOP, HEALTH, source=HERE).status == 503, "the agent wants to see the page"
    finally:
        (alone.folder / "maintenance/shop.html").unlink()


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/old", 308, "/new/"),
        ("/old/", 308, "/new/"),
        ("/old/a%20b/?x=%2F", 308, "/new/a%20b/?x=%2F"),
        ("/old/a%0d%0aX-Evil:%201", 308, "/new/a%0d%0aX-Evil:%201"),
        ("/OLD/a", 308, "/new/a"),
        ("/old/very", 301, "/deep/page"),
        ("/old/very?a=1", 301, "/deep/page?a=1"),
        ("/old/very/much", 308, "/new/very/much"),
        ("/", 301, "/start"),
        ("/gone", 308, "https://example.com/"),
        ("/gone/x/y?z", 308, "https://example.com/?z"),
        ("/docs/a/b", 308, "https://docs.example.com/a/b"),
        ("/docs//evil.test", 308, "https://docs.example.com/evil.test"),
        ("/docs/@evil.test", 308, "https://docs.example.com/@evil.test"),
        ("/flat//evil.test/x", 308, "/evil.test/x"),
        ("/flat/%5Cevil.test", 308, "/%5Cevil.test"),
        ("/flat/.evil.test", 308, "/.evil.test"),
        ("/flat/{env.HOME}", 308, "/%7Benv.HOME%7D"),
        ("/api/anything?q", 308, "/v1/?a=%20b&c=d#top"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("host", [SHOP, f"any.{SHOP}"])
def test_a_redirect_leads_where_the_manifest_says_and_nowhere_else(
    alone: Server, host: str, path: str, status: int, location: str
) -> None:
    whole = location if location.startswith("https:") else f"https://{host}{location}"
    answer = alone.ask(host, path, **login())
    assert (answer.status, answer.headers["location"]) == (status, whole)
    assert "x-evil" not in answer.headers
    assert answer.headers["cache-control"] == "max-age=3600"


@pytest.mark.parametrize("path", ["/older", "/new/old", "/start", "/apis", "/x/gone"])
def test_other_paths_reach_the_app(alone: Server, path: str) -> None:
    assert alone.ask(SHOP, path, **login()).status == 200


def test_a_site_that_moves_as_a_whole_can_still_be_released(alone: Server) -> None:
    assert alone.ask(OPEN, "/a?b").headers["location"] == f"https://{SHOP}/a?b"
    assert alone.ask(OPEN, HEALTH).status == 308
    assert alone.ask(OPEN, HEALTH, source=HERE).status == 200


def test_headers_are_set_and_taken_away_and_security_is_tightened_only(alone: Server) -> None:
    found = alone.ask(SHOP, "/x", **login()).headers
    assert found["content-security-policy"] == "default-src 'self'; script-src 'self' \"x\" # no comment"
    assert (found["x-robots-tag"], found["cache-control"]) == ("noindex", "public, max-age=60")
    assert "x-powered-by" not in found
    for answer in (alone.ask(SHOP, "/x", **login()), alone.ask(SHOP), alone.ask(SHOP, source=ELSEWHERE)):
        assert answer.headers["strict-transport-security"] == HSTS
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert alone.ask("old.lab.test").headers["strict-transport-security"] == HSTS
    assert alone.ask(OPEN).headers["strict-transport-security"] == PLATFORM_HSTS


def test_serving_names_reach_the_app_as_themselves_and_others_redirect(alone: Server) -> None:
    for host in (SHOP, f"www.{SHOP}", f"tenant-7.{SHOP}"):
        said = received(alone.ask(host, "/headers", **login()))
        assert (said["host"], said["x-forwarded-host"]) == (host, host)
    for host in ("old.lab.test", "any.old.lab.test"):
        answer = alone.ask(host, "/a?b")
        assert (answer.status, answer.headers["location"]) == (308, f"https://{SHOP}/a?b")
    assert (
        alone.ask_plainly(f"tenant-7.{SHOP}", "/a").headers["location"].startswith(f"https://tenant-7.{SHOP}")
    )
    with pytest.raises(OSError, match=r"alert|closed|EOF|reset"):
        alone.ask(f"two.labels.{SHOP}", "/")


@pytest.mark.parametrize("edge", ["web1", "web2"])
def test_behind_a_balancer_the_address_that_it_tells_is_the_one_that_counts(
    passing: dict[str, Server], edge: str
) -> None:
    def ask(path: str = "/x", host: str = "shop.example.com", **more: object) -> Answer:
        return passing[edge].ask(host, path, source=BALANCER, **more)  # type: ignore[arg-type]

    assert ask(before=proxy("198.51.100.9"), **login()).status == 200
    assert ask(before=proxy("198.51.100.9")).status == 401
    assert ask(before=proxy("203.0.113.9"), **login()).status == 403
    assert ask(HEALTH, before=proxy("203.0.113.9")).status == 403
    assert ask(**login()).status == 403, "the balancer itself is in an allowed network, and is no visitor"
    assert ask("/old/a", before=proxy("198.51.100.9"), **login()).headers["location"].endswith("/new/a")
    here = passing[edge].ask("shop.example.com", HEALTH, source=HERE)
    assert (here.status, "x-codeb-replica" in here.headers) == (200, True)
    tenant = "tenant.shop.example.com"
    assert received(ask("/headers", tenant, before=proxy("198.51.100.9"), **login()))["host"] == tenant


def test_where_tls_ends_at_the_balancer_so_it_is(ending: dict[str, Server]) -> None:
    def ask(visitor: str, **given: str) -> Answer:
        told = {"X-Forwarded-For": visitor, "X-Forwarded-Proto": "https", **given}
        return ending["web2"].ask_plainly("shop.example.com", "/x", source=BALANCER, **told)

    assert ask("198.51.100.9", **login()).status == 200
    assert ask("198.51.100.9").status == 401
    assert ask("203.0.113.9", **login()).status == 403
    assert ask(HERE, **login()).status == 403


def test_an_edge_that_does_not_run_the_app_asks_for_its_visitors_logins(passing: dict[str, Server]) -> None:
    def ask(**given: str) -> Answer:
        return passing["web1"].ask(
            "work.example.com", "/x", source=BALANCER, before=proxy("203.0.113.9"), **given
        )

    assert ask().status == 401
    answer = ask(**login())
    assert (answer.body, answer.headers["x-robots-tag"]) == ("work@work1 ", "noindex")
    assert "x-powered-by" not in answer.headers
    with pytest.raises((OSError, HTTPException)):
        passing["work1"].ask_plainly("work.inner", HEALTH, door="inner", source=ELSEWHERE)


def test_no_password_and_no_hash_is_in_a_log(alone: Server, passing: dict[str, Server]) -> None:
    alone.ask(SHOP, **login())
    alone.ask(SHOP, **login("ann", "wrong-horse"))
    for server in (alone, *passing.values()):
        text = server.caddy.log.read_text()
        for secret in (HASH, HASH[7:], PASSWORD, "wrong-horse", login()["Authorization"][6:]):
            assert secret not in text
    assert '"user_id":"ann"' in alone.caddy.log.read_text()
