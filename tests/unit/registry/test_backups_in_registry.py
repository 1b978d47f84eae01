"""What the registry says of backups: the data server's word, else what was known."""

from __future__ import annotations

import pytest

from codeb.live import gather
from codeb.registry import with_backups

SAID = {
    "last": "2026-11-24T17:00:00Z", "proven": None, "point_in_time_from": None, "size": 12, "late": False, "problem": "",
}  # fmt: skip


def test_what_the_data_server_says_is_in_the_entry() -> None:
    found = with_backups({"shop": {"id": "shop"}, "blog": {"id": "blog"}}, None, {"shop": SAID | {"more": 1}})
    assert found == {"shop": {"id": "shop", "backup": SAID}, "blog": {"id": "blog"}}


def test_a_silent_data_server_leaves_what_was_known() -> None:
    previous = {"projects": {"shop": {"id": "shop", "backup": SAID}}}
    assert with_backups({"shop": {"id": "shop"}}, previous)["shop"]["backup"] == SAID


@pytest.mark.parametrize("said", [None, "late", {}, SAID | {"size": "12"}, SAID | {"late": None}])
def test_what_has_another_shape_is_no_word(said: object) -> None:
    assert "backup" not in with_backups({"shop": {"id": "shop"}}, None, {"shop": said})["shop"]


def test_all_servers_answers_are_gathered_and_a_wrong_one_is_left_out() -> None:
    answer = {"host": {"time": ""}, "projects": []}
    live = gather(
        {"app1": answer, "db1": answer | {"backups": {"shop": SAID}}, "db2": answer | {"backups": 3}}, {}
    )
    assert live.backups == {"shop": SAID}
