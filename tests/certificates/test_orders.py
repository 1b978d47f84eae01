"""Several edges order the certificates of a domain once, whoever the CA's questions come to; who joins has them at once."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from .conftest import Fleet
from .edge import Edge, left

SITES = ("one.test", "two.test", "three.test")
Make = Callable[..., Fleet]


def served_by_both(fleet: Fleet, edges: list[Edge], http: bool) -> bool:
    return set((fleet.http if http else fleet.tls).served) == {edge.address for edge in edges}


@pytest.mark.parametrize("http", [True, False], ids=["http-01", "tls-alpn-01"])
def test_each_domain_is_ordered_once_and_any_edge_answers_the_ca(fleet: Make, http: bool) -> None:
    """The balancer lets one kind of challenge through. Both edges begin at the same time, and each is asked by the CA."""
    here = fleet()
    edges = [here.edge(*SITES) for _ in range(2)]
    here.balance(*edges, http=http, tls=not http)
    for edge in edges:
        edge.start()
    serials = [[edge.awaited(site) for site in SITES] for edge in edges]
    assert serials[0] == serials[1]
    assert len(set(serials[0])) == len(here.ca.issued()) == len(SITES)
    assert served_by_both(here, edges, http)


@pytest.mark.parametrize("http", [True, False], ids=["http-01", "tls-alpn-01"])
def test_an_edge_answers_for_a_site_that_it_does_not_know_yet(fleet: Make, http: bool) -> None:
    """Edges get a new site one after the other; the first orders, and the CA comes to the second."""
    here = fleet()
    first, second = here.running("old.test")
    here.balance(second, http=http, tls=not http)
    first.sites.append("new.test")
    first.reload()
    serial = first.awaited("new.test")
    second.sites.append("new.test")
    second.reload()
    assert second.awaited("new.test") == serial
    assert len(here.ca.issued()) == 2


def test_an_edge_that_joins_has_all_certificates_before_it_takes_traffic(fleet: Make) -> None:
    here = fleet()
    first, _ = here.running(*SITES)
    joins = here.edge(*SITES)
    joins.start()
    assert [joins.awaited(site) for site in SITES] == [first.serial(site) for site in SITES]
    assert len(here.ca.issued()) == len(SITES)


def test_an_edge_that_was_alone_brings_its_certificates_along(fleet: Make) -> None:
    """From one edge to two: what the first ordered for itself is not ordered again."""
    here = fleet()
    alone = here.edge("one.test")
    here.balance(alone)
    alone.text = here.text.replace("/certificates/now", alone.places["own"])
    alone.start(look=False)
    serial = alone.awaited("one.test")
    alone.stop()
    alone.text = here.text
    other = here.edge("one.test")
    for edge in (alone, other):
        edge.start()
        assert edge.awaited("one.test") == serial
    assert len(here.ca.issued()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("down", [0, 1], ids=["the-first-down", "the-second-down"])
def test_renewal_goes_on_while_an_edge_is_down(fleet: Make, down: int) -> None:
    """One order for each renewal; the edge that was down has the new certificate as soon as it is back."""
    here = fleet(valid_s=90)
    edges = here.running("one.test")
    before = edges[0].serial("one.test")
    edges[down].stop()
    up = edges[1 - down]
    renewed = up.awaited("one.test", other_than=before)
    assert left(up.shows("one.test")) > 60
    edges[down].start()
    assert edges[down].awaited("one.test") == renewed
    assert len(here.ca.issued()) == 2


def test_a_renewal_is_ordered_once_while_both_are_up(fleet: Make) -> None:
    here = fleet(valid_s=90)
    edges = here.running("one.test")
    before = edges[0].serial("one.test")
    renewed = [edge.awaited("one.test", other_than=before) for edge in edges]
    assert renewed[0] == renewed[1]
    assert len(here.ca.issued()) == 2


@pytest.mark.slow
def test_a_ca_that_is_down_stops_nobody_and_is_asked_again(fleet: Make) -> None:
    here = fleet()
    edges = here.running("one.test")
    serial = edges[0].serial("one.test")
    here.ca.stop()
    for edge in edges:
        edge.sites.append("new.test")
        edge.reload()
    edges[0].until(lambda: [each for edge in edges for each in edge.said("will retry")], "a word on the CA")
    for edge in edges:
        edge.stop()
        edge.start()
        assert edge.awaited("one.test") == serial
    here.ca.start()
    for edge in edges:
        # Caddy asks again after one minute and then after two; this CA forgets accounts when it ends, and edges that both
        # make theirs anew can cost one of them the first of these orders
        edge.awaited("new.test", patience_s=240)
    assert len(here.ca.issued()) == 2


def test_a_ca_that_refuses_is_not_hammered_and_other_sites_are_served(fleet: Make) -> None:
    here = fleet(blocked=("blocked.test",))
    edges = here.running("one.test")
    asked = here.ca.asked()
    for edge in edges:
        edge.sites.append("blocked.test")
        edge.reload()
    time.sleep(20)
    assert here.ca.asked() - asked <= 2, "one order for all edges, the next in a minute"
    (refused,) = [each for edge in edges for each in edge.said("will retry")]
    assert "rejectedIdentifier" in refused["error"]
    for edge in edges:
        edge.serial("one.test")
        with pytest.raises(OSError, match="internal error"):
            edge.serial("blocked.test")
