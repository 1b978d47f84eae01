"""The comparison with the real vault, on two of ours: it plays to its end, and finds what differs."""

from __future__ import annotations

from dataclasses import replace

from lab.vault import server
from tests.vault.scenario import Got, Ours, differences, play


def played() -> dict[str, Got]:
    with server.running() as vault:
        return play(Ours(vault))


def test_two_of_a_kind_do_not_differ_and_a_difference_is_found() -> None:
    one, two = played(), played()
    assert differences(one, two) == []
    assert one["a token that has expired"].status == 403
    other = {
        **two,
        "a sealed vault": replace(two["a sealed vault"], status=500),
        "a path": Got(200, {"data": {"data": {"TOKEN": "else"}, "metadata": {"version": 1}}}),
    }
    found = differences(one, other)
    assert "a sealed vault: status 503, and 500 of the real one" in found
    assert any(line.startswith("a path: .data.data.PEM: the real one has no such key") for line in found)
    assert any(line.startswith("a path: .data.data.TOKEN: ") for line in found)


def test_every_status_that_the_client_tells_apart_comes_up() -> None:
    statuses = {got.status for got in played().values()}
    assert statuses == {200, 204, 400, 403, 404, 415, 503}
