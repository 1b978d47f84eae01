"""Who gets in stays as it is at a rollback: a login that was taken away, or a protection that came later, is not undone."""

from __future__ import annotations

from agent.edge import guard
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.verbs import V1, V2, back, call, new_host, run

SITE = "/etc/caddy/sites/shop-app.caddy"
INNER = "http://shop-app.inner:8100 {\n\tabort\n}\n"


def site(*logins: str, path: str = "/api/health", more: str = "") -> str:
    lines = [f"\t\t{name} hash-of-{name}" for name in logins]
    guarded = ["\t# Who gets in.", "\t\t\tpath " + path, *lines, "\t# That is who gets in."] if logins else []
    return "".join(f"{line}\n" for line in ["shop-app.lab.test {", *guarded, f"\trespond /{more}", "}"])


def who(host: FakeHost) -> list[str]:
    return [line.split()[0] for line in str(host.tell(SITE)).splitlines() if "hash-of-" in line]


def test_a_protection_that_came_later_outlives_a_rollback() -> None:
    host = new_host()
    run(host, V1, site=site(more="1"))
    run(host, V2, site=site(more="2"))
    run(host, V2, site=site("ann", more="2"))
    back(host)
    assert who(host) == ["ann"]
    assert "respond /1" in str(host.tell(SITE)), "what else the site says is the release's"
    problems = [problem["what"] for problem in call(host.ports(), "doctor")[1]["problems"]]
    assert not [what for what in problems if "site" in what]
    run(host, V2, site=site("ann", "bob", more="2"))
    assert who(host) == ["ann", "bob"], "the rollback is in force, the manifest says who gets in"
    back(host, forward=True)
    assert who(host) == ["ann", "bob"]


def test_a_login_that_was_taken_away_does_not_come_back_and_a_site_that_was_opened_stays_open() -> None:
    host = new_host()
    run(host, V1, site=site("ann", "eve"))
    run(host, V2, site=site("ann"))
    back(host)
    assert who(host) == ["ann"]
    host = new_host()
    run(host, V1, site=site("ann"))
    run(host, V2, site=site())
    back(host)
    assert who(host) == []


def test_the_question_for_the_health_of_what_serves_is_let_in() -> None:
    host = new_host()
    health = {
        **{"interval_ms": 1000, "timeout_ms": 5000, "successes": 1, "max_response_ms": 500},
        "start_timeout_ms": 30_000,
    }
    run(host, V1, site=site("ann", path="/old"), health={**health, "path": "/old"})
    run(host, V2, site=site("ann", path="/new"), health={**health, "path": "/new"})
    back(host)
    assert "path /old\n" in str(host.tell(SITE))
    assert "/new" not in str(host.tell(SITE))


def test_it_is_of_the_block_by_which_visitors_come() -> None:
    open_site, closed = site(more="1") + INNER, site("ann") + INNER
    assert guard.kept(INNER + open_site, closed) == INNER + site("ann", more="1") + INNER
    assert guard.kept(closed, INNER) == closed, "a server that is no edge says nothing of visitors"
    assert guard.kept(INNER, closed) == INNER
