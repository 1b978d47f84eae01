"""Who has what, found by index: the same as by looking at everybody."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codeb.model.hosts import overlap
from codeb.plan.owners import Owners

NAMES = ["x.test", "y.test", "*.test", "a.x.test", "b.x.test", "*.x.test", "*.a.x.test"]
PLACES = [("one", 3001), ("one", 3002), ("two", 3001)]

some_names = st.frozensets(st.sampled_from(NAMES), max_size=4)
some_places = st.frozensets(st.sampled_from(PLACES))


@given(st.dictionaries(st.sampled_from("abcd"), st.tuples(some_names, some_places)), some_names, some_places)
def test_whoever_has_something_in_common_is_found_with_that_and_nothing_else(
    having: dict[str, tuple[frozenset[str], frozenset[tuple[str, int]]]],
    names: frozenset[str],
    places: frozenset[tuple[str, int]],
) -> None:
    owners = Owners()
    for key, (own_names, own_places) in having.items():
        owners.add(key, own_names, own_places)
    wanted = {
        key: (
            {name for name in names if any(overlap(name, other) for other in own_names)},
            places & own_places,
        )
        for key, (own_names, own_places) in sorted(having.items())
    }
    found = {key: (shared.names, shared.places) for key, shared in owners.shared(names, places).items()}
    assert list(found.items()) == [(key, both) for key, both in wanted.items() if any(both)]
