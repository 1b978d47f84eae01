"""`logs --store`: a project's lines from VictoriaLogs or Loki, each asked in its own language."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from ops_servers import server
from ops_watching import SERVERS, Watching

from ops.cli import main
from ops.log_store import of_project, of_trace, readable, stored
from ops.logs import Query

NOW = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)
VICTORIA, LOKI = ("logs", "/select/logsql/query"), ("logs", "/loki/api/v1/query_range")


def row(second: str, text: str, **more: str) -> str:
    fields = {"project": "shop", "server": "app1", "kind": "app", "colour": "blue", **more}
    return (
        json.dumps({"_time": f"2026-11-28T05:00:{second}Z", "_msg": text, "_stream": "{}", **fields}) + "\n"
    )


def victoria(*rows: str) -> Watching:
    return Watching({VICTORIA: "".join(rows)})


def loki(*streams: Any) -> Watching:
    return Watching(
        {LOKI: {"status": "success", "data": {"resultType": "streams", "result": list(streams)}}}, "loki"
    )


def form(watching: Watching, path: str) -> dict[str, str]:
    return next(dict(each["form"]) for each in watching.asked if each["path"] == path)


def test_lines_are_told_as_servers_tell_theirs_oldest_first() -> None:
    watching = victoria(row("02.5", "second", colour="green"), row("01.000000001", "first"))
    result = stored(Query("shop"), "live", SERVERS, watching.ask, NOW)
    assert result.lines == (
        "2026-11-28 05:00:01.000  app1  app/blue    first",
        "2026-11-28 05:00:02.500  app1  app/green   second",
    )
    entries: Any = result.document["entries"]
    assert entries[0] == {
        "server": "app1", "at": "2026-11-28T05:00:01.000000Z", "kind": "app", "project": "shop", "colour": "blue",
        "text": "first",
    }  # fmt: skip
    assert (result.document["ok"], result.document["here"]) == (True, True)


def test_loki_s_streams_make_the_same_lines() -> None:
    labels = {"project": "shop", "server": "app1", "kind": "app", "colour": "blue"}
    at = str(int(datetime(2026, 11, 28, 5, 0, 1, tzinfo=UTC).timestamp()) * 10**9 + 1)
    watching = loki(
        {"stream": labels, "values": [[at, "first"], ["soon", "x"], [at]]},
        {"stream": 1, "values": [[at, "y"]]},
        7,
    )
    result = stored(Query("shop"), "live", SERVERS, watching.ask, NOW)
    assert result.lines == ("2026-11-28 05:00:01.000  app1  app/blue    first",)


def test_only_the_newest_are_shown() -> None:
    watching = victoria(row("01", "a"), row("03", "c"), row("02", "b"))
    result = stored(Query("shop", lines=2), "live", SERVERS, watching.ask, NOW)
    assert [line[-1] for line in result.lines] == ["b", "c"]
    assert form(watching, VICTORIA[1])["limit"] == "2"


def test_each_store_is_asked_in_its_own_language() -> None:
    query = Query("shop", ("app", "error"), "600", "2026-11-28T05:59:00.000000Z", 50, 'a"b.*\\')
    (of_victoria, of_loki) = of_project(query, NOW)
    assert of_victoria.form == {
        "query": 'project:="shop" kind:in("app","error") _msg:~"(?i)a\\"b\\\\.\\\\*\\\\\\\\"',
        "limit": "50",
        "start": "2026-11-28T05:50:00.000000Z",
        "end": "2026-11-28T05:59:00.000000Z",
    }
    assert of_loki.form == {
        "query": '{project="shop"} | kind=~"app|error" |~ "(?i)a\\"b\\\\.\\\\*\\\\\\\\"',
        "limit": "50",
        "direction": "backward",
        "start": "2026-11-28T05:50:00.000000Z",
        "end": "2026-11-28T05:59:00.000000Z",
    }
    assert (of_victoria.store, of_loki.store) == ("victorialogs", "loki")


def test_without_a_word_requests_are_left_out_and_a_day_is_looked_at() -> None:
    (of_victoria, of_loki) = of_project(Query("shop", lines=9000), NOW)
    assert of_victoria.form
    assert of_loki.form
    assert of_victoria.form["query"] == 'project:="shop" !kind:="access"'
    assert of_loki.form["query"] == '{project="shop"} | kind!="access"'
    assert of_victoria.form["start"] == "2026-11-27T06:00:00.000000Z"
    assert of_loki.form["limit"] == "5000", "more than that Loki refuses"
    early = of_project(Query("shop", until="2026-11-20T00:00:00.000000Z"), NOW)[0].form
    assert early
    assert early["start"] == "2026-11-19T00:00:00.000000Z"


def test_a_trace_is_looked_for_in_texts_and_beside_them() -> None:
    (of_victoria, of_loki) = of_trace("ab" * 16, NOW, NOW, 10)
    assert of_victoria.form
    assert of_loki.form
    assert of_victoria.form["query"] == f'"{"ab" * 16}" or trace_id:="{"ab" * 16}" or traceID:="{"ab" * 16}"'
    assert of_loki.form["query"] == f'{{project=~".+"}} |= "{"ab" * 16}"'


def test_a_store_that_is_down_or_refuses_is_said() -> None:
    down = Watching(down=frozenset({"logs"}))
    result = stored(Query("shop"), "live", SERVERS, down.ask, NOW)
    assert not result.ok
    assert "the log store does not answer: logs on 127.0.0.1" in result.problems[0]
    refused = Watching({VICTORIA: (400, "cannot parse query")})
    assert stored(Query("shop"), "live", SERVERS, refused.ask, NOW).problems == (
        "the log store answers 400: cannot parse query",
    )
    gone = stored(Query("shop"), "live", SERVERS, Watching(gone="no route").ask, NOW)
    assert "all other commands work without" in gone.problems[0]
    assert "has the role monitoring" in stored(Query("shop"), "live", (server(1),), down.ask, NOW).problems[0]


def test_no_lines_are_no_failure() -> None:
    result = stored(Query("shop"), "live", SERVERS, victoria().ask, NOW)
    assert (result.ok, result.document["here"]) == (True, False)
    assert "no such lines" in result.problems[0]


def test_rows_that_are_none_are_left_out_and_nothing_controls_a_terminal() -> None:
    rows = ["not JSON\n", "[1]\n", '{"_time": "x"}\n', row("01", "\x1b[31mred\x1b[0m\x07", server="a\x1b[2J")]
    result = stored(Query("shop"), "live", SERVERS, victoria(*rows).ask, NOW)
    assert len(result.lines) == 1
    assert "\x1b" not in result.lines[0]
    assert "\x07" not in result.lines[0]


def test_a_request_in_caddy_s_json_is_readable_and_other_json_is_as_it_is() -> None:
    request = {"client_ip": "203.0.113.7", "method": "GET", "host": "shop.test", "uri": "/a?b"}
    line = {"request": request, "status": 502, "size": 12, "duration": 0.0312, "traceID": "ab" * 16}
    assert readable(json.dumps(line)) == f"203.0.113.7 GET shop.test/a?b 502 12 B 31 ms trace {'ab' * 16}"
    for text in ('{"level": "info"}', "{broken", '{"request": 1, "status": 2}', "plain"):
        assert readable(text) == text


def test_ends_of_lines_that_an_app_makes_up_hide_no_line() -> None:
    ends = "a\u2028b\u2029c\u0085d"
    answer = row("01", "before") + row("02", ends).replace(json.dumps(ends), f'"{ends}"') + row("03", "after")
    result = stored(Query("shop"), "live", SERVERS, victoria(answer).ask, NOW)
    assert [line.split()[3] for line in result.lines] == ["app/blue"] * 3
    assert all(part in result.lines[1] for part in "abcd")


def test_a_request_that_an_app_makes_up_is_shown_as_it_wrote_it() -> None:
    made_up = json.dumps({"request": {"host": "other.test"}, "status": 200, "duration": 10**400})
    watching = victoria(row("01", made_up), row("02", made_up, kind="access"))
    first, second = stored(Query("shop"), "live", SERVERS, watching.ask, NOW).lines
    assert first.endswith(made_up)
    assert second.endswith("? ? other.test 200 ? B ?")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--store", "--follow"], "leave out --store or --follow"),
        (["--store", "--server", "app1"], "leave out --store or --server"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anybody_is_asked(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["logs", "shop", *options, "--stack", "live"]) == 2
    assert words in capsys.readouterr().err


def test_the_command_asks_the_store_and_no_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watching = victoria(row("01", "hello"))
    monkeypatch.setattr("ops.access.app_servers", lambda *_, **__: SERVERS)
    monkeypatch.setattr("ops.ssh.ask", watching.ask)
    assert main(["logs", "shop", "--store", "--kind", "job", "--grep", "hel", "--stack", "live"]) == 0
    assert capsys.readouterr().out.endswith("hello\n")
    assert 'kind:in("job")' in form(watching, VICTORIA[1])["query"]
