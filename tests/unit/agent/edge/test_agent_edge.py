"""Caddy: reloads that fail nobody, who answered, canary and maintenance, against a host in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.edge import drain, probe, traffic
from agent.host import commands, paths
from agent.host.ports import Reply, Result
from agent.project.spec import Spec
from agent.project.spec_reader import read_release
from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.verbs import V1, V2, fails, new_host, run

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
PAGE = "<!doctype html><p>soon</p>\n"


@pytest.fixture
def host() -> FakeHost:
    return new_host()


def spec(**changes: Any) -> Spec:
    return read_release(Reader(release_document(V1, **changes), "")).spec


def sockets(host: FakeHost, *rows: tuple[str, str, int], path: str = "/proc/net/tcp6") -> None:
    """The kernel's list: local port in hex, state, number of the socket."""
    here, there = "00000000000000000000000001000000", "0000000000000000FFFF00000100007F:D431"
    lines = [f" 0: {here}:{port} {there} {state} 0:0 0:0 0 0 0 {number} 1" for port, state, number in rows]
    host.put(path, "\n".join([HEADER, *lines]) + "\n")


def order(host: FakeHost) -> list[str]:
    """The reload and what is around it."""
    names = {
        "systemctl show --property=InvocationID caddy.service": "",
        " ".join(commands.HOLD_CONNECTIONS): "hold",
        " ".join(commands.CADDY_RELOAD): "reload",
        " ".join(commands.FREE_CONNECTIONS): "free",
    }
    return [name for call in host.calls if (name := names.get(" ".join(call), ""))]


def test_connections_are_those_that_users_have_to_caddy(host: FakeHost) -> None:
    sockets(
        host, ("01BB", "01", 7), ("0050", "01", 8), ("0BB9", "01", 9), ("01BB", "0A", 10), ("01BB", "01", 0)
    )
    sockets(host, ("01BB", "01", 11), path="/proc/net/tcp")
    assert drain.connections(host.ports()) == {"7", "8", "11"}


def test_without_connections_a_reload_waits_for_first_requests_only(host: FakeHost) -> None:
    before = host.time
    drain.reload(host.ports())
    assert host.time - before == pytest.approx(0.5)
    assert order(host) == ["hold", "reload", "free"]
    assert paths.DRAINING not in host.files


def test_a_reload_waits_until_the_connections_of_before_are_gone(host: FakeHost) -> None:
    sockets(host, ("01BB", "01", 7), ("01BB", "01", 8))
    start = host.time

    def later() -> None:
        if paths.DRAINING in host.files and host.time >= start + 3:
            sockets(host, ("01BB", "01", 9))  # a new one: its answers end it

    host.after = later
    drain.reload(host.ports())
    assert 3 <= host.time - start < 4
    assert "2 connections asked to end within 3" in host.journal[-1]
    assert host.journal[-1].endswith("0 still open")


def test_a_connection_that_stays_holds_a_reload_up_for_ten_seconds_at_most(host: FakeHost) -> None:
    sockets(host, ("01BB", "01", 7))
    start = host.time
    drain.reload(host.ports())
    assert 10 <= host.time - start < 11
    assert order(host) == ["hold", "reload", "free"]


def test_a_busy_host_is_given_longer_for_first_requests_as_long_as_connections_end(host: FakeHost) -> None:
    sockets(host, *(("01BB", "01", number) for number in range(7, 27)))
    start, gone = host.time, 7

    def one_ends() -> None:
        nonlocal gone
        if "hold" in order(host):
            gone += 1
            sockets(host, *(("01BB", "01", number) for number in range(gone, 27)))

    host.after = one_ends
    drain.reload(host.ports())
    assert order(host) == ["hold", "hold", "reload", "free"], "held anew before the rules' own time is over"
    assert 12.5 < host.time - start < 14


def test_a_connection_that_only_stays_after_the_hold_is_not_waited_for(host: FakeHost) -> None:
    sockets(host, ("01BB", "01", 7), ("01BB", "01", 8))
    start = host.time
    drain.reload(host.ports())
    assert host.time - start == pytest.approx(10.5, abs=0.15)


def test_what_caddy_has_read_is_not_read_again(host: FakeHost) -> None:
    host.put("/etc/caddy/sites/a.caddy", "a {\n}\n")
    drain.reload(host.ports())
    drain.reload(host.ports())
    assert order(host).count("reload") == 1
    host.put("/etc/caddy/sites/a.caddy", "b {\n}\n")
    drain.reload(host.ports())
    assert order(host).count("reload") == 2
    host.systemd.boots += 1
    drain.reload(host.ports())
    assert order(host).count("reload") == 3


def test_a_reload_that_caddy_refuses_ends_as_any_other_and_is_tried_again(host: FakeHost) -> None:
    host.put("/etc/caddy/Caddyfile", "broken")
    for _ in range(2):
        with pytest.raises(Failed, match="Caddy refused to reload: Error: adapting"):
            drain.reload(host.ports())
    assert order(host) == ["hold", "reload", "free"] * 2
    assert paths.DRAINING not in host.files


def test_a_reload_that_can_t_hold_new_connections_back_doesn_t_happen(host: FakeHost) -> None:
    host.answers[" ".join(commands.HOLD_CONNECTIONS)] = Result(1, err="No such file or directory")
    with pytest.raises(Failed, match="nft refused"):
        drain.reload(host.ports())
    assert (order(host), paths.DRAINING in host.files) == (["hold"], False)


def test_a_host_whose_bundle_is_older_than_its_agent_changes_sites_all_the_same(host: FakeHost) -> None:
    del host.files["/etc/codeb/hold.nft"]
    run(host)
    assert any("comes with the next bundle" in line for line in host.journal)
    assert not [call for call in host.calls if call[:2] == ["nft", "-f"]]


def test_a_kill_at_each_effect_of_a_reload_leaves_nothing_that_the_next_one_doesn_t_mend() -> None:
    for kill in range(1, 14):
        host = new_host()
        host.put("/etc/caddy/sites/a.caddy", "a {\n}\n")
        host.kill_at = kill
        try:
            drain.reload(host.ports())
        except Killed:
            host.held.clear()
        assert drain.stale(host.ports()) is (paths.DRAINING in host.files)
        host.kill_at = 0
        drain.reload(host.ports())
        assert (list(host.caddy.sites), paths.DRAINING in host.files) == (["/etc/caddy/sites/a.caddy"], False)


def test_a_marker_is_stale_only_when_nobody_drains(host: FakeHost) -> None:
    assert not drain.stale(host.ports())
    host.put(paths.DRAINING, "")
    host.held.add(paths.CADDY_LOCK)
    assert not drain.stale(host.ports())
    host.held.clear()
    assert drain.stale(host.ports())


def test_a_removal_that_was_killed_before_the_reload_reloads_when_run_again(host: FakeHost) -> None:
    from agent.removal.remove import remove

    run(host)
    reload = " ".join(commands.CADDY_RELOAD)
    host.answers[reload] = Result(1, err="Error: killed")
    with pytest.raises(Failed):
        remove(host.ports(), Reader({"version": 1, "project": "shop-app"}, ""), "tester")
    del host.answers[reload]
    remove(host.ports(), Reader({"version": 1, "project": "shop-app"}, ""), "tester")
    assert host.caddy.sites == {}


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(200, b"ok", 1, {"x-codeb-upstream": "127.0.0.1:3001"}), ""),
        (Reply(200, b"ok", 1, {}), "was answered by none of its releases"),
        (Reply(200, b"ok", 1, {"x-codeb-upstream": "127.0.0.1:3002"}), "was answered by 127.0.0.1:3002"),
        (Reply(200, b"ok", 1, {"x-codeb-upstream": "{http.x}"}), "was answered by none of its releases"),
        (Reply(502, b"", 1, {}), "answered 502"),
    ],
)
def test_success_is_what_the_right_release_answered(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, reply: Reply, said: str
) -> None:
    ports = host.ports()
    monkeypatch.setattr(ports.http, "get", lambda *_, **__: reply)
    if not said:
        assert probe.probe(ports, spec(), "127.0.0.1:3001") == ""
        return
    with pytest.raises(Failed, match=said):
        probe.probe(ports, spec(), "127.0.0.1:3001")


def test_maintenance_is_switched_by_files_alone(host: FakeHost) -> None:
    wanted = spec(maintenance={"page": PAGE, "retry_after_s": 90})
    assert traffic.set_maintenance(host.ports(), wanted)
    assert not traffic.set_maintenance(host.ports(), wanted)
    assert host.tell("/etc/caddy/maintenance/shop-app.html") == PAGE
    assert host.tell("/etc/caddy/maintenance/shop-app.retry") == "90"
    assert traffic.set_maintenance(host.ports(), spec())
    assert not traffic.set_maintenance(host.ports(), spec())
    assert not [path for path in host.files if "maintenance" in path]
    assert order(host) == []


def test_a_release_in_maintenance_shows_the_page_and_proves_the_app_past_caddy(host: FakeHost) -> None:
    maintenance = {"page": PAGE, "retry_after_s": 90}
    run(host)
    run(host, V2, maintenance=maintenance)
    host.answers.clear()
    reply = host.ports().http.get("127.0.0.1:443", "/", host="shop-app.lab.test", timeout_ms=1)
    assert (reply.status, reply.body) == (503, PAGE.encode())


def test_maintenance_alone_is_a_release_that_restarts_nothing(host: FakeHost) -> None:
    run(host)
    for maintenance, status in (({"page": PAGE, "retry_after_s": 90}, 503), (None, 200)):
        host.calls.clear()
        assert run(host, V1, maintenance=maintenance)["changed"] is True
        reply = host.ports().http.get("127.0.0.1:443", "/", host="shop-app.lab.test", timeout_ms=1)
        assert reply.status == status
        assert [call for call in host.calls if call[:2] == ["systemctl", "start"]] == []
        assert order(host) == []


def test_a_page_that_caddy_doesn_t_show_is_no_maintenance(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(host)
    monkeypatch.setattr(traffic, "set_maintenance", lambda *_: True)
    failure = fails(host, V2, maintenance={"page": PAGE, "retry_after_s": 90}).failure
    assert "answered 200, not the maintenance page" in failure.cause


def test_the_candidate_s_address_is_there_before_its_share_of_the_requests(host: FakeHost) -> None:
    written: list[str] = []
    host.after = lambda: written.extend(p for p in host.files if "canaries" in p and p not in written)
    traffic.set_canary(host.ports(), spec(), 5, "127.0.0.1:3002")
    assert written == ["/etc/caddy/canaries/shop-app.address", "/etc/caddy/canaries/shop-app.weight"]
    assert [host.tell(path) for path in written] == ["127.0.0.1:3002", "5"]
    traffic.set_canary(host.ports(), spec(), 0, "127.0.0.1:3001")
    assert [host.tell(path) for path in written] == ["127.0.0.1:3001", "0"]
    assert order(host) == []


def line(status: object, upstream: object = "127.0.0.1:3002", host: object = "shop-app.lab.test") -> str:
    return json.dumps({"request": {"host": host}, "status": status, "upstream": upstream})


def test_the_candidate_s_answers_are_counted_from_caddy_s_log(host: FakeHost) -> None:
    lines = [
        line(200),
        line(500),
        line(404),
        line(503, host="SHOP-app.lab.test:443"),
        line(500, upstream="127.0.0.1:3001"),
        line(500, host="other.lab.test"),
        line(500, upstream=None),
        line(None),
        line([]),
        line(500, host=7),
        json.dumps({"msg": "127.0.0.1:3002", "status": 500}),
        "[]",
        "7",
        "127.0.0.1:3002 said this",
    ]
    said = " ".join(commands.access_log("127.0.0.1:3002", 1000.0))
    host.answers[said] = Result(0, out="\n".join(lines))
    assert traffic.canary_counts(host.ports(), spec(), "127.0.0.1:3002", 1000.0) == (4, 2)
    host.answers[said] = Result(1)
    assert traffic.canary_counts(host.ports(), spec(), "127.0.0.1:3002", 1000.0) == (0, 0)
    host.answers[said] = Result(1, err="Failed to open the journal")
    with pytest.raises(Failed, match="Failed to open the journal"):
        traffic.canary_counts(host.ports(), spec(), "127.0.0.1:3002", 1000.0)
