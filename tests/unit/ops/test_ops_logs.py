"""`logs`: lines of several servers by time, what terminals see of them, and how a listener leaves."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest
from ops_servers import server
from ops_telling import ANSWER, Tellers, Telling, line

from ops import logs, streams
from ops.logs import Query, moment, shown
from ops.streams import Heard, in_order

ONE, TWO = server(1), server(2)
LIVE = {"live": True}


def ask(tellers: Tellers, **query: Any) -> tuple[list[str], list[str], Mapping[str, Any]]:
    servers = [server(number) for number in tellers.tellings]
    result = logs.logs(Query("shop", **query), servers, tellers.tell)
    return list(result.lines), list(result.problems), result.document


def test_lines_of_all_servers_are_one_stream_by_time() -> None:
    told = {
        1: Telling([line(1, "a"), line(3, "c"), ANSWER]),
        2: Telling([line(2, "b"), line(4, "d"), ANSWER]),
    }
    lines, problems, document = ask(Tellers(told))
    assert [text[-1] for text in lines] == ["a", "b", "c", "d"]
    assert lines[1] == "2026-11-27 12:00:02.000  app2  app         b"
    assert (problems, document["ok"]) == ([], True)
    assert document["entries"][0] == {"server": "app1", **line(1, "a")}


def test_only_the_newest_of_all_together_are_shown() -> None:
    told = {
        1: Telling([line(1, "a"), line(3, "c"), ANSWER]),
        2: Telling([line(2, "b"), line(4, "d"), ANSWER]),
    }
    assert [text[-1] for text in ask(Tellers(told), lines=3)[0]] == ["b", "c", "d"]
    assert ask(Tellers(told), lines=0)[0] == []


def test_a_silent_server_is_said_and_the_others_are_shown() -> None:
    told = {1: Telling([line(1, "a"), ANSWER]), 2: Telling([], "root@10.0.0.2 port 22: Connection refused")}
    lines, problems, document = ask(Tellers(told))
    assert (len(lines), problems) == (1, ["app2: root@10.0.0.2 port 22: Connection refused"])
    assert (document["ok"], document["problems"]) == (
        False,
        {"app2": "root@10.0.0.2 port 22: Connection refused"},
    )


def test_a_project_that_nobody_knows_is_said() -> None:
    lines, problems, document = ask(Tellers({1: Telling([{**ANSWER, "here": False}])}))
    assert (lines, problems, document["ok"]) == ([], ["shop is not on app1"], False)


def test_no_lines_of_a_project_that_is_there_are_no_error() -> None:
    lines, problems, document = ask(Tellers({1: Telling()}))
    assert (lines, document["ok"]) == ([], True)
    assert "no such lines" in problems[0]


def test_an_agent_that_refuses_and_one_that_warns_are_said() -> None:
    refusal = {"ok": False, "phase": "document", "cause": "kinds: \x1b[2Jwrong"}
    warned = {**ANSWER, "warnings": ["older lines were not looked at"]}
    _, problems, document = ask(Tellers({1: Telling([refusal]), 2: Telling([line(1, "a"), warned])}))
    assert problems == ["app1: the agent refuses: kinds: ?[2Jwrong", "app2: older lines were not looked at"]
    assert not document["ok"]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07 and \x1b[2J", "?]0;title? and ?[2J"),
        ("a\tb\rc\x00d", "a  b?c?d"),
        ("two\nlines", "two lines"),
        ("\u202eright to left", "?right to left"),
    ],
)
def test_nothing_in_a_line_reaches_the_terminal_but_text(text: str, seen: str) -> None:
    assert shown(Heard("app1", line(1, text, colour="blue")), several=False).endswith(f"app/blue    {seen}")


def test_the_agents_are_sent_what_is_wanted() -> None:
    tellers = Tellers({1: Telling()})
    ask(tellers, kinds=("app",), since="600", grep="x; reboot", lines=5)
    assert tellers.sent == [
        {
            "version": 1, "project": "shop", "kinds": ["app"], "since": "600", "until": "", "lines": 5,
            "grep": "x; reboot", "follow": False,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90s", "90"),
        ("10m", "600"),
        ("2h", "7200"),
        ("3d", "259200"),
        ("2026-11-27T12:00", "2026-11-27T12:00:00.000000Z"),
        ("2026-11-27 12:00:00+02:00", "2026-11-27T10:00:00.000000Z"),
        ("2026-11-27T12:00:00.5Z", "2026-11-27T12:00:00.500000Z"),
    ],
)
def test_times_are_ago_or_moments(text: str, meant: str) -> None:
    assert moment(text) == meant


@pytest.mark.parametrize(
    "text", ["", "10", "0m", "-5m", "10 m", "1e3s", "yesterday", "1969-01-01", "$(date)", "9999999d"]
)
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - argparse says what to write
        moment(text)


def test_a_follower_who_leaves_logs_out_of_every_server() -> None:
    told = {1: Telling([line(1, "a"), LIVE], goes_on=True), 2: Telling([line(2, "b"), LIVE], goes_on=True)}
    tellers = Tellers(told)
    lines = logs.follow(Query("shop"), [ONE, TWO], tellers.tell)
    assert [next(lines).document["text"], next(lines).document["text"]] == ["a", "b"]
    began = time.monotonic()
    lines.close()
    assert time.monotonic() - began < 30, "it waited"
    assert sorted(tellers.left) == [1, 2]
    assert all(each.over.is_set() for each in told.values())


def test_a_reader_who_stands_still_holds_no_listener_up_when_he_leaves() -> None:
    many = [line(n % 60, str(n)) for n in range(5_000)]
    tellers = Tellers({1: Telling([LIVE, *many], goes_on=True)})
    lines = logs.follow(Query("shop"), [ONE], tellers.tell)
    next(lines)
    lines.close()
    assert tellers.left == [1]


class Times:
    """A clock that the arrivals set."""

    def __init__(self, *arrivals: tuple[float, Heard | None]) -> None:
        self.now, self.arrivals = 0.0, arrivals

    def __iter__(self) -> Any:
        for now, each in self.arrivals:
            self.now = now
            yield each

    def clock(self) -> float:
        return self.now

    def ordered(self, servers: int = 2, lines: int = 100) -> list[tuple[float, str]]:
        """When each came out, and its text."""
        found = in_order(self, servers, lines, self.clock)
        return [(self.now, str(each.document.get("text") or each.problem or "end")) for each in found]


def of(name: str, second: float, text: str) -> Heard:
    return Heard(name, line(second, text))


def test_a_line_waits_a_second_for_earlier_ones_of_other_servers() -> None:
    times = Times(
        (0.0, Heard("app1", LIVE)), (0.0, Heard("app2", LIVE)),
        (1.0, of("app1", 10.5, "later")), (1.5, of("app2", 10.1, "earlier")), (1.9, None), (2.1, None), (9, None),
    )  # fmt: skip
    assert times.ordered() == [(2.1, "earlier"), (2.1, "later")]


def test_a_server_whose_clock_is_late_holds_nothing_up_for_longer() -> None:
    late = [(1 + n / 10, of("app2", n / 10, f"late {n}")) for n in range(30)]
    times = Times((0.0, Heard("app1", LIVE)), (0.0, Heard("app2", LIVE)), (1.0, of("app1", 30, "now")), *late)
    assert next(when for when, text in times.ordered() if text == "now") == 2.0


def test_one_server_s_lines_come_at_once() -> None:
    times = Times((0.0, Heard("app1", LIVE)), (1.0, of("app1", 10, "a")), (2.0, of("app1", 9, "b")))
    assert times.ordered(servers=1) == [(1.0, "a"), (2.0, "b")]


def test_first_lines_wait_for_the_others_but_not_for_ever() -> None:
    times = Times(
        (0.0, of("app1", 2, "b")), (0.5, Heard("app1", LIVE)), (5.0, None), (10.5, None), (11, None)
    )
    assert times.ordered() == [(10.5, "b")]
    told = (
        (0.0, of("app1", 2, "b")), (0.5, Heard("app1", LIVE)), (0.6, of("app2", 1, "a")), (0.7, Heard("app2", LIVE)),
    )  # fmt: skip
    assert Times(*told).ordered() == [(0.7, "a"), (0.7, "b")]
    assert Times(*told).ordered(lines=1) == [(0.7, "b")]
    gone = Heard("app2", problem="it is down", done=True)
    assert Times(told[0], told[1], (0.6, gone)).ordered() == [(0.6, "it is down"), (0.6, "b")]


def test_lines_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_WAITING", 3)
    flood = [(1.0, of("app1", n, str(n))) for n in range(10)]
    times = Times((0.0, Heard("app1", LIVE)), (0.0, Heard("app2", LIVE)), *flood, (1.1, None))
    out = [text for when, text in times.ordered() if when == 1.0]
    assert out[:7] == [str(n) for n in range(7)]
