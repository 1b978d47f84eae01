"""Who waits for whom when names and ports change hands, and what the registry remembers of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codeb.plan import Holding, Ports
from codeb.plan.handover import Wish, hand_overs
from codeb.plan.held import Serving

IDS = ["a", "b", "c", "d", "e"]


def serving(project: str, name: str, app: int) -> Holding:
    return Holding(project, serves=Serving(frozenset({name}), ports=Ports(app, app + 1)))


def wish(project: str, name: str, app: int, pool: str = "default") -> Wish:
    return Wish(project, frozenset({name}), pool, Ports(app, app + 1))


def held(*holdings: Holding) -> dict[str, Holding]:
    return {one.id: one for one in holdings}


def test_nobody_waits_where_nothing_changes_hands() -> None:
    found = hand_overs([wish("a", "x", 3001), wish("b", "z", 3003)], held(serving("a", "x", 3001)))
    assert (found.before, found.ceded, found.problems) == ({}, {}, ())


def test_whoever_gives_a_name_up_is_released_first_and_answers_until_it_is_taken() -> None:
    before = held(serving("a", "x", 3001), serving("b", "y", 3003))
    found = hand_overs([wish("a", "new", 3001), wish("b", "x", 3003)], before)
    assert found.before == {"b": "a"}
    assert found.ceded == {"a": ("x",)}
    assert found.notes == ("b takes over from a: x.",)


def test_in_a_ring_the_first_id_begins_and_the_others_follow_one_by_one() -> None:
    before = held(serving("a", "x", 3001), serving("b", "y", 3003), serving("c", "z", 3005))
    found = hand_overs([wish("a", "y", 3001), wish("b", "z", 3003), wish("c", "x", 3005)], before)
    assert sorted(found.before.items()) == [("b", "c"), ("c", "a")]
    assert found.ceded == {"a": ("x",), "b": ("y",), "c": ("z",)}


def test_ports_of_another_pool_are_other_ports() -> None:
    before = held(serving("a", "x", 3001))
    found = hand_overs([wish("a", "x", 3003), wish("b", "y", 3001, "second")], before)
    assert found.before == {}


def test_a_pair_on_which_two_projects_may_be_serving_is_refused() -> None:
    before = held(serving("gone", "x", 3001), serving("left", "y", 3003))
    (problem,) = hand_overs([Wish("a", frozenset({"n"}), "default", Ports(3002, 3003))], before).problems
    assert str(problem).startswith("a: servers.ports: 3002/3003 are still used by gone and left\n")
    before = held(serving("a", "x", 3001), serving("gone", "y", 3003))
    (problem,) = hand_overs([Wish("a", frozenset({"x"}), "default", Ports(3002, 3003))], before).problems
    assert "by itself and gone" in problem.cause
    assert not hand_overs([Wish("a", frozenset({"x"}), "default", Ports(3002, 3999))], before).problems
    assert not hand_overs([Wish("b", frozenset({"y"}), "default", Ports(3004, 3003))], before).problems


def test_a_ceded_name_is_remembered_for_as_long_as_another_project_has_it() -> None:
    before = {"a": Holding("a", serves=Serving(frozenset({"new"})), ceded=frozenset({"x"}))}
    wishes = [wish("a", "new", 3001), wish("b", "x", 3003)]
    assert hand_overs(wishes, before).ceded == {"a": ("x",)}
    assert hand_overs(wishes[:1], before).ceded == {}


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Wish], dict[str, Holding]]:
    def some() -> list[tuple[str, str, int]]:
        ids = draw(st.lists(st.sampled_from(IDS), unique=True))
        names = draw(st.permutations(range(6)))
        return [(key, f"n{names[n]}", 3001 + 2 * names[-n]) for n, key in enumerate(ids)]

    return [wish(*one) for one in some()], held(*(serving(*one) for one in some()))


@given(worlds())
def test_everybody_has_a_turn_and_givers_wait_for_takers_only_in_a_ring(
    world: tuple[list[Wish], dict[str, Holding]],
) -> None:
    wishes, before = world
    found = hand_overs(wishes, before)
    wanted = {one.id: one for one in wishes}
    turns = {key: 0 for key in wanted}
    for key in wanted:
        earlier = key
        while earlier in found.before:
            earlier = found.before[earlier]
            turns[key] += 1
            assert turns[key] < len(wanted), "a circle of waiting"
    for giver in before.values():
        for taker in wishes:
            hands_over = giver.id in wanted and giver.id != taker.id and taker.names & giver.serves.names
            if hands_over and turns[taker.id] < turns[giver.id]:
                assert _reaches(taker.id, giver.id, wanted, before), "no ring, and yet the taker began"


def _reaches(taker: str, giver: str, wanted: dict[str, Wish], before: dict[str, Holding]) -> bool:
    """Whether the giver takes something from the taker in turn, directly or through others."""
    seen, edge = set[str](), {giver}
    while edge:
        seen |= edge
        edge = {
            other.id
            for key in edge
            for other in before.values()
            if other.id in wanted and other.id != key
            if wanted[key].names & other.serves.names or wanted[key].places & other.serves.places
        } - seen
    return taker in seen
