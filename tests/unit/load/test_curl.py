"""Readers of server-sent events: what is noted of each life, and of a stream that never opens."""

from __future__ import annotations

from lab.host.processes import wait_until
from lab.load.curl import EventStream, event_stream
from lab.load.streams import CLEAN, UNKNOWN
from lab.load.surface import Events

FIRST = 'data: {"colour": "blue", "version": "1"}'
SECOND = 'data: {"colour": "green", "version": "2"}'


def curl(*lines: str, status: int = 0) -> list[str]:
    """A program in curl's place: what it writes, and how it ends."""
    return ["sh", "-c", f'printf "%s\\n" "$@"; exit {status}', "curl", *lines]


def followed(line: list[str], troubles: int = 1, *, tells: bool = True) -> EventStream:
    """A reader with this program, stopped when so much went wrong; that it ends by itself is the last of it."""
    stream = EventStream(line, tells)
    stream.start()
    assert wait_until(lambda: len(stream.troubles) >= troubles, 10)
    stream.stop()
    return stream


def test_a_reader_follows_one_stream_after_the_other() -> None:
    stream = followed(curl(FIRST, FIRST, "stream ended: 0 ", SECOND, "stream ended: 18 transfer closed"))
    assert [(life.colour, life.how) for life in stream.lives] == [
        ("blue", CLEAN),
        ("green", "curl 18: transfer closed"),
    ]


def test_a_stream_that_does_not_tell_whose_it_is_is_open_with_its_first_line() -> None:
    lines = (
        "",
        ": here",
        "data: not JSON",
        "",
        "stream ended: 0 ",
        "",
        "stream ended: 22 error: 502",
        ": here",
    )
    stream = followed(curl(*lines), troubles=2, tells=False)
    assert [(life.colour, life.how) for life in stream.lives] == [(UNKNOWN, CLEAN), (UNKNOWN, "")]
    assert stream.troubles[0] == "events never opened: curl 22: error: 502"


def test_a_stream_that_never_opens_is_told() -> None:
    stream = followed(curl("stream ended: 22 The requested URL returned error: 502", FIRST), troubles=2)
    assert stream.troubles[0] == "events never opened: curl 22: The requested URL returned error: 502"
    assert [life.ended for life in stream.lives] == [None]


def test_a_curl_that_ends_by_itself_is_told() -> None:
    assert followed(curl(status=2)).troubles == ["events: curl ended with status 2: "]


def test_the_real_curl_goes_on_after_a_failure_but_once_a_second() -> None:
    stream = event_stream(["curl", "--silent", "--show-error"], "http://127.0.0.1:1", Events("/api/events"))
    stream.start()
    assert wait_until(lambda: len(stream.troubles) >= 2, 10)
    stream.stop()
    assert all(text.startswith("events never opened: curl 7: ") for text in stream.troubles)
    assert len(stream.troubles) < 5
