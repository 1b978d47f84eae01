"""Readers of server-sent events: when they come again, and what is noted of each life."""

from __future__ import annotations

import time

from lab.load.curl import EventStream
from lab.load.streams import CLEAN

FIRST = 'data: {"colour": "blue", "version": "1"}'


def server(*lines: str) -> list[str]:
    """A program in curl's place: what a server sends, and a proper end."""
    return ["printf", "%s\\n", *lines]


def followed(stream: EventStream) -> EventStream:
    stream.start()
    deadline = time.monotonic() + 10
    while not (stream.lives and stream.lives[-1].ended) and time.monotonic() < deadline:
        time.sleep(0.01)
    stream.stop()
    return stream


def test_a_reader_comes_again_when_the_server_said() -> None:
    stream = followed(EventStream(server("retry: 60000", "", FIRST)))
    assert stream.retry_seconds == 60
    assert [(life.colour, life.how) for life in stream.lives] == [("blue", CLEAN)]


def test_without_a_word_it_comes_again_soon() -> None:
    stream = EventStream(server(FIRST))
    stream.start()
    deadline = time.monotonic() + 10
    while len(stream.lives) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    stream.stop()
    assert len(stream.lives) >= 3
    assert stream.troubles == []
