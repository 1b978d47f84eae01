"""The verb `logs`: whose lines are shown, in which order, what is masked, and how it ends."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from agent.cli import run as run_verb
from agent.host import commands
from agent.host.ports import Result
from tests.unit.agent.fakes.host import EPOCH, FakeHost
from tests.unit.agent.verbs import V1, new_host, run

SECRET = "hunter2-hunter2"  # what the releases of these tests have in DATABASE_URL
BLUE = "codeb-shop-app-blue"


def row(text: object, at: float = 0, container: str = BLUE, **more: str) -> str:
    moment = str(round((EPOCH - 60 + at) * 1_000_000))
    named = {"CONTAINER_NAME": container} if container else {}
    return json.dumps({"MESSAGE": text, "__REALTIME_TIMESTAMP": moment, **named, **more})


def request(host: str, at: float = 0, **more: object) -> str:
    said = {
        "logger": "http.log.access.log0", "status": 200, "size": 17, "duration": 0.0123, "upstream": "127.0.0.1:3001",
        "request": {"client_ip": "203.0.113.9", "method": "GET", "host": host, "uri": "/x?y=1"}, **more,
    }  # fmt: skip
    return row(json.dumps(said), at, "", _SYSTEMD_UNIT="caddy.service")


def journal(host: FakeHost, *own: str, access: tuple[str, ...] = ()) -> None:
    """What journalctl finds, the newest first."""

    def found(words: list[str]) -> Result:
        rows = access if "_SYSTEMD_UNIT=caddy.service" in words else own
        return Result(0, out="".join(f"{each}\n" for each in rows))

    host.systemd.journalctl = found  # type: ignore[method-assign]


def logs(host: FakeHost, **document: Any) -> tuple[int, list[dict[str, Any]], dict[str, Any]]:
    """Exit status, entries, answer."""
    out, err = io.StringIO(), io.StringIO()
    text = json.dumps({"version": 1, "project": "shop-app", **document})
    code = run_verb(host.ports(), "logs", text, out, err, "tester")
    *entries, answer = [json.loads(line) for line in out.getvalue().splitlines()]
    return code, entries, answer


def texts(host: FakeHost, **document: Any) -> list[str]:
    return [entry["text"] for entry in logs(host, **document)[1] if "text" in entry]


@pytest.fixture
def host() -> FakeHost:
    found = new_host()
    run(found, V1)
    found.time = EPOCH
    return found


def test_lines_come_oldest_first_with_kind_and_time(host: FakeHost) -> None:
    journal(
        host,
        row("third", 3, "codeb-shop-app-green-w-mail"),
        row("second", 2, "", SYSLOG_IDENTIFIER="shop-app", _SYSTEMD_UNIT="codeb-shop-app-cron-tidy.service"),
        row("first", 1),
        row("migrating", 0, "codeb-shop-app-job"),
    )
    code, entries, answer = logs(host)
    assert (code, answer["ok"], answer["end"], answer["here"]) == (0, True, True, True)
    own = [entry for entry in entries if entry["kind"] != "audit"]
    assert own == [
        {"at": "2026-11-23T03:59:00.000000Z", "kind": "job", "name": "release", "text": "migrating"},
        {"at": "2026-11-23T03:59:01.000000Z", "kind": "app", "colour": "blue", "text": "first"},
        {"at": "2026-11-23T03:59:02.000000Z", "kind": "job", "name": "tidy", "text": "second"},
        {
            "at": "2026-11-23T03:59:03.000000Z",
            "kind": "worker",
            "colour": "green",
            "name": "mail",
            "text": "third",
        },
    ]


def test_lines_of_others_are_not_shown(host: FakeHost) -> None:
    journal(
        host,
        row("a project whose id begins like this one", 0, "codeb-shop-app-blue-blue"),
        row(
            "another project's cron job",
            0,
            "",
            SYSLOG_IDENTIFIER="x",
            _SYSTEMD_UNIT="codeb-shop-app-cron-x-blue.service",
        ),
        row("podman's own words", 0, "", SYSLOG_IDENTIFIER="podman", _SYSTEMD_UNIT=f"{BLUE}.service"),
        row("another service", 0, "postgres"),
        "not JSON",
        "[1]",
    )
    assert texts(host, kinds=["app", "worker", "job"]) == []


@pytest.mark.parametrize(
    "rows",
    [
        (row(f"boom: {SECRET}\n"),),
        (row(list(f"\x1b[31mboom: {SECRET}".encode())),),
        (row(f"boom: {SECRET[:7]}", 0, CONTAINER_PARTIAL_MESSAGE="true"), row(SECRET[7:], 1)),
        (row(f"boom: {SECRET[:7]}", 0, _LINE_BREAK="line-max"), row(SECRET[7:], 1)),
    ],
)
def test_secrets_are_masked(host: FakeHost, rows: tuple[str, ...]) -> None:
    journal(host, *reversed(rows))
    assert [text[-11:] for text in texts(host, kinds=["app"])] == ["boom: *****"]
    host.followed = [(0, each) for each in rows]
    assert [text[-11:] for text in texts(host, kinds=["app"], lines=0, follow=True)] == ["boom: *****"]


def test_no_end_of_a_secret_is_shown_where_a_line_grew_too_long(host: FakeHost) -> None:
    """What goes on after 64 KiB is no line of its own."""
    parts = ["x" * ((1 << 16) - 6), SECRET[:6], SECRET[6:], " and more"]
    rows = [row(text, n, CONTAINER_PARTIAL_MESSAGE="true") for n, text in enumerate(parts)]
    rows.append(row(" the end", 9))
    host.followed = [(0, each) for each in [*rows, row("next", 10)]]
    shown = texts(host, kinds=["app"], lines=0, follow=True)
    assert [text[:4] for text in shown] == ["xxxx", "next"]
    journal(host, *reversed(rows))
    assert [text[:4] for text in texts(host, kinds=["app"])] == ["xxxx"]


def test_lines_to_come_wait_for_what_is_secret_too() -> None:
    """Of a project whose variables are not here nobody knows what to mask."""
    host = new_host()
    host.followed = [(0, row(f"boom: {SECRET}"))]
    assert texts(host, kinds=["app"], lines=0, follow=True) == []


def test_a_search_tells_nothing_of_what_is_masked(host: FakeHost) -> None:
    journal(host, row(f"boom: {SECRET}"), row("Boom at last"))
    assert texts(host, grep="hunter2", kinds=["app"]) == []
    assert set(texts(host, grep="BOOM", kinds=["app"])) == {"boom: *****", "Boom at last"}


def test_a_search_is_for_a_text_and_no_expression(host: FakeHost) -> None:
    journal(host, row("a.b"), row("axb"))
    assert texts(host, grep="a.b", kinds=["app"]) == ["a.b"]


def test_only_the_newest_are_shown(host: FakeHost) -> None:
    journal(host, *(row(f"line {n}", n) for n in range(59, -1, -1)))
    assert texts(host, lines=3, kinds=["app"]) == ["line 57", "line 58", "line 59"]
    assert texts(host, lines=0, kinds=["app"]) == []


def test_requests_are_those_of_the_project_s_hosts(host: FakeHost) -> None:
    journal(
        host,
        access=(
            request("shop.lab.test"),
            request("evil-shop.lab.test"),
            request("shop.lab.test.evil.test"),
            request("shop-lab.test"),
            row('{"logger": "tls", "msg": "shop.lab.test"}', 0, ""),
        ),
    )
    host.put("/etc/caddy/sites/shop-app.caddy", "shop.lab.test, *.shop.lab.test {\n}\n")
    assert texts(host, kinds=["access"]) == [
        "203.0.113.9 GET shop.lab.test/x?y=1 200 17 B 12 ms by 127.0.0.1:3001"
    ]
    journal(
        host, access=(request("a.shop.lab.test"), request("a.b.shop.lab.test"), request("SHOP.lab.test.:443"))
    )
    assert len(texts(host, kinds=["access"])) == 2
    assert all(entry["kind"] != "access" for entry in logs(host)[1]), "they would hide all others"


def test_a_request_s_line_has_its_trace_s_id_by_which_it_is_found(host: FakeHost) -> None:
    one, other = "ab" * 16, "cd" * 16
    journal(host, access=(request("shop.lab.test", traceID=one), request("shop.lab.test", traceID=other)))
    host.put("/etc/caddy/sites/shop-app.caddy", "shop.lab.test {\n}\n")
    (found,) = texts(host, kinds=["access"], grep=other)
    assert found.endswith(f"12 ms by 127.0.0.1:3001 trace {other}")


def test_the_audit_log_says_who_did_what_and_why(host: FakeHost) -> None:
    past = {
        "project": "shop-app", "id": "r2", "outcome": "rolled-back", "image": V1, "by": "ann@laptop", "at":
        "2026-11-23T03:59:00Z", "duration_s": 0.4, "cause": "", "why": "checkout broke", "digest": "sha256:1",
    }  # fmt: skip
    lines = [
        json.dumps(past),
        json.dumps(past | {"project": "other"}),
        "{",
        json.dumps(past | {"at": "never"}),
    ]
    host.answers[" ".join(commands.audited("shop-app"))] = Result(0, out="\n".join(lines))
    assert texts(host, kinds=["audit"]) == [
        f"r2, rolled-back, {V1}, by ann@laptop, took 0.4 s, why: checkout broke"
    ]
    assert texts(host, kinds=["audit"], until="2026-11-23T03:58:00Z") == []
    assert texts(host, kinds=["audit"], since="30") == []
    assert len(texts(host, kinds=["audit"], since="90")) == 1


def test_what_is_followed_is_told_until_whoever_asked_leaves(host: FakeHost) -> None:
    journal(host, row("before"))
    host.followed = [
        (0, row("after", 61)),
        *([None] * 15),
        (
            1,
            json.dumps(
                {"project": "shop-app", "outcome": "restarted", "by": "ann", "at": "2026-11-23T04:00:09Z"}
            ),
        ),
        (0, row("without its end", 62, CONTAINER_PARTIAL_MESSAGE="true")),
        None,
    ]
    code, entries, answer = logs(host, follow=True, kinds=["app", "audit"])
    shown = [entry.get("text") or next(iter(entry)) for entry in entries]
    assert shown == ["before", "live", "after", "beat", "restarted by ann", "without its end"]
    assert (code, answer["end"]) == (0, True)
    assert any("--follow" in call for call in host.calls)


def test_what_becomes_secret_meanwhile_is_masked(host: FakeHost) -> None:
    class Meanwhile(list[tuple[int, str] | None]):
        def pop(self, index: Any = -1) -> tuple[int, str] | None:
            if len(self) == 1:
                run(host, V1, environment={"TOKEN": "another-secret"}, secret=["TOKEN"])
            return super().pop(index)

    journal(host)
    host.followed = Meanwhile([(0, row("another-secret")), (0, row(f"another-secret, {SECRET}"))])
    shown = texts(host, follow=True, kinds=["app"], lines=0)
    assert shown == ["another-secret", "*****, *****"], "and what was secret before stays so"


def test_nothing_is_shown_when_nobody_knows_what_is_secret() -> None:
    host = new_host()
    journal(host, row(SECRET))
    code, entries, answer = logs(host)
    assert (code, entries, answer["here"]) == (0, [], False)
    assert "none could be masked" in answer["warnings"][0]


def test_a_reader_who_has_left_is_told_nothing(host: FakeHost) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    journal(host, row("x"))
    document = json.dumps({"project": "shop-app"})
    err = io.StringIO()
    assert run_verb(host.ports(), "logs", document, Broken(), err, "tester") == 1
    assert err.getvalue() == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"project": "../etc"},
        {"project": "shop; reboot"},
        {"kinds": ["kernel"]},
        {"kinds": "app"},
        {"since": "yesterday; reboot"},
        {"since": "--vacuum-time=1s"},
        {"since": "2026-99-99T00:00:00Z"},
        {"lines": 10_001},
        {"lines": -1},
        {"grep": "a\nb"},
        {"grep": "x" * 201},
        {"follow": True, "until": "60"},
        {"unit": "sshd"},
    ],
)
def test_hostile_documents_are_refused(host: FakeHost, wrong: dict[str, Any]) -> None:
    before = len(host.calls)
    code, entries, answer = logs(host, **wrong)
    assert (code, entries, answer["ok"]) == (2, [], False)
    assert host.calls[before:] == []
