"""What the second place can: asked, remembered, said; and nothing is locked where nothing can be."""

from __future__ import annotations

import json

import pytest

from agent.host import paths
from agent.host.s3 import Features, StoreError
from agent.report.backups import backup_problems
from agent.store.ability import lacks, looked_at, remembered
from agent.store.settings import Settings, load_settings
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import install, settings

GOOD = Features(versions=True, locks=True, deletes=False)


def host_with(found: Features | None, lock_days: int = 30) -> FakeHost:
    host = FakeHost()
    here, second = settings()["stores"]
    install(host, stores=[here, {**second, "lock_days": lock_days}])
    if found is not None:
        host.s3.features_of["elsewhere"] = found
    return host


def looked(host: FakeHost) -> Settings:
    return looked_at(host.ports(), load_settings(host.ports()))


def locked_for(found: Settings) -> list[int]:
    return [store.place.lock_days for store in found.stores]


def said(host: FakeHost) -> str:
    return "\n".join(lack.what for lack in lacks(host.ports(), load_settings(host.ports())))


def test_a_place_with_versions_and_lock_that_lets_nobody_delete_lacks_nothing() -> None:
    host = host_with(GOOD)
    assert locked_for(looked(host)) == [0, 30]
    assert said(host) == ""


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Features(False, True, False), "second: it keeps no versions"),
        (Features(None, True, False), "second: it doesn't say whether it keeps versions"),
        (Features(True, True, True), "second: it lets these keys delete what is there"),
        (Features(True, False, False), "second: it has no object lock: nothing is locked there"),
        (
            Features(True, None, False),
            "second: it doesn't say whether it has object lock: nothing is locked there",
        ),
    ],
)
def test_what_it_lacks_is_said_by_doctor(found: Features, words: str) -> None:
    host = host_with(found)
    assert locked_for(looked(host)) == [0, 30 if found.locks else 0]
    assert said(host) == words
    assert [problem.what for problem in backup_problems(host.ports()) if "second" in problem.what] == [
        f"backups, store {words}"
    ]


def test_no_lock_is_missed_where_none_is_asked_for() -> None:
    host = host_with(Features(True, False, False), lock_days=0)
    looked(host)
    assert said(host) == ""


def test_a_place_that_is_away_can_what_it_could_last() -> None:
    host = host_with(GOOD)
    looked(host)
    host.s3.refuses["elsewhere"] = StoreError("unreachable", "gave no answer in time")
    assert locked_for(looked(host)) == [0, 30]


def test_a_place_that_never_answered_gets_nothing_locked_and_nothing_is_said_of_it() -> None:
    host = host_with(GOOD)
    host.s3.refuses["elsewhere"] = StoreError("unreachable", "gave no answer in time")
    assert locked_for(looked(host)) == [0, 0]
    assert said(host) == ""


def test_what_is_remembered_has_no_key_and_a_damaged_file_is_begun_anew() -> None:
    host = host_with(GOOD)
    host.put(paths.SECOND_PLACE, "{oops")
    assert locked_for(looked(host)) == [0, 30]
    text = host.tell(paths.SECOND_PLACE)
    assert json.loads(text)["stores"] == {
        "https://s3.example.com/elsewhere": {"versions": True, "locks": True, "deletes": False}
    }
    assert "put-only" not in text


def test_who_has_no_time_asks_only_what_nobody_has_asked_before() -> None:
    host = host_with(GOOD)
    assert locked_for(remembered(host.ports(), load_settings(host.ports()))) == [0, 30]
    host.s3.features_of["elsewhere"] = Features(True, False, False)
    assert locked_for(remembered(host.ports(), load_settings(host.ports()))) == [0, 30]
    assert locked_for(looked(host)) == [0, 0]
    assert locked_for(remembered(host.ports(), load_settings(host.ports()))) == [0, 0]
