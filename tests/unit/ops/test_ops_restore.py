"""`restore` and `restore undo`: what people read, what the agent is asked for, and exit statuses for scripts."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ops_servers import server

from codeb.ssh import SshTarget
from ops import restore_commands
from ops.access import Server
from ops.backup import listed
from ops.cli import main
from ops.restore import restore, undo
from ops.restore_commands import moment
from ops.ssh import Answer, SshError

APP = server(1)
DATA = Server("db1", "default", server(2).target, holds_data=True)
ID = "20261124T170000Z-00aa"
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


def told(*documents: Mapping[str, Any], problem: str = "") -> Any:
    @contextmanager
    def tell(target: SshTarget, verb: str, document: Mapping[str, Any]) -> Iterator[Telling]:
        assert (target.address, verb) == ("10.0.0.2", "restore")
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
    dry = run({**DONE, "dry_run": True, "of": "2026-11-24T17:00:00Z", "free": 80_000_000_000})
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
    assert not undo("shop", {}, [APP], _answering({})).ok


def _answering(document: Mapping[str, Any], code: int = 0) -> Any:
    def ask(target: SshTarget, verb: str, asked: Mapping[str, Any]) -> Answer:
        assert (target.address, verb) == ("10.0.0.2", "restore-undo")
        return Answer(code, document)

    return ask


def test_an_undo_says_what_it_took_back_and_run_again_that_it_is_done() -> None:
    answer = {
        "ok": True, "changed": True, "what": f"restore of backup {ID}", "before": "shop_db_before_restore",
        "kept_until": "2026-12-04T12:00:00Z", "swap_ms": 9, "held": True,
    }  # fmt: skip
    first = undo("shop", {}, [DATA], _answering(answer))
    assert first.lines == (
        f"shop: restore of backup {ID} is taken back",
        "what it had brought is kept as shop_db_before_restore until 2026-12-04T12:00:00Z",
        "the database was closed for 9 ms, in which requests waited",
    )
    again = undo("shop", {}, [DATA], _answering({**answer, "changed": False}))
    assert again.ok
    assert again.lines[0] == f"shop: restore of backup {ID} is taken back already"


def test_the_list_says_what_a_restore_has_put_aside_and_until_when() -> None:
    kept = {
        "kind": "before", "what": f"restore of backup {ID}", "at": "2026-11-27T12:00:00Z", "by": "ann@laptop",
        "until": "2026-12-04T12:00:00Z",
    }  # fmt: skip

    def lines(**changes: str) -> tuple[str, ...]:
        answer = {
            "ok": True,
            "projects": [{"project": "shop", "stores": [{"store": "here"}], "kept": {**kept, **changes}}],
        }
        return listed("shop", [DATA], lambda *_: Answer(0, answer)).lines

    assert lines()[-1] == (
        f"restore of backup {ID} at 2026-11-27T12:00:00Z by ann@laptop; what was there is kept until 2026-12-04T12:00:00Z "
        "(`codeb restore undo shop`)"
    )
    assert lines(kind="undone")[-1].startswith("taken back at 2026-11-27T12:00:00Z by ann@laptop: ")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-11-27 22:15:30", "2026-11-27T22:15:30Z"),
        ("2026-11-27T22:15:30Z", "2026-11-27T22:15:30Z"),
        ("2026-11-27T22:15:30.25+01:00", "2026-11-27T21:15:30.250000Z"),
        ("2026-11-27 22:15", "2026-11-27T22:15:00Z"),
    ],
)
def test_a_moment_is_in_utc_unless_it_says_otherwise(text: str, found: str) -> None:
    assert moment(text) == found


def test_what_is_no_moment_is_refused() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no moment"):
        moment("yesterday")


STACK = ["--stack", "live"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["shop", *STACK], "say which"),
        (["drop", "shop", "--backup", "newest", *STACK], "list or undo"),
        (["undo", "shop", "--backup", "newest", *STACK], "undo takes no --backup"),
        (["list", "shop", "--dry-run", *STACK], "list takes no --dry-run"),
        (["SHOP;", "--backup", "newest", *STACK], "is not a project id"),
        (["shop", "--backup", "newest", "--scrub", "x.sql", *STACK], "--into OTHER"),
        (["shop", "--backup", "newest", "--into", "shop", *STACK], "another project"),
        (["shop", "--backup", "newest", "--table", "public.a", "--replace", *STACK], "leave out"),
    ],
)
def test_wrong_usage_is_said_before_anybody_is_asked(
    words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["restore", *words]) == 2
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["--backup", "last"],
        ["--at", "now"],
        ["--table", "orders"],
        ["--backup", "newest", "--at", "2026-11-27"],
    ],
)
def test_values_of_another_form_are_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["restore", "shop", *words, *STACK])
    assert caught.value.code == 2


def test_a_copy_names_the_other_database_and_brings_its_scrub_along(tmp_path: Path) -> None:
    scrub = tmp_path / "scrub.sql"
    scrub.write_text("UPDATE users SET mail = '';\n")
    parser = argparse.ArgumentParser()
    restore_commands._arguments(parser)
    words = ["shop", "--backup", ID, "--into", "shop-staging-app", "--scrub", str(scrub), *STACK]
    found = restore_commands._document(parser.parse_args(words), "shop")
    assert found["into"] == {"project": "shop-staging-app", "database": "shop_staging_db"}
    assert found["scrub"] == "UPDATE users SET mail = '';\n"
    assert {key: found[key] for key in ("backup", "replace", "as_admin", "dry_run")} == {
        "backup": ID, "replace": False, "as_admin": False, "dry_run": False,
    }  # fmt: skip
