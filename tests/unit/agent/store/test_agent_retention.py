"""Which backups may go: rules that hold for every set of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from agent.store.backups import Backup, new_id
from agent.store.retention import may_go

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def made(hours_ago: int) -> Backup:
    at = NOW - timedelta(hours=hours_ago)
    text = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    return Backup(new_id(at, "0000"), "shop", "shop_db", text, 1, 1, "", "", "16.14", "", "")


def test_those_older_than_the_retention_go_and_the_oldest_first() -> None:
    found = may_go([made(hours) for hours in (24, 0, 200, 168, 169)], 7)
    assert [backup.id for backup in found] == [made(200).id, made(169).id]


def test_when_no_more_are_made_none_goes() -> None:
    assert may_go([made(24 * 365), made(24 * 364)], 7) == []


def test_the_newest_proven_one_stays_whatever_its_age() -> None:
    old, older = made(1000), made(2000)
    assert may_go([made(0), old, older], 7, {old.id, older.id}) == [older]


@given(st.sets(st.integers(0, 10_000)), st.integers(1, 3650), st.sets(st.integers(0, 10_000)))
def test_the_newest_stays_and_nothing_younger_than_the_retention_goes(
    ages: set[int], days: int, proofs: set[int]
) -> None:
    backups = [made(age) for age in ages]
    gone = may_go(backups, days, {made(age).id for age in proofs})
    if ages:
        assert made(min(ages)) not in gone
        assert all((made(min(ages)).moment - backup.moment).days >= days for backup in gone)
