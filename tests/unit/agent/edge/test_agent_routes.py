"""Sites of projects with several servers: routes on edges that don't run them, inner doors, and who probes what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agent.edge import drain, names, traffic
from agent.host.ports import Reply
from tests.unit.agent.fakes.caddy import addresses
from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.verbs import UPSTREAM, V1, V2, back, call, fails, new_host, run, serves

SITE = "/etc/caddy/sites/shop-app.caddy"
ROUTE = "/var/lib/codeb/routes/shop-app.json"
OUTER = "# shop-app\nshop-app.lab.test {\n\treverse_proxy 127.0.0.1:8100 10.1.0.2:8100\n}\n"
INNER = "http://shop-app.inner:8100 {\n\treverse_proxy {vars.upstream}\n}\n"
ALIAS = "\nwww.shop.test {\n\tredir https://shop-app.lab.test\n}\n"
BOTH = f"{OUTER}{ALIAS}\n{INNER}"
PORTS = [("0050", "11"), ("01BB", "12"), ("1FA4", "13"), ("0BB9", "14")]
FAR = "# shop-app\nshop-app.lab.test {\n\treverse_proxy 10.1.0.2:8100\n}\n"


def route(
    host: FakeHost, site: str = FAR, project: str = "shop-app", **more: Any
) -> tuple[int, dict[str, Any], str]:
    document = {"version": 1, "project": project, "domain": f"{project}.lab.test", "site": site, "ceded": []}
    return call(host.ports(), "route", {**document, **more})


def unroute(host: FakeHost, project: str = "shop-app") -> dict[str, Any]:
    code, answer, err = call(host.ports(), "unroute", {"version": 1, "project": project, "site": FAR})
    assert code == 0, err
    return answer


def test_names_of_visitors_and_of_edges_are_told_apart() -> None:
    assert names.addresses(BOTH) == ("shop-app.lab.test", "www.shop.test", "shop-app.inner:8100")
    assert names.public(BOTH) == ("shop-app.lab.test", "www.shop.test")
    assert (names.inner(BOTH), names.inner(OUTER)) == ("shop-app.inner:8100", None)
    assert (names.public(INNER), names.without_tls(INNER), names.without_tls(OUTER)) == ((), False, False)


def test_a_name_that_goes_leaves_the_inner_door_open() -> None:
    left = names.composed(BOTH, ["www.shop.test", "shop-app.inner:8100"])
    assert names.addresses(left) == ("www.shop.test", "shop-app.inner:8100")
    assert "http://shop-app.inner:8100 {" in left
    more = names.composed(BOTH, [*names.addresses(BOTH), "old.test"])
    assert names.addresses(more)[:2] == ("shop-app.lab.test", "old.test")


def test_names_without_tls_stay_without_it() -> None:
    plain = OUTER.replace("shop-app.lab.test {", "http://shop-app.lab.test {")
    assert names.without_tls(plain)
    assert names.addresses(plain) == ("shop-app.lab.test",)
    text = names.composed(plain, ["shop-app.lab.test", "old.test"])
    assert "http://shop-app.lab.test, http://old.test {" in text


def test_a_route_is_a_site_and_nothing_else() -> None:
    host = new_host()
    assert route(host)[1] == {"ok": True, "project": "shop-app", "changed": True}
    assert host.tell(SITE) == FAR
    assert addresses(host.caddy.sites[SITE]) == ["shop-app.lab.test"]
    assert host.tell(UPSTREAM) is None
    writes = len(host.journal)
    assert route(host)[1]["changed"] is False
    assert len(host.journal) == writes, "a second run does nothing"
    assert unroute(host)["changed"] is True
    assert host.tell(SITE) is host.tell(ROUTE) is None
    assert not host.caddy.sites
    assert unroute(host)["changed"] is False


def test_a_route_that_caddy_refuses_changes_nothing() -> None:
    host = new_host()
    route(host)
    code, answer, _ = route(host, FAR.replace("reverse_proxy", "broken"))
    assert (code, answer["phase"]) == (1, "check")
    assert host.tell(SITE) == FAR
    assert route(host)[1]["changed"] is False


def test_a_route_with_a_bad_document_touches_nothing() -> None:
    host = new_host()
    assert route(host, more="field")[0] == 2
    assert route(host, project="../x")[0] == 2
    assert host.tell(SITE) is None


def test_a_route_that_was_killed_before_its_reload_is_finished_by_the_next() -> None:
    host = new_host()
    route(host, OUTER)
    host.put(SITE, FAR)  # written, and nobody told Caddy
    assert route(host)[1]["changed"] is False
    assert host.caddy.sites[SITE] == FAR.encode()


def test_routes_hand_names_over_as_releases_do() -> None:
    host = new_host()
    route(host, FAR, ceded=[])
    other = FAR.replace("shop-app", "blog").replace("blog.lab.test {", "blog.lab.test, old.test {")
    route(host, other, project="blog")
    giving = other.replace(", old.test", "")
    route(host, giving, project="blog", ceded=["old.test"])
    assert "old.test" in addresses(host.caddy.sites["/etc/caddy/sites/blog.caddy"]), "until somebody takes it"
    route(host, FAR.replace("shop-app.lab.test {", "shop-app.lab.test, old.test {"))
    assert addresses(host.caddy.sites["/etc/caddy/sites/blog.caddy"]) == ["blog.lab.test"]
    assert "old.test" in addresses(host.caddy.sites[SITE])


def test_a_release_takes_the_site_over_from_a_route_and_keeps_it() -> None:
    host = new_host()
    route(host)
    run(host, V1, site=BOTH)
    assert host.tell(ROUTE) is None
    assert unroute(host)["changed"] is False
    assert host.tell(SITE) == BOTH
    assert serves(host) == V1


def test_a_first_release_that_fails_leaves_the_route() -> None:
    host = new_host()
    route(host)
    host.podman.registry[V2] = App(status=503)
    fails(host, V2, site=BOTH)
    assert host.tell(SITE) == FAR
    assert host.caddy.sites[SITE] == FAR.encode()
    assert route(host)[1]["changed"] is False


def test_a_project_that_moves_away_leaves_its_visitors_a_route() -> None:
    host = new_host()
    run(host, V1, site=BOTH)
    route(host)
    assert host.caddy.sites[SITE] == FAR.encode()
    code, answer, err = call(host.ports(), "remove", {"version": 1, "project": "shop-app"})
    assert (code, answer["changed"]) == (0, True), err
    assert host.tell(SITE) == FAR
    assert host.tell(UPSTREAM) is None
    assert unroute(host)["changed"] is True


def test_a_release_behind_an_inner_door_is_probed_through_its_own() -> None:
    host = new_host()
    run(host, V1, site=BOTH)
    run(host, V2, site=BOTH)
    assert serves(host) == V2


def test_an_answer_of_another_server_s_replica_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its address is the same text: every server has a 127.0.0.1."""
    host = new_host()
    run(host, V1, site=BOTH)
    answered = host.caddy.secure

    def far(domain: str, ask: Callable[[str], Reply]) -> Reply:
        reply = answered(domain, ask)
        return replace(reply, headers={**reply.headers, "x-codeb-upstream": "10.1.0.2:8100"})

    monkeypatch.setattr(host.caddy, "secure", far)
    failed = fails(host, V2, site=BOTH)
    assert failed.failure.phase == "probe"
    assert "10.1.0.2:8100" in failed.failure.cause
    assert serves(host) == V1


def test_where_no_visitor_comes_a_release_is_probed_as_edges_ask() -> None:
    host = new_host()
    host.caddy.certificate = False  # nobody needs one here
    run(host, V1, site=INNER)
    run(host, V2, site=INNER)
    assert serves(host) == V2
    assert "certificate" not in call(host.ports(), "doctor", {"version": 1})[2]
    names_said = call(host.ports(), "status", {"version": 1})[1]["projects"][0]["serves"]["names"]
    assert names_said is None, "who serves visitors is for others to say"


def test_where_tls_ends_before_caddy_a_release_is_probed_without() -> None:
    host = new_host()
    host.caddy.certificate = False
    plain = OUTER.replace("shop-app.lab.test {", "http://shop-app.lab.test {").replace("127.0.0.1:8100 ", "")
    run(host, V1, site=plain)
    run(host, V2, site=plain)
    assert serves(host) == V2
    assert "certificate" not in call(host.ports(), "doctor", {"version": 1})[2]


def test_a_canary_counts_what_edges_asked_for() -> None:
    line = '{"upstream": "127.0.0.1:3002", "status": 502, "request": {"host": "%s"}}'
    hosts = {name.partition(":")[0] for name in names.addresses(BOTH)}
    found = [
        traffic._statuses(line % host, hosts, "127.0.0.1:3002") for host in ("shop-app.inner", "other.inner")
    ]
    assert found == [[502], []]


def test_connections_of_edges_are_drained_like_those_of_visitors() -> None:
    host = new_host()
    rows = ["head", *(f"0: 0100007F:{port} 0100007F:9C40 01 0 0 0 0 0 {inode}" for port, inode in PORTS)]
    host.put("/proc/net/tcp", "\n".join(rows))
    assert drain.connections(host.ports()) == {"11", "12", "13"}


def test_a_server_whose_apps_were_published_on_its_private_address_survives_the_upgrade() -> None:
    """As older versions had it on servers that are no edge: no site, and nobody asked for it through Caddy."""
    host = new_host()
    private = {"publish": "10.1.0.3", "units": before_doors(), "site": None}
    run(host, V1, **private)
    assert host.tell(UPSTREAM) == "10.1.0.3:3001"
    answer = run(host, V1, site=INNER)
    assert answer["changed"] is True
    assert host.tell(UPSTREAM) == "127.0.0.1:3002"
    assert serves(host) == V1
    assert host.caddy.sites[SITE] == INNER.encode()
    assert back(host)["ok"] is True, "the release of before is still there"
    assert host.tell(UPSTREAM) == "10.1.0.3:3001"


def test_an_edge_s_site_of_before_becomes_one_of_several() -> None:
    host = new_host()
    run(host, V1)
    upstream = host.tell(UPSTREAM)
    answer = run(host, V1, site=BOTH)
    assert answer["changed"] is True
    assert host.tell(UPSTREAM) == upstream, "the container stays, only the site is another"
    assert host.caddy.sites[SITE] == BOTH.encode()


def before_doors() -> dict[str, Any]:
    units: dict[str, Any] = release_document(V1)["units"]
    for colour in ("blue", "green"):
        units[colour]["content"] = units[colour]["content"].replace("127.0.0.1:", "10.1.0.3:")
    return units
