"""Rules for every account: nothing of another owner is ever named for removal, and no trouble becomes a finding."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codeb import managed_names, names
from codeb.fleet import KINDS, Account, Removal, State, Thing, Trouble, Whose, compare, say, whose
from codeb.fleet.kinds import ADDRESS, DATABASE, DISK, KEY, OBJECTS, RECORD, RULE, SERVER, SHARE, Kind

OWNER = "codeb-prod-1a2b3c"
MACHINE = "0badcafe-81d2-4b7e-9c55-d1a2b3c4e5f6"
STACKS = ("prod", "prod-1a2b3c", "prod-1a2b3c-data", "dev", "prod-1a2b3c-ffffff", "a")
OTHERS = st.builds(
    "codeb-{}-{}".format, st.sampled_from(STACKS), st.sampled_from(("ffffff", "1a2b3d", "decade", "000000"))
).filter(lambda owner: owner != OWNER)
SERVERS = st.sampled_from(("app-1", "data-1", "decade-1", "ffffff-2", "a-b-3"))
ANY = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.lists(st.text(max_size=4), max_size=2)
)


def carried(kind: Kind, owner: str, server: str) -> dict[str, Any]:
    """What the platform puts on a resource of this owner."""
    if kind is SERVER:
        return {"label": f"codeb-{server}", "tags": ["codeb", owner]}
    if kind is DISK:
        return {"label": names.disk_label(owner, server, MACHINE)}
    if kind is ADDRESS:
        return {"label": f"{owner}-{server}"}
    if kind is SHARE:
        return {"label": f"{owner}-certificates"}
    if kind is DATABASE:
        labels = (managed_names.label(owner), managed_names.valkey_label(owner, len(server)))
        return {"label": labels[len(server) % len(labels)]}
    if kind is OBJECTS:
        return {"label": managed_names.objects_label(owner, "shop")}
    return {kind.label: f"{owner}-0a0b0c0d" if kind is KEY else owner}


def thing(kind: Kind, number: int, data: dict[str, Any]) -> Thing:
    return Thing(kind, f"id-{number}", {"id": f"id-{number}", **data}, "group-1" if kind is RULE else "")


MARKED = [kind for kind in KINDS if kind is not RECORD]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(MARKED), OTHERS, SERVERS), max_size=12))
def test_nothing_of_another_owner_is_ever_in_a_list_of_removals(facts: list[tuple[Kind, str, str]]) -> None:
    things = [
        thing(kind, number, carried(kind, owner, server))
        for number, (kind, owner, server) in enumerate(facts)
    ]
    account = Account({kind: tuple(each for each in things if each.kind is kind) for kind in KINDS})
    found = compare(account, State(), OWNER, "prod", wanted=frozenset())
    assert [each for each in found if each.removal is not Removal.NEVER] == []
    assert all("codeb fleet" not in each.remedy for each in found)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(MARKED), SERVERS)
def test_what_the_platform_marks_is_its_own(kind: Kind, server: str) -> None:
    found = whose(thing(kind, 1, carried(kind, OWNER, server)), OWNER)
    if kind is DISK:
        older = Thing(DISK, "id-1", {"label": f"{OWNER}-{server}"})
        assert whose(older, OWNER) is found
        assert older.role == thing(kind, 1, carried(kind, OWNER, server)).role
    ambiguous = kind in (DISK, ADDRESS) and server == "a-b-3" and found is Whose.UNSURE
    assert found is Whose.OURS or ambiguous


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.sampled_from(MARKED),
    st.dictionaries(st.sampled_from(("label", "tags", "notes", "name", "description")), ANY),
)
def test_labels_of_any_shape_are_no_error_and_nobody_s(kind: Kind, data: dict[str, Any]) -> None:
    account = Account({kind: (thing(kind, 1, data),)})
    found = compare(account, State(), OWNER, "prod", wanted=frozenset())
    assert [each for each in found if each.removal is not Removal.NEVER] == []


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sets(st.sampled_from(KINDS)), SERVERS)
def test_of_what_was_not_asked_nothing_is_said(unasked: set[Kind], server: str) -> None:
    every = {
        kind: (thing(kind, 1, carried(kind, OWNER, server) if kind is not RECORD else {}),) for kind in KINDS
    }
    account = Account(
        {kind: found for kind, found in every.items() if kind not in unasked},
        {kind: "500" for kind in unasked},
    )
    found = compare(account, State(), OWNER, "prod", wanted=frozenset())
    silent = {kind.name for kind in unasked}
    assert {each.what for each in found if each.trouble is Trouble.UNASKED} == silent
    assert all(each.trouble is Trouble.UNASKED for each in found if each.what in silent)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_a_line_is_one_printable_line(label: str, id_: str) -> None:
    data = {"id": id_, "label": label, "tags": ["codeb", OWNER]}
    found = compare(Account({SERVER: (Thing(SERVER, id_, data),)}), State(), OWNER, "prod")
    for line in say(found):
        assert line.isprintable()
