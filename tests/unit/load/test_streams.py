"""Which ends of streams are drops: all but those of a standby that is being stopped."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from lab.load.curl import judge_upload
from lab.load.streams import CLEAN, GOING_AWAY, UNKNOWN, Life, Moment, Row, drops, rows, serving_at, sockets

# Blue serves from 0, green from 100, blue again from 200: the release that ends at 200 stops the old blue at 150.
SERVING = [Moment(0, "blue"), Moment(100, "green"), Moment(200, "blue")]
STOPS = [Moment(150, "blue"), Moment(250, "green")]


def life(colour: str, opened: float, ended: float | None, how: str = GOING_AWAY) -> Life:
    return Life("websocket", colour, "1", opened, ended, how)


def row(at: float, event: str, **tells: Any) -> Row:
    return Row(at, "1-0", event, tells)


@pytest.mark.parametrize(
    "right",
    [
        life("blue", 10, 150.1),
        life("blue", 10, 150.1, CLEAN),
        life("green", 120, 251),
        life("blue", 160, None, ""),
    ],
)
def test_a_stream_may_end_once_its_standby_is_stopped(right: Life) -> None:
    assert drops([right], STOPS, SERVING) == []


@pytest.mark.parametrize(
    "wrong",
    [
        life("blue", 10, 100.5),  # at the switch
        life("blue", 10, 149.9),  # while it stands by
        life("blue", 10, 150.1, "1006"),  # without a word
        life("green", 120, 150.1),  # as the other colour stops
        life("blue", 160, 400),  # opened after its stop: another container, which nobody stopped
        life("blue", 10, 150.1, "curl 18: cut"),
    ],
)
def test_every_other_end_is_a_drop(wrong: Life) -> None:
    assert drops([wrong], STOPS, SERVING) == [wrong]


@pytest.mark.parametrize(
    ("one", "dropped"),
    [
        (life(UNKNOWN, 10, 150.1, CLEAN), False),
        (life(UNKNOWN, 160, 251, CLEAN), False),
        (life(UNKNOWN, 10, 149.9, CLEAN), True),  # nothing was stopped yet
        (life(UNKNOWN, 160, 249, CLEAN), True),
        (life(UNKNOWN, 10, 150.1, "curl 18: cut"), True),
    ],
)
def test_a_stream_of_an_unknown_colour_may_end_once_a_standby_is_stopped(one: Life, dropped: bool) -> None:
    assert bool(drops([one], STOPS, SERVING)) is dropped


def test_a_stop_of_what_serves_excuses_no_stream_of_an_unknown_colour() -> None:
    stopped = life(UNKNOWN, 10, 50.1, CLEAN)
    assert drops([stopped], [Moment(50, "blue")], SERVING) == [stopped]


def test_a_stop_of_the_colour_that_serves_excuses_nothing() -> None:
    stopped = life("blue", 10, 50.1)
    assert drops([stopped], [Moment(50, "blue")], SERVING) == [stopped]


def test_nothing_serves_before_it_is_known() -> None:
    assert [serving_at(SERVING, at) for at in (-1, 0, 99, 100, 500)] == [
        None,
        "blue",
        "blue",
        "green",
        "blue",
    ]


def test_a_sockets_life_is_read_from_its_events() -> None:
    events = [
        row(1, "connect"),
        row(1, "open", colour="blue", version="1.0.0"),
        row(9, "close", code=1001),
    ]
    found = sockets(events, until=20)
    assert found.lives == (Life("websocket", "blue", "1.0.0", 1, 9, "1001"),)
    assert found.troubles == ()


def test_what_happens_as_the_load_ends_is_no_close() -> None:
    events = [row(1, "connect"), row(2, "open", colour="blue", version="1"), row(21, "close", code=1000)]
    assert sockets(events, until=20).lives[0].ended is None


def test_a_socket_that_never_opens_is_trouble_whether_refused_or_left_waiting() -> None:
    refused = [row(1, "connect"), row(1, "error", cause="bad handshake"), row(1, "close", code=None)]
    assert sockets(refused, until=20).troubles == ("websocket never opened, 0.0 s long: bad handshake",)
    assert sockets([row(1, "connect")], until=20).troubles == ("websocket never answered",)
    assert sockets([row(19, "connect")], until=20).troubles == ()


def test_a_socket_that_falls_silent_or_answers_wrongly_is_trouble() -> None:
    events = [
        row(1, "connect"),
        row(2, "open", colour="blue", version="1"),
        row(9, "silent"),
        row(9, "wrong"),
    ]
    assert sockets(events, until=20).troubles == ("websocket silent", "websocket wrong")


@pytest.mark.parametrize(
    ("status", "out", "wrong"),
    [
        (0, '{"sha256": "abc", "colour": "blue"}\n200', None),
        (0, '{"sha256": "abd", "colour": "blue"}\n200', "another body arrived"),
        (0, "502 Bad Gateway\n502", "status 502"),
        (92, "\n000", "curl 92: stream was closed"),
    ],
)
def test_an_upload_is_right_only_when_all_of_it_arrived(status: int, out: str, wrong: str | None) -> None:
    done = subprocess.CompletedProcess(["curl"], status, out, "stream was closed\n")
    assert judge_upload(1, 2, done, "abc").wrong == wrong


def test_rows_are_whole_lines() -> None:
    lines = [
        json.dumps({"at": 1795540182.629, "socket": "1-0", "event": "open", "colour": "blue"}),
        '{"at": 1795540183, "sock',
    ]
    assert rows(lines) == [Row(1795540182.629, "1-0", "open", {"colour": "blue"})]
    assert rows([]) == []


def test_a_line_in_the_middle_that_is_not_whole_is_an_error() -> None:
    with pytest.raises(json.JSONDecodeError):
        rows(['{"at": 17955', '{"at": 1795540182, "socket": "1-0", "event": "connect"}'])
