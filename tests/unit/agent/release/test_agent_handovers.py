"""Names and ports change hands: exchanges, rotations, renames, and all the ways in which they are cut short.

A run is what Pulumi makes of the plan: releases in any order that the plan's dependencies allow, deletions last and only
if nothing failed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.edge import site
from agent.host.paths import UPSTREAMS
from agent.host.ports import NoReply
from agent.release.drive import release, rollback
from agent.removal.remove import remove
from codeb.plan import Holding, Ports
from codeb.plan.handover import HandOvers, Wish, hand_overs
from codeb.plan.held import Serving
from tests.unit.agent.fakes.caddy import addresses
from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.verbs import new_host

SICK = "reg.lab:5000/shop:sick"
IDS = [f"app-{key}" for key in "abcde"]
PAIRS = [(3001, 3002), (3003, 3004), (3005, 3006), (3007, 3008)]


@dataclass(frozen=True)
class Wanted:
    """What a manifest asks for."""

    names: tuple[str, ...]
    pair: tuple[int, int]
    version: int = 1


Manifests = Mapping[str, Wanted]


@dataclass
class Stack:
    """A host, and what the registry knows of it."""

    host: FakeHost = field(default_factory=new_host)
    held: dict[str, Holding] = field(default_factory=dict)
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Documents that were carried out: Pulumi sends none of them again."""

    def ask(self) -> None:
        """The registry hears from the host what is served, as it does before each plan."""
        for key, held in self.held.items():
            names = frozenset(site.answered(self.host.ports(), key))
            self.held[key] = replace(held, serves=replace(held.serves, names=names))

    def plan(self, manifests: Manifests) -> HandOvers:
        wishes = [
            Wish(key, frozenset(one.names), "default", Ports(*one.pair)) for key, one in manifests.items()
        ]
        return hand_overs(wishes, self.held)

    def run(self, manifests: Manifests, order: random.Random, sick: frozenset[str] = frozenset()) -> bool:
        """One run; whether it went well. Those that are `sick` fail their health check."""
        self.ask()
        plan = self.plan(manifests)
        assert not plan.problems
        for key, one in manifests.items():  # as `remember` does, before anything happens
            held = self.held.get(key, Holding(key))
            ceded = frozenset(plan.ceded.get(key, ()))
            self.held[key] = replace(held, ports=Ports(*one.pair), ceded=ceded)
        left, done = sorted(manifests), set[str]()
        well = True
        while left:
            ready = [key for key in left if plan.before.get(key) not in left]
            key = order.choice(ready)
            left.remove(key)
            blocked = key in plan.before and plan.before[key] not in done
            if not blocked and self._release(key, manifests[key], plan.ceded.get(key, ()), sick=key in sick):
                done.add(key)
                continue
            well = False
        for key in sorted(self.held) if well else ():
            if key not in manifests:
                remove(self.host.ports(), Reader({"version": 1, "project": key}, ""), "tester")
                del self.held[key]
                self.sent.pop(key, None)
        return well

    def _release(self, key: str, one: Wanted, ceded: tuple[str, ...], *, sick: bool) -> bool:
        image = SICK if sick else f"reg.lab:5000/{key}:{one.version}"
        self.host.podman.registry[image] = App(status=500 if sick else 200)
        domain, *aliases = one.names
        site = f"{domain} {{\n\timport site\n}}\n" + (f"\n{', '.join(aliases)} {{\n}}\n" if aliases else "")
        health = {**release_document(image)["health"], "start_timeout_ms": 3000}
        environment = {"NEXTAUTH_URL": f"https://{domain}"}
        document = release_document(
            image, key, one.pair, cache=None, site=site, domain=domain, ceded=list(ceded),
            health=health, environment=environment,
        )  # fmt: skip
        if self.sent.get(key) == document:
            return True
        try:
            release(self.host.ports(), Reader(document, ""), "tester")
        except Failed:
            if not sick and not self.host.kill_at:
                raise
            return False
        self.sent[key] = document
        serves = Serving(frozenset(one.names), "default", Ports(*one.pair))
        self.held[key] = replace(self.held[key], serves=serves)
        return True

    def answers(self, name: str) -> bool:
        try:
            return self.host.http.get("127.0.0.1:443", "/", host=name, timeout_ms=1000).status == 200
        except NoReply:
            return False

    def who(self, name: str) -> str:
        """The project whose site answers to a name."""
        (found,) = [path for path, text in self.host.caddy.sites.items() if name in addresses(text)]
        return found.rpartition("/")[2].removesuffix(".caddy")

    def watch(self, names: frozenset[str]) -> None:
        """From now on each of these names is answered at each moment, and no two containers share a port."""

        seen: list[object] = []

        def look() -> None:
            host = self.host
            upstreams = [text.content for path, text in host.files.items() if path.startswith(UPSTREAMS)]
            if seen == (now := [dict(host.caddy.sites), upstreams, sorted(host.systemd.running)]):
                return
            seen[:] = now
            self.host.after = lambda: None
            silent = sorted(name for name in names if not self.answers(name))
            assert not silent, f"nobody answers to {silent}"
            found = [one.address for one in self.host.systemd.running.values()]
            assert len(set(found)) == len(found)
            self.host.after = look

        self.host.after = look


def names_of(manifests: Manifests) -> frozenset[str]:
    return frozenset(name for one in manifests.values() for name in one.names)


def assert_as_wanted(stack: Stack, manifests: Manifests) -> None:
    """Each name is answered by its project on a port of its pair, and by no other name."""
    for key, one in manifests.items():
        for name in one.names:
            assert stack.who(name) == key
            assert stack.answers(name)
        address = stack.host.tell(f"/etc/caddy/upstreams/{key}") or ""
        assert int(address.rpartition(":")[2]) in one.pair
    sites = stack.host.caddy.sites
    assert {name for text in sites.values() for name in addresses(text)} == names_of(manifests)
    assert set(stack.held) == set(manifests)


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Wanted]:
    """Up to four projects that share a small room, so that they take from each other often."""
    ids = draw(st.lists(st.sampled_from(IDS), unique=True, min_size=1, max_size=4))
    domains = draw(st.permutations([f"n{n}.lab.test" for n in range(7)]))
    pairs = draw(st.permutations(PAIRS))
    found = {}
    for n, key in enumerate(ids):
        aliases = domains[4 + n : 5 + n] if n < 3 and draw(st.booleans()) else []
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


def rng(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - an order, not a secret


def chain(order: random.Random, *steps: Manifests) -> Stack:
    stack = Stack()
    for step in steps:
        assert stack.run(step, order)
    return stack


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
