"""`restore` and `restore undo`: what people read, what the agent is asked for, and exit statuses for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from ops_restoring import DATA, ID
from ops_servers import server

from codeb.ssh import SshTarget
from ops.backup import listed
from ops.restore import restore, undo
from ops.ssh import Answer, SshError

APP = server(1)
DONE = {
    "ok": True, "end": True, "project": "shop", "database": "shop_db", "what": f"backup {ID}", "size": 2_000_000_000,
    "dry_run": False, "rows": 5000, "swap_ms": 23, "held": True, "before": "shop_db_before_restore",
    "kept_until": "2026-12-04T12:00:00Z", "seconds": 61.5, "warnings": ["extension citext is 1.7 now, and was 1.6"],
}  # fmt: skip


class Telling:
    def __init__(self, documents: list[Mapping[str, Any]], problem: str = "") -> None:
        self._documents, self._problem = documents, problem

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        yield from self._documents
        if self._problem:
            raise SshError(self._problem)

    def end(self) -> None:
        pass


def told(*documents: Mapping[str, Any], problem: str = "", of: str = "restore") -> Any:
    @contextmanager
    def tell(target: SshTarget, verb: str, document: Mapping[str, Any]) -> Iterator[Telling]:
        assert (target.address, verb) == ("10.0.0.2", of)
        yield Telling(list(documents), problem)

    return tell


def run(*documents: Mapping[str, Any], problem: str = "", said: list[str] | None = None) -> Any:
    say = (said if said is not None else []).append
    return restore({"project": "shop"}, [APP, DATA], "live", told(*documents, problem=problem), say)


def test_the_data_server_alone_is_asked_and_its_phases_are_told_with_how_far_it_is() -> None:
    said: list[str] = []
    phases = [
        {"project": "shop", "phase": "room", "size": 2_000_000_000, "free": 80_000_000_000},
        {"project": "shop", "phase": "load", "of": 4_000_000_000},
        {"project": "shop", "phase": "load", "done": 1_000_000_000, "of": 4_000_000_000},
        {"project": "shop", "phase": "swap\x1b"},
    ]
    result = run(*phases, DONE, said=said)
    assert said == [
        "shop: has room for it (2.0 GB, 80.0 GB free)",
        "shop: fills it",
        "shop: fills it: 1.0 GB of 4.0 GB",
        "shop: swap?",
    ]
    assert result.ok
    assert result.lines[0].startswith(f"shop: shop_db is backup {ID} now: 5000 rows, 2.0 GB, ")
    assert result.lines[1:] == (
        "what was there is shop_db_before_restore until 2026-12-04T12:00:00Z",
        "`codeb restore undo shop --stack live` takes this back",
        "the database was closed for 23 ms, in which requests waited",
        "warning: extension citext is 1.7 now, and was 1.6",
    )


def test_where_requests_did_not_wait_it_is_said() -> None:
    assert "requests to other servers may have failed meanwhile" in run({**DONE, "held": False}).lines[3]


def test_a_table_and_a_dry_run_are_told_as_what_they_are() -> None:
    table = run({**DONE, "table": "public.orders_restored", "warnings": []})
    assert table.lines[0].startswith(
        f"shop: public.orders_restored in shop_db has 5000 rows of backup {ID}; "
    )
    dry = run({**DONE, "dry_run": True, "of": "2026-11-24T17:00:00Z", "free": 80_000_000_000, "warnings": []})
    assert dry.lines == (
        f"shop: would become backup {ID} of 2026-11-24T17:00:00Z: about 2.0 GB, and 80.0 GB are free",
    )


def test_a_refusal_says_cause_remedy_log_and_that_nothing_was_changed() -> None:
    refused = {
        "ok": False, "phase": "load", "cause": "pg_restore ended\x1b[31m", "remedy": "say --as-admin",
        "put_back": "nothing was changed", "log": ["permission denied"],
    }  # fmt: skip
    result = run(refused)
    assert not result.ok
    assert result.problems == (
        "shop: load: pg_restore ended?[31m. say --as-admin",
        "  | permission denied",
        "put back: nothing was changed",
    )


@pytest.mark.parametrize("documents", [[], [{"project": "shop", "phase": "swap"}]])
def test_a_connection_that_breaks_is_no_success(documents: list[Mapping[str, Any]]) -> None:
    result = run(*documents, problem="the connection broke")
    assert not result.ok
    assert "db1: the connection broke" in result.problems[0]


def test_a_stack_without_data_has_nothing_to_restore() -> None:
    assert not restore({}, [APP], "live", told(), print).ok
    assert not undo({}, [APP], told(), print).ok


def take_back(*documents: Mapping[str, Any], problem: str = "", said: list[str] | None = None) -> Any:
    say = (said if said is not None else []).append
    return undo({"project": "shop"}, [DATA], told(*documents, problem=problem, of="restore-undo"), say)


def test_an_undo_says_what_it_took_back_and_run_again_that_it_is_done() -> None:
    answer = {
        "ok": True, "project": "shop", "changed": True, "what": f"restore of backup {ID}",
        "before": "shop_db_before_restore",
        "kept_until": "2026-12-04T12:00:00Z", "swap_ms": 9, "held": True,
    }  # fmt: skip
    first = take_back(answer)
    assert first.lines == (
        f"shop: restore of backup {ID} is taken back",
        "what it had brought is kept as shop_db_before_restore until 2026-12-04T12:00:00Z",
        "the database was closed for 9 ms, in which requests waited",
    )
    again = take_back({**answer, "changed": False})
    assert again.ok
    assert again.lines[0] == f"shop: restore of backup {ID} is taken back already"


FILES = {
    "bucket": "shop-files", "run": ID, "at": "2026-11-24T17:00:00Z", "missing": 3, "differ": 2, "extra": 4, "same": 90,
    "size": 5_000_000, "exact": True, "written": 5, "removed": 4, "changed": 0, "kept_until": "2026-12-04T12:00:00Z",
}  # fmt: skip


def test_what_was_done_to_a_bucket_is_said_beside_the_database() -> None:
    result = run(
        {**DONE, "uploads": [FILES, {**FILES, "bucket": "shop-x\x1b", "removed": 0, "kept_until": ""}]}
    )
    assert result.lines[1:3] == (
        "shop-files: 5 objects written (5.0 MB), 4 that came since removed, 90 the same; versions of before are kept until "
        "2026-12-04T12:00:00Z",
        "shop-x?: 5 objects written (5.0 MB), 4 that came since left, 90 the same",
    )


def test_a_dry_run_says_how_many_objects_would_be_written_and_removed() -> None:
    dry = {
        **DONE,
        "dry_run": True,
        "free": 80_000_000_000,
        "warnings": ["x"],
        "uploads": [FILES, {**FILES, "exact": False}],
    }
    head = "  shop-files: 3 missing and 2 other objects would be written (5.0 MB); 4 came since and would"
    assert run(dry).lines[1:] == (
        f"{head} be removed; 90 are the same",
        f"{head} stay; 90 are the same",
        "warning: x",
    )


def test_uploads_alone_are_said_without_a_database() -> None:
    answer = {
        "ok": True,
        "project": "shop",
        "what": "what was saved last",
        "size": 5,
        "seconds": 2,
        "uploads": [FILES],
        "warnings": [],
    }
    result = run(answer)
    assert result.lines[0].startswith("shop: uploads are as of what was saved last now; ")
    assert result.lines[2] == "`codeb restore undo shop --stack live` takes this back"


def test_how_far_uploads_are_is_told() -> None:
    said: list[str] = []
    phase = {"project": "shop", "bucket": "shop-files", "phase": "uploads"}
    run(phase, {**phase, "objects": 5, "of": 9, "done": 1_000_000, "size": 4_000_000}, DONE, said=said)
    take_back({**phase, "phase": "undo", "objects": 0, "of": 1}, said=said)
    assert said == [
        "shop: brings back uploads of shop-files",
        "shop: brings back uploads of shop-files: 5 of 9 objects (1.0 MB of 4.0 MB)",
        "shop: takes back uploads of shop-files: 0 of 1 object",
    ]


def test_an_undo_of_uploads_says_what_it_left_alone_and_what_is_lost() -> None:
    bucket = {"bucket": "shop-files", "back": 1, "removed": 2, "left": 3, "lost": 4}
    result = take_back(
        {"ok": True, "changed": True, "project": "shop", "what": "restore of x", "uploads": [bucket]}
    )
    assert result.lines == (
        "shop: restore of x is taken back",
        "shop-files: 1 object as before, 2 removed, as they were not there, 3 left alone, as the app has changed them "
        "since, 4 can't be: the bucket has their version of before no more",
    )


def test_an_undo_that_is_refused_or_cut_off_is_no_success() -> None:
    refused = take_back({"ok": False, "phase": "find", "cause": "nothing was put aside", "remedy": "look"})
    assert refused.problems == ("shop: find: nothing was put aside. look",)
    assert not refused.ok
    assert "run again" in take_back(problem="the connection broke").problems[0]


def test_the_list_says_of_which_moments_uploads_are_and_what_of_them_can_be_taken_back() -> None:
    runs = [{"id": ID, "at": "2026-11-24T17:00:00Z", "objects": 12, "size": 4_000_000}]
    older = {"id": "20261120T170000Z-00aa", "at": "2026-11-20T17:00:00Z", "objects": 9, "size": 1}
    kept = {
        "bucket": "shop-files",
        "kind": "done",
        "what": "restore of x",
        "at": "A",
        "by": "ann",
        "until": "U",
        "changes": 1,
    }
    notes = [kept, {**kept, "kind": "begun"}, {**kept, "kind": "undone"}]
    stores = [
        {"store": "here", "runs": {"shop-files": [*runs, older]}},
        {"store": "second", "runs": {"shop-files": runs}, "unread": [ID]},
    ]
    project = {
        "project": "shop",
        "stores": stores,
        "kept_uploads": notes,
    }
    lines = listed("shop", [DATA], lambda *_: Answer(0, {"ok": True, "projects": [project]})).lines
    assert lines[-5:] == (
        f"shop-files: 12 objects, 4.0 MB, at 2026-11-24T17:00:00Z ({ID}); 2 lists since 2026-11-20T17:00:00Z",
        "second shows names alone to the server's keys: `--from second --keys FILE` reads it by yours",
        "shop-files: restore of x at A by ann changed 1 object, which can be taken back until U (`codeb restore undo shop`)",
        "shop-files: restore of x at A by ann has begun and not ended; it changed 1 object, which can be taken back until U "
        "(`codeb restore undo shop`)",
        "shop-files: restore of x at A by ann is taken back",
    )
