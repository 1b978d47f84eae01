"""An edge begins and ends to be one that visitors are sent to: `join` and `leave`."""

from __future__ import annotations

from typing import Any

import pytest

from agent.edge import drain, names, serving
from agent.host import commands, paths
from agent.host.ports import NoReply, Reply
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.verbs import V1, call, new_host, run

SITE = "/etc/caddy/sites/shop-app.caddy"
FAR = "# shop-app\nshop-app.lab.test {\n\treverse_proxy 10.1.0.2:8100 10.1.0.3:8100 {\n\t}\n}\n"
CADDY_UNIT = "/etc/containers/systemd/caddy.container"
HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"


def join(host: FakeHost, **document: Any) -> tuple[int, dict[str, Any], str]:
    return call(host.ports(), "join", {"version": 1, "attached": False, **document})


def leave(host: FakeHost) -> tuple[int, dict[str, Any], str]:
    return call(host.ports(), "leave", {"version": 1, "attached": False})


def visitors(host: FakeHost, *sockets: int, port: str = "01BB") -> None:
    """The kernel's list of connections to Caddy."""
    rows = [f"0: 0100007F:{port} 0100007F:9C40 01 0 0 0 0 0 {number}" for number in sockets]
    host.put("/proc/net/tcp", "\n".join([HEADER, *rows]))


def routed() -> FakeHost:
    """A host that sends the visitors of a project on."""
    host = new_host()
    document = {"version": 1, "project": "shop-app", "domain": "shop-app.lab.test", "site": FAR, "ceded": []}
    code, _, err = call(host.ports(), "route", document)
    assert code == 0, err
    return host


def answering(host: FakeHost, monkeypatch: pytest.MonkeyPatch, *replies: Reply | NoReply) -> list[float]:
    """Let Caddy answer visitors so, one after the other and the last ever after; when it was asked."""
    left, asked = list(replies), list[float]()

    def secure(domain: str, ask: object) -> Reply:
        asked.append(host.time)
        reply = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(reply, NoReply):
            raise reply
        return reply

    monkeypatch.setattr(host.caddy, "secure", secure)
    return asked


def said(status: int, **headers: str) -> Reply:
    return Reply(status, b"", 1, headers)


def test_the_doors_of_a_site_are_found_and_nothing_else() -> None:
    assert names.doors(FAR) == ("10.1.0.2:8100", "10.1.0.3:8100")
    assert (
        names.doors("a.test {\n\treverse_proxy @canary5 {vars.upstream} {vars.candidate} {\n\t}\n}\n") == ()
    )
    assert names.doors("a.test {\n\treverse_proxy [fd00::2]:8100\n}\n") == ("[fd00::2]:8100",)


def test_an_edge_that_answers_for_all_its_sites_has_joined_at_once() -> None:
    host = new_host()
    run(host, V1)
    before = host.time
    code, answer, err = join(host)
    assert (code, answer["sites"], answer["warnings"], err) == (0, 1, [], "")
    assert host.time - before < 1


def test_sites_that_caddy_has_not_read_are_read_first() -> None:
    host = new_host()
    run(host, V1)
    host.caddy.sites.clear()
    host.files.pop(paths.CADDY_READ)  # as after a run that was killed
    assert join(host)[0] == 0
    assert SITE in host.caddy.sites


def test_a_caddy_that_was_stopped_is_started() -> None:
    host = routed()
    host.caddy.runs = False
    code, answer, _ = join(host)
    assert code == 1
    assert "Caddy does not start" in answer["cause"]
    assert commands.start(paths.CADDY_SERVICE) in host.calls


def test_an_edge_that_reaches_nobody_behind_a_site_does_not_join(monkeypatch: pytest.MonkeyPatch) -> None:
    host = routed()
    answering(host, monkeypatch, said(502))
    monkeypatch.setattr(host.http, "accepts", lambda address, timeout_ms: False)
    before = host.time
    code, answer, err = join(host)
    assert code == 1
    assert answer["phase"] == "join"
    assert "shop-app.lab.test runs behind 10.1.0.2:8100, 10.1.0.3:8100" in answer["cause"]
    assert serving.LONGEST_S <= host.time - before < serving.LONGEST_S + 5
    assert "pulumi up" in err


def test_an_app_that_is_ill_wherever_it_runs_keeps_no_edge_away(monkeypatch: pytest.MonkeyPatch) -> None:
    host = routed()
    asked = answering(host, monkeypatch, said(502))
    monkeypatch.setattr(host.http, "accepts", lambda address, timeout_ms: address == "10.1.0.3:8100")
    code, answer, err = join(host)
    assert (code, answer["warnings"]) == (0, ["shop-app.lab.test answers 502: see its app"])
    assert err == "codeb-agent join: shop-app.lab.test answers 502: see its app\n"
    assert 45 <= asked[-1] - asked[0] < 50, "it was given some time"


def test_an_app_that_is_slow_is_no_fault_of_the_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    host = routed()
    answering(host, monkeypatch, NoReply("timed out"))
    monkeypatch.setattr(host.http, "accepts", lambda address, timeout_ms: True)
    code, answer, _ = join(host)
    assert (code, answer["warnings"]) == (0, ["shop-app.lab.test gives no answer within 5 s: see its app"])


def test_an_edge_that_takes_no_handshake_does_not_join(monkeypatch: pytest.MonkeyPatch) -> None:
    host = routed()
    answering(host, monkeypatch, NoReply("refused the connection"))

    def refuses(*_: object) -> None:
        raise NoReply("refused the connection")

    monkeypatch.setattr(host.http, "certificate", refuses)
    code, answer, _ = join(host)
    assert (code, "shop-app.lab.test refused the connection" in answer["cause"]) == (1, True)


def test_what_is_meant_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    host = routed()
    for reply in (said(404), said(401), said(500), Reply(503, b"", 1, {"retry-after": "300"})):
        asked = answering(host, monkeypatch, reply)
        code, answer, _ = join(host)
        assert (code, answer["warnings"], len(asked)) == (0, [], 1)


def test_what_takes_a_while_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    host = routed()
    answering(host, monkeypatch, NoReply("no certificate", no_certificate=True), said(502), said(200))
    code, answer, _ = join(host)
    assert (code, answer["warnings"]) == (0, [])


def test_a_certificate_that_nobody_has_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    host = routed()
    host.caddy.certificate = False
    code, answer, err = join(host)
    assert code == 0
    assert answer["warnings"] == ["shop-app.lab.test has no certificate yet: does its DNS record point here?"]
    assert "has no certificate" in err


def test_an_edge_without_the_shared_certificates_does_not_join() -> None:
    host = routed()
    host.links[f"{paths.CERTIFICATES}/now"] = "copy"
    code, answer, _ = join(host)
    assert (code, "can't reach the certificates" in answer["cause"]) == (1, True)


def test_an_edge_that_has_its_visitors_already_is_looked_at_once_and_never_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = routed()
    asked = answering(host, monkeypatch, said(502))
    monkeypatch.setattr(host.http, "accepts", lambda address, timeout_ms: False)
    before = host.time
    code, answer, err = join(host, attached=True)
    assert (code, len(answer["warnings"]), err, len(asked)) == (0, 1, "", 1)
    host.files.pop(paths.CADDY_READ)
    calls = len(host.calls)
    join(host, attached=True)
    assert commands.CADDY_RELOAD not in host.calls[calls:], "it only looks"
    assert host.time - before < 2


def test_where_tls_ends_before_caddy_it_is_asked_without() -> None:
    host = new_host()
    plain = "http://shop-app.lab.test {\n\treverse_proxy {vars.upstream}\n}\n"
    run(host, V1, site=plain)
    host.caddy.certificate = False
    assert join(host)[:2] == (0, {"ok": True, "sites": 1, "warnings": [], "said": []})


def test_a_bad_document_touches_nothing() -> None:
    host = new_host()
    assert join(host, more="field")[0] == 2
    assert join(host, attached="yes")[0] == 2


def test_leaving_answers_who_came_and_says_who_is_let_go() -> None:
    host = routed()
    visitors(host, 7, 8, 9)
    start = host.time

    def time_passes() -> None:
        if host.time > start + 3:
            visitors(host, 9)

    host.after = time_passes
    code, answer, err = leave(host)
    assert (code, answer["let_go"]) == (0, 1)
    assert "1 connections were open to the end and are let go (WebSockets, long downloads)" in err
    assert host.time - start < 5 + 10 + 4 + 61
    assert SITE in host.caddy.sites, "whoever is sent here all the same is answered"
    assert paths.DRAINING not in host.files
    assert commands.CADDY_RELOAD_ALL_THE_SAME in host.calls, "HTTP/2 is told"


def test_an_edge_that_nobody_visits_leaves_within_seconds() -> None:
    host = routed()
    start = host.time
    code, answer, err = leave(host)
    assert (code, answer["let_go"], err) == (0, 0, "")
    assert host.time - start < 10


def test_a_balancer_that_goes_on_sending_visitors_is_waited_for() -> None:
    host = routed()
    start, came = host.time, 10
    reloaded: list[float] = []

    def visits() -> None:
        nonlocal came
        if commands.CADDY_RELOAD_ALL_THE_SAME in host.calls and not reloaded:
            reloaded.append(host.time)
        came = came + 1 if host.time < start + 40 else came
        visitors(host, *([came] if host.time < start + 40 else []))

    host.after = visits
    assert leave(host)[0] == 0
    assert reloaded[0] - start > 40 + 4, "the health check has told it by then"


def test_other_edges_are_no_visitors() -> None:
    host = routed()
    visitors(host, 7, port="1FA4")
    assert leave(host)[1]["let_go"] == 0
    assert drain.connections(host.ports()) == {"7"}


def test_where_no_caddy_runs_there_is_nobody_to_leave() -> None:
    host = new_host()
    host.caddy.runs = False
    assert leave(host)[1]["let_go"] == 0
    assert paths.DRAINING not in host.files


@pytest.mark.parametrize("verb", ["join", "leave"])
def test_a_run_that_was_killed_anywhere_is_finished_by_the_next(verb: str) -> None:
    act = {"join": join, "leave": leave}[verb]
    whole = served_or_left(verb)
    act(whole)
    wanted = {path: whole.tell(path) for path in (paths.DRAINING, SITE)}
    first = served_or_left(verb).operations + 1
    assert first < whole.operations
    for moment in range(first, whole.operations + 1):
        host = served_or_left(verb)
        host.kill_at = moment
        with pytest.raises(Killed):
            act(host)
        host.kill_at = 0
        host.held.clear()
        assert act(host)[0] == 0
        assert {path: host.tell(path) for path in wanted} == wanted
        assert SITE in host.caddy.sites


def served_or_left(verb: str) -> FakeHost:
    """The host of an app, which has left where it is to join."""
    host = new_host()
    run(host, V1)
    if verb == "join":
        leave(host)
    return host


def test_the_app_that_runs_here_is_asked_through_its_own_site() -> None:
    host = new_host()
    host.podman.registry[V1] = App()
    run(host, V1, site="shop-app.lab.test {\n\treverse_proxy {vars.upstream}\n}\n")
    host.systemd.running.clear()
    code, answer, _ = join(host)
    assert (code, answer["warnings"]) == (0, ["shop-app.lab.test answers 502: see its app"])
