"""`trace`: one request's lines and spans by its id, from monitoring, or from the servers' journals where that is silent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ops_servers import server
from ops_telling import ANSWER, Tellers, Telling, line
from ops_watching import SERVERS, Watching
from test_ops_log_store import VICTORIA, row

from ops.cli import main
from ops.result import Result
from ops.trace import Wanted, trace

NOW = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)
ID = "4bf92f3577b34da6a3ce929d0e0e4736"
JAEGER = ("traces", f"/api/traces/{ID}")


def span(
    number: int, parent: int, name: str, start: int, took: int, process: str = "p2", **tags: object
) -> dict[str, Any]:
    return {
        "traceID": ID,
        "spanID": f"{number:016x}",
        "operationName": name,
        "references": [{"refType": "CHILD_OF", "traceID": ID, "spanID": f"{parent:016x}"}] if parent else [],
        "startTime": 1_764_309_600_000_000 + start,
        "duration": took,
        "tags": [{"key": key, "type": "string", "value": value} for key, value in tags.items()],
        "processID": process,
    }


TRACE = {
    "data": [
        {
            "traceID": ID,
            "spans": [
                span(3, 2, "SELECT orders", 12_000, 8_500, error=True),
                span(1, 0, "shop.test", 0, 31_250, "p1", **{"http.response.status_code": 502}),
                span(2, 1, "GET /cart", 1_000, 30_000, **{"http.status_code": 502}),
            ],
            "processes": {
                "p1": {"serviceName": "caddy", "tags": []},
                "p2": {"serviceName": "shop", "tags": [{"key": "project", "value": "shop"}]},
            },
        }
    ]
}
REQUEST = (
    '{"request":{"client_ip":"203.0.113.7","method":"GET","host":"shop.test","uri":"/cart"},"status":502,"size":9,'
    f'"duration":0.031,"traceID":"{ID}"}}'
)
LINES = row("02", f"cart failed trace={ID}") + row("01", REQUEST, kind="access", colour="")


def look(
    watching: Watching, tellers: Tellers | None = None, project: str = "", servers: Any = SERVERS
) -> Result:
    wanted = Wanted(ID, project, timedelta(days=1))
    return trace(wanted, "live", servers, watching.ask, (tellers or Tellers({})).tell, NOW)


def test_access_line_app_line_and_spans_are_joined() -> None:
    result = look(Watching({JAEGER: TRACE, VICTORIA: LINES}))
    assert (result.ok, result.problems) == (True, ())
    assert result.lines == (
        f"2026-11-28 05:00:01.000  access      203.0.113.7 GET shop.test/cart 502 9 B 31 ms trace {ID}",
        f"2026-11-28 05:00:02.000  app/blue    cart failed trace={ID}",
        "",
        "SPAN               OF     AFTER    TOOK     STATUS",
        "shop.test          caddy  0.0 ms   31.2 ms  502",
        "  GET /cart        shop   1.0 ms   30.0 ms  502",
        "    SELECT orders  shop   12.0 ms  8.5 ms   error",
    )
    document: Any = result.document
    assert document["project"] == "shop"
    assert [each["kind"] for each in document["requests"]] == ["access"]
    assert [each["kind"] for each in document["lines"]] == ["app"]
    assert [each["name"] for each in document["spans"]] == ["shop.test", "GET /cart", "SELECT orders"]


def test_most_traces_are_not_kept_and_their_lines_are_found_all_the_same() -> None:
    result = look(Watching({VICTORIA: LINES}))
    assert (result.ok, len(result.lines)) == (True, 2)
    assert "Jaeger has no trace of this id" in result.problems[0]
    assert result.document["project"] == "shop"


def test_an_id_that_nothing_bears_is_said() -> None:
    result = look(Watching({VICTORIA: ""}))
    assert not result.ok
    assert f"nothing bears the id {ID} since 2026-11-27 06:00 UTC" in result.problems[-1]


def test_while_the_log_store_is_down_the_journals_of_the_trace_s_project_are_asked() -> None:
    here = line(1, f"cart failed trace={ID}")
    tellers = Tellers({1: Telling([here, ANSWER]), 9: Telling([ANSWER])})
    result = look(Watching({JAEGER: TRACE}, down=frozenset({"logs"})), tellers)
    assert result.ok
    assert result.lines[0].endswith(f"cart failed trace={ID}")
    assert "the log store does not answer" in result.problems[0]
    (first, _) = tellers.sent
    assert (first["project"], first["grep"], first["since"]) == ("shop", ID, "86400")
    assert first["kinds"] == ["app", "worker", "job", "audit", "access"]


def test_while_jaeger_is_down_lines_show_and_it_is_said() -> None:
    result = look(Watching({VICTORIA: LINES}, down=frozenset({"traces"})))
    assert (result.ok, len(result.lines)) == (True, 2)
    assert "Jaeger does not answer" in result.problems[0]


def test_without_monitoring_the_journals_of_a_named_project_are_asked() -> None:
    servers = (server(1),)
    tellers = Tellers({1: Telling([line(1, f"x {ID}", "access"), ANSWER])})
    result = look(Watching(), tellers, "shop", servers)
    assert result.ok
    assert len(result.document["requests"]) == 1  # type: ignore[arg-type]
    assert "has the role monitoring" in result.problems[0]
    unnamed = look(Watching(), Tellers({}), "", servers)
    assert not unnamed.ok
    assert f"codeb trace {ID} PROJECT" in "".join(unnamed.problems)


def test_a_server_that_is_silent_is_said_beside_what_others_tell() -> None:
    tellers = Tellers({1: Telling([line(1, f"x {ID}"), ANSWER]), 9: Telling([], "Connection refused")})
    result = look(Watching(gone="no route"), tellers, "shop")
    assert result.ok
    assert "watch1: Connection refused" in result.problems


HOSTILE = [
    [],
    {"data": []},
    {"data": [1]},
    {
        "data": [
            {
                "spans": [
                    1,
                    {},
                    {"spanID": "a", "tags": 3, "references": [4], "startTime": "x", "processID": 9},
                ]
            }
        ]
    },
    {
        "data": [
            {
                "spans": [{"spanID": "a", "references": [{"refType": "CHILD_OF", "spanID": "a"}]}],
                "processes": 4,
            }
        ]
    },
]


@pytest.mark.parametrize("document", HOSTILE)
def test_a_trace_of_another_shape_ends_in_words(document: object) -> None:
    result = look(Watching({JAEGER: document, VICTORIA: LINES}))
    assert result.lines[1].endswith(ID)


def test_what_spans_are_called_reaches_a_terminal_without_control_characters() -> None:
    evil = {
        "data": [{"spans": [span(1, 0, "\x1b[2Jx\n", 0, 1)], "processes": {"p2": {"serviceName": "\x07"}}}]
    }
    assert not {"\x1b", "\x07", "\n"} & set("".join(look(Watching({JAEGER: evil, VICTORIA: ""})).lines))


@pytest.mark.parametrize("text", ["", "xyz", ID[:-1], ID + "0", f"{ID}/../..", "../../etc/passwd", f"{ID}\n"])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["trace", text, "--stack", "live"])
    assert stopped.value.code == 2
