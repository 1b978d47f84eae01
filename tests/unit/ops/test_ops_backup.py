"""`backup` and `restore list`: what people read, and exit statuses for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from ops_servers import server

from codeb.ssh import SshTarget
from ops.access import Server
from ops.backup import backup, listed
from ops.ssh import Answer, SshError
from ops.words import size

APP = server(1)
DATA = Server("db1", "default", server(2).target, holds_data=True)
ID = "20261124T170000Z-00aa"
MADE = {
    "project": "shop", "ok": True, "id": ID, "at": "2026-11-24T17:00:00Z", "size": 12_345_678, "seconds": 3.25,
    "stores": ["here", "second"], "pruned": ["20261116T170000Z-00aa"],
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


def told(*documents: Mapping[str, Any], problem: str = "") -> Any:
    @contextmanager
    def tell(target: SshTarget, verb: str, document: Mapping[str, Any]) -> Iterator[Telling]:
        assert (target.address, verb) == ("10.0.0.2", "backup")
        yield Telling(list(documents), problem)

    return tell


def answering(document: Mapping[str, Any], code: int = 0) -> Any:
    def ask(target: SshTarget, verb: str, asked: Mapping[str, Any]) -> Answer:
        assert (target.address, verb, asked) == ("10.0.0.2", "backups", {"version": 1, "project": "shop"})
        return Answer(code, document)

    return ask


def test_the_data_server_alone_is_asked_and_its_phases_are_told() -> None:
    said: list[str] = []
    phases = [
        {"project": "shop", "phase": "dump", "size": 2_000_000},
        {"project": "shop", "phase": "copy", "store": "second"},
    ]
    answer = {"ok": True, "end": True, "projects": [MADE]}
    result = backup({"version": 1, "project": "shop"}, [APP, DATA], told(*phases, answer), said.append)
    assert said == ["shop: dumps and seals (2.0 MB)", "shop: copies it to second"]
    assert result.lines == (
        f"shop: {ID}, 12.3 MB, 3.2 s, in here and second; 1 backup older than it keeps went",
    )
    assert result.ok
    assert not result.problems


def test_what_failed_is_said_with_what_to_do() -> None:
    failed = {
        "project": "blog",
        "ok": False,
        "phase": "store",
        "cause": "refused\x1b[31m",
        "remedy": "make room",
        "log": [],
    }
    missed = {**MADE, "ok": False, "problem": "not in second: gave no answer in time"}
    answer = {"ok": False, "projects": [failed, missed], "summary": "…"}
    result = backup({}, [DATA], told(answer), print)
    assert not result.ok
    assert result.problems == (
        "blog: store: refused?[31m. make room",
        "shop: not in second: gave no answer in time",
    )
    assert len(result.lines) == 1


def test_a_refusal_of_the_whole_run_is_said() -> None:
    answer = {
        "ok": False,
        "phase": "lock",
        "cause": "restore by eve has been running since …",
        "remedy": "wait",
    }
    result = backup({}, [DATA], told(answer), print)
    assert result.problems == ("lock: restore by eve has been running since …. wait",)


def test_what_a_store_got_later_is_said() -> None:
    result = backup({}, [DATA], told({"ok": True, "projects": [], "caught_up": {"shop": ["second"]}}), print)
    assert result.lines == ("shop: its newest backup is in second now, too",)


def test_nothing_due_is_no_failure() -> None:
    result = backup({}, [DATA], told({"ok": True, "projects": []}), print)
    assert result.lines == ("nothing is due",)


@pytest.mark.parametrize("documents", [[], [{"project": "shop", "phase": "dump"}]])
def test_a_connection_that_breaks_is_no_success(documents: list[Mapping[str, Any]]) -> None:
    result = backup({}, [DATA], told(*documents, problem="the connection broke"), lambda _: None)
    assert not result.ok
    assert result.problems == ("error: db1: the connection broke",)


def test_a_stack_without_a_data_server_has_no_backups() -> None:
    assert not backup({}, [APP], told(), print).ok
    assert not listed("shop", [APP], answering({})).ok


def listing(**changes: Any) -> dict[str, Any]:
    older = {
        "id": "20261123T170000Z-00bb",
        "at": "2026-11-23T17:00:00Z",
        "size": 999,
        "seconds": 1,
        "postgres": "16.14",
    }
    newer = {"id": ID, "at": "2026-11-24T17:00:00Z", "size": 12_345_678, "seconds": 61, "postgres": "16.14"}
    here = {"store": "here", "problem": None, "backups": [newer, older], "wrong": {}, "begun": []}
    second = {"store": "second", "problem": None, "backups": [newer], "wrong": {}, "begun": []}
    project = {
        "project": "shop", "retention_days": 7, "proven": {"id": older["id"], "at": "2026-11-24T03:00:00Z", "seconds": 9},
        "point_in_time_from": "2026-11-20T00:00:00Z", "late": False, "stores": [here, second],
    }  # fmt: skip
    return {"ok": True, "projects": [project | changes]}


def test_backups_are_listed_newest_first_with_proof_and_stores() -> None:
    result = listed("shop", [APP, DATA], answering(listing()))
    assert result.ok
    head, first, second, moment = result.lines
    assert head.split() == ["BACKUP", "OF", "SIZE", "TOOK", "PROVEN", "IN"]
    assert first.split()[:4] == [ID, "2026-11-24T17:00:00Z", "12.3", "MB"]
    assert first.endswith("here, second")
    assert second.split()[-2:] == ["2026-11-24T03:00:00Z", "here"]
    assert moment == "and any moment since 2026-11-20T00:00:00Z"


def test_a_store_that_cannot_be_read_and_what_is_no_backup_are_said() -> None:
    (project,) = listing()["projects"]
    here, second = project["stores"]
    stores = [
        {**here, "wrong": {"20261101T000000Z-0000": "has no dump beside it"}},
        {**second, "problem": "AccessDenied"},
    ]
    result = listed("shop", [DATA], answering(listing(stores=stores)))
    assert result.problems == (
        "here: 20261101T000000Z-0000 is no backup: it has no dump beside it",
        "second: can't be listed from the data server: AccessDenied",
    )
    assert result.ok


def test_a_late_backup_and_stores_that_none_can_read_give_exit_status_1() -> None:
    assert not listed("shop", [DATA], answering(listing(late=True))).ok
    gone = [{"store": "here", "problem": "gone", "backups": [], "wrong": {}}]
    assert not listed("shop", [DATA], answering(listing(stores=gone))).ok


def test_a_project_without_backups_is_said() -> None:
    empty = [{"store": "here", "problem": None, "backups": [], "wrong": {}}]
    result = listed("shop", [DATA], answering(listing(stores=empty, point_in_time_from=None)))
    assert result.lines == ("shop has no backup yet",)


def test_sizes_are_for_people() -> None:
    assert [size(n) for n in (0, 999, 1000, 1_234_567, 123_456_789, 5 * 10**12, -1, "x", None, True)] == [
        "0 B", "999 B", "1.0 kB", "1.2 MB", "123 MB", "5.0 TB", "-", "-", "-", "-",
    ]  # fmt: skip
