"""Readers of server-sent events: when they come again, and what is noted of each life."""

from __future__ import annotations

from lab.host.processes import wait_until
from lab.load.curl import EventStream
from lab.load.streams import CLEAN

FIRST = 'data: {"colour": "blue", "version": "1"}'


def server(*lines: str) -> list[str]:
    """A program in curl's place: what a server sends, and a proper end."""
    return ["printf", "%s\\n", *lines]


def followed(stream: EventStream, lives: int) -> EventStream:
    """The stream, stopped when that many of its lives have ended."""
    stream.start()
    assert wait_until(lambda: sum(life.ended is not None for life in stream.lives) >= lives, 10)
    stream.stop()
    return stream


def test_a_reader_comes_again_when_the_server_said() -> None:
    stream = followed(EventStream(server("retry: 60000", "", FIRST)), lives=1)
    assert stream.retry_seconds == 60
    assert [(life.colour, life.how) for life in stream.lives] == [("blue", CLEAN)]


def test_without_a_word_it_comes_again_soon() -> None:
    stream = followed(EventStream(server(FIRST)), lives=3)
    assert len(stream.lives) >= 3
    assert stream.troubles == []
