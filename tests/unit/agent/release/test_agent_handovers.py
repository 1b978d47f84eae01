"""Names and ports change hands: exchanges, rotations, renames, and all the ways in which they are cut short."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.release.drive import rollback
from agent.removal.remove import remove
from tests.unit.agent.fakes.host import Killed
from tests.unit.agent.handing import (
    IDS,
    PAIRS,
    Stack,
    Wanted,
    assert_as_wanted,
    chain,
    names_of,
    rng,
)


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Wanted]:
    """Up to four projects that share a small room, so that they take from each other often."""
    ids = draw(st.lists(st.sampled_from(IDS), unique=True, min_size=1, max_size=4))
    domains = draw(st.permutations([f"a.n{n}.lab.test" for n in range(7)]))
    pairs = draw(st.permutations(PAIRS))
    found = {}
    for n, key in enumerate(ids):
        aliases = domains[4 + n : 5 + n] if n < 3 and draw(st.booleans()) else []
        if draw(st.booleans()):  # a wildcard over what another run may give to anybody
            aliases = [f"*.{name.partition('.')[2]}" for name in aliases]
        found[key] = Wanted((domains[n], *aliases), pairs[n], draw(st.integers(1, 2)))
    return found


GENTLE = settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])


@given(st.lists(manifests(), min_size=2, max_size=4), st.randoms(use_true_random=False))
@GENTLE
def test_whatever_changes_hands_one_run_does_it_and_no_name_is_ever_without_answer(
    steps: list[dict[str, Wanted]], order: random.Random
) -> None:
    stack = Stack()
    stack.run(steps[0], order)
    for before, after in pairwise(steps):
        assume(not stack.plan(after).problems)
        stack.watch(names_of(before) & names_of(after))
        assert stack.run(after, order)
        assert_as_wanted(stack, after)


@given(
    manifests(), manifests(), st.sets(st.sampled_from(IDS)), st.integers(0, 2), st.randoms(use_true_random=False)
)  # fmt: skip
@GENTLE
def test_a_hand_over_that_others_failures_cut_short_is_done_by_the_next_run(
    before: dict[str, Wanted], after: dict[str, Wanted], sick: set[str], tries: int, order: random.Random
) -> None:
    stack = Stack()
    stack.run(before, order)
    assume(not stack.plan(after).problems)
    stack.watch(names_of(before) & names_of(after))
    for _ in range(tries):
        stack.run(after, order, frozenset(sick))
        assume(not stack.plan(after).problems)
    assert stack.run(after, order)
    assert_as_wanted(stack, after)


@given(manifests(), manifests(), st.integers(1, 400), st.randoms(use_true_random=False))
@GENTLE
def test_a_hand_over_that_is_killed_is_done_by_the_next_run(
    before: dict[str, Wanted], after: dict[str, Wanted], kill_at: int, order: random.Random
) -> None:
    stack = Stack()
    stack.run(before, order)
    assume(not stack.plan(after).problems)
    stack.watch(names_of(before) & names_of(after))
    stack.host.kill_at = stack.host.operations + kill_at
    try:
        stack.run(after, order)
    except Killed:
        stack.host.held.clear()
    stack.host.kill_at = 0
    assume(not stack.plan(after).problems)
    assert stack.run(after, order)
    assert_as_wanted(stack, after)


A, B, C = (Wanted((f"{key}.lab.test",), pair) for key, pair in zip("abc", PAIRS, strict=False))


@pytest.mark.parametrize("seed", range(5))
def test_three_projects_pass_their_names_and_ports_on_in_a_ring(seed: int) -> None:
    stack = chain(rng(seed), {"app-a": A, "app-b": B, "app-c": C})
    stack.watch(frozenset(name for one in (A, B, C) for name in one.names))
    ring = {"app-a": B, "app-b": C, "app-c": A}
    assert stack.run(ring, rng(seed))
    assert_as_wanted(stack, ring)


def test_a_renamed_project_takes_domain_and_ports_over_without_a_gap() -> None:
    stack = chain(rng(1), {"old": A})
    stack.watch(frozenset(A.names))
    assert stack.run({"new": A}, rng(1))
    assert_as_wanted(stack, {"new": A})
    assert not [name for name in stack.host.systemd.running if "-old-" in name]


def test_a_standby_whose_port_was_given_away_ends_and_nobody_goes_back_to_names_of_others() -> None:
    swapped = {"app-a": B, "app-b": A}
    stack = chain(rng(1), {"app-a": A, "app-b": B}, swapped)
    again = {**swapped, "app-a": replace(B, version=2)}
    assert stack.run(again, rng(1))
    assert any("app-b can't be rolled back any more" in line for line in stack.host.journal)
    for project in swapped:
        rolled = Reader({"project": project}, "")
        if project == "app-a":
            rollback(stack.host.ports(), rolled, "tester")
            continue
        with pytest.raises(
            Failed, match=r"b.lab.test, which that release answers to, belongs to app-a by now"
        ):
            rollback(stack.host.ports(), rolled, "tester")
    assert_as_wanted(stack, again)


def test_after_an_exchange_of_ports_each_releases_as_often_as_it_likes() -> None:
    swapped = {"app-a": replace(A, pair=B.pair), "app-b": replace(B, pair=A.pair)}
    stack = chain(rng(1), {"app-a": A, "app-b": B}, swapped)
    for version in range(2, 6):
        for key in ("app-a", "app-b", "app-b", "app-a"):
            again = {**swapped, key: replace(swapped[key], version=version)}
            stack.watch(names_of(swapped))
            assert stack.run(again, rng(version))
            assert_as_wanted(stack, again)


def test_a_rollback_to_ports_that_others_serve_on_by_now_is_refused() -> None:
    moved = {"app-a": replace(A, pair=C.pair), "app-b": replace(B, pair=A.pair)}
    later = {**moved, "app-b": replace(moved["app-b"], version=2)}
    stack = chain(rng(1), {"app-a": A, "app-b": B}, moved, later)
    with pytest.raises(Failed, match=r"port 300[12] belongs to app-b by now"):
        rollback(stack.host.ports(), Reader({"project": "app-a"}, ""), "tester")
    assert_as_wanted(stack, later)


WIDE = Wanted(("tenants.lab.test", "*.tenants.lab.test"), PAIRS[0])
NARROW = Wanted(("tenants.lab.test",), PAIRS[0])
ONE = Wanted(("pay.tenants.lab.test",), PAIRS[1])
BESIDE = Wanted(("pay.lab.test",), PAIRS[1])


@pytest.mark.parametrize("seed", range(3))
def test_a_name_leaves_a_wildcard_for_a_project_of_its_own_and_goes_back_into_it(seed: int) -> None:
    apart, together = {"wide": NARROW, "one": ONE}, {"wide": WIDE, "one": BESIDE}
    stack = chain(rng(seed), together)
    plan = stack.plan(apart)
    assert (plan.before, plan.ceded) == ({"one": "wide"}, {"wide": ("*.tenants.lab.test",)})
    assert "one takes over from wide: pay.tenants.lab.test." in plan.notes
    stack.watch(frozenset({"tenants.lab.test"}))
    for wanted in (apart, together, apart):
        assert stack.run(wanted, rng(seed))
        assert_as_wanted(stack, wanted)


def test_a_wildcard_goes_on_answering_until_the_first_of_its_names_is_taken() -> None:
    stack = chain(rng(1), {"wide": WIDE, "one": BESIDE})
    assert not stack.run({"wide": NARROW, "one": ONE}, rng(1), frozenset({"one"}))
    assert stack.who("*.tenants.lab.test") == "wide"
    assert stack.run({"wide": NARROW, "one": ONE}, rng(1))
    assert_as_wanted(stack, {"wide": NARROW, "one": ONE})


def test_a_release_that_fails_gives_the_wildcard_s_name_back() -> None:
    stack = chain(rng(1), {"wide": NARROW, "one": ONE})
    assert not stack.run({"wide": WIDE, "one": BESIDE}, rng(1), frozenset({"wide"}))
    assert stack.who("pay.tenants.lab.test") == "one"
    assert stack.run({"wide": NARROW, "one": ONE}, rng(1))
    assert_as_wanted(stack, {"wide": NARROW, "one": ONE})


def half_done(stack: Stack) -> None:
    """The exchange of two domains of which only the first half went well."""
    assert not stack.run({"app-a": B, "app-b": A}, rng(1), frozenset({"app-b"}))
    assert {stack.who(name) for name in (*A.names, *B.names)} == {"app-a"}


def test_manifests_that_are_put_back_after_half_an_exchange_put_the_names_back() -> None:
    stack = chain(rng(1), {"app-a": A, "app-b": B})
    stack.watch(names_of({"app-a": A, "app-b": B}))
    half_done(stack)
    assert stack.run({"app-a": A, "app-b": B}, rng(1))
    assert_as_wanted(stack, {"app-a": A, "app-b": B})


def test_a_rollback_after_half_an_exchange_gives_the_name_back_that_it_had_taken() -> None:
    stack = chain(rng(1), {"app-a": A, "app-b": B})
    stack.watch(names_of({"app-a": A, "app-b": B}))
    half_done(stack)
    rollback(stack.host.ports(), Reader({"project": "app-a"}, ""), "tester")
    assert_as_wanted(stack, {"app-a": A, "app-b": B})


def kill_when(stack: Stack, reached: Callable[[], bool]) -> None:
    """Kill the release of app-a that takes the name of app-b, in this moment."""

    def look() -> None:
        if reached():
            stack.host.after = lambda: None
            raise Killed

    stack.host.after = look
    with pytest.raises(Killed):
        stack.run({"app-a": B, "app-b": replace(B, names=("new.lab.test",))}, rng(1))
    stack.host.held.clear()


def test_a_killed_release_gives_back_names_and_leaves_what_others_changed_meanwhile() -> None:
    stack = chain(rng(1), {"app-a": A, "app-b": B})
    host = stack.host
    kill_when(stack, lambda: "/var/lib/codeb/projects/app-a.undo" in host.files)
    both = {"app-a": A, "app-b": replace(B, names=(*B.names, "www.b.lab.test"))}
    stack.sent.pop("app-a")
    assert stack.run({"app-b": both["app-b"], "app-a": A}, rng(2))
    assert_as_wanted(stack, both)


def test_the_site_of_a_removed_project_stays_away_whatever_a_kill_left() -> None:
    stack = chain(rng(1), {"app-a": A, "app-b": B})
    host = stack.host
    kill_when(stack, lambda: "/var/lib/codeb/sites.json" in host.files)
    remove(host.ports(), Reader({"version": 1, "project": "app-b"}, ""), "tester")
    del stack.held["app-b"]
    assert stack.run({"app-a": B, "app-c": C}, rng(1))
    assert_as_wanted(stack, {"app-a": B, "app-c": C})
