"""`upgrade postgres`: what people read, what the agent is asked for, and exit statuses for scripts."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ops_servers import server
from ops_telling import Telling

from codeb.ssh import SshTarget
from ops.access import Server
from ops.cli import main
from ops.upgrade import upgrade
from ops.upgrade_commands import image

DATA = Server("db1", "default", server(2).target, holds_data=True)
NEW = "docker.io/library/postgres:17-alpine"
FACTS = {
    "ok": True, "end": True, "from": 16, "to": 17, "image": NEW, "size": 2_000_000_000, "free": 80_000_000_000,
    "databases": ["blog_db", "postgres", "shop_db", "template1"], "left": ["shop_db_before_restore"],
}  # fmt: skip
DONE = {
    **FACTS, "dry_run": False, "rows": 5000, "read_only_s": 61.5, "switch_s": 4.2, "kept": "/srv/codeb/postgres-16",
    "kept_until": "2026-12-05T12:00:00Z", "warnings": ["blog_db: extension citext is 1.7 now, and was 1.6"],
}  # fmt: skip
BACK = {
    "ok": True, "end": True, "from": 17, "to": 16, "image": "docker.io/library/postgres:16-alpine", "changed": True,
    "lost_from": "2026-11-28T12:00:00Z", "lost_to": "2026-11-28T13:00:00Z", "kept": "/srv/codeb/postgres-17",
    "kept_until": "2026-12-05T13:00:00Z", "backups": {"shop": "20261128T125900Z-00aa"},
}  # fmt: skip


def run(
    document: Mapping[str, Any], *told: Mapping[str, Any], problem: str = "", said: list[str] | None = None
) -> Any:
    @contextmanager
    def tell(target: SshTarget, verb: str, asked: Mapping[str, Any]) -> Iterator[Telling]:
        assert (target.address, verb, asked) == ("10.0.0.2", "upgrade", document)
        yield Telling(list(told), problem)

    say = (said if said is not None else []).append
    return upgrade(document, [server(1), DATA], "live", tell, say)


def test_phases_are_told_with_the_database_and_how_far_it_is() -> None:
    said: list[str] = []
    run(
        {"to": NEW},
        {"phase": "beside", "size": 2_000_000_000, "free": 80_000_000_000},
        {"phase": "dump", "project": "shop"},
        {"phase": "read-only"},
        {"phase": "copy", "database": "shop_db", "done": 1_000_000_000, "of": 1_900_000_000},
        {"phase": "compare", "database": "odd\x1b\n"},
        DONE,
        said=said,
    )
    assert said == [
        "starts the new version beside the live one (2.0 GB, 80.0 GB free)",
        "shop: dumps and seals",
        "lets everybody read only, from now on",
        "shop_db: copies: 1.0 GB of about 1.9 GB",
        "odd? : counts and compares",
    ]


def test_an_upgrade_says_what_was_felt_where_the_old_files_are_and_what_to_set() -> None:
    result = run({"to": NEW}, DONE)
    assert result.document["ok"] is True
    assert result.lines == (
        "PostgreSQL 17 serves: 5000 rows compared",
        "nobody could write for 61.5 s, nor connect for about 4.2 s of it",
        "shop_db_before_restore stays in the old files alone",
        "the files of before are /srv/codeb/postgres-16 until 2026-12-05T12:00:00Z",
        "`codeb upgrade postgres --back --stack live` goes back to them; what is written from now on isn't in them",
        f"now say so in the settings: `pulumi config set --path codeb:images.postgres {NEW} --stack live`; until then "
        "an update that changes this server is refused, after it nothing restarts",
        "warning: blog_db: extension citext is 1.7 now, and was 1.6",
    )


def test_a_dry_run_says_what_would_come_along() -> None:
    result = run({"to": NEW, "dry_run": True}, {**FACTS, "dry_run": True, "warnings": []})
    assert result.lines[0] == (
        "PostgreSQL 16 would become 17: blog_db, postgres, shop_db, template1; 2.0 GB, and 80.0 GB are free"
    )


def test_the_way_back_says_what_is_not_in_it_and_which_backups_have_it() -> None:
    lines = run({"back": True}, BACK).lines
    assert lines[:3] == (
        "PostgreSQL 16 serves, with what it had; what was written from 2026-11-28T12:00:00Z to 2026-11-28T13:00:00Z "
        "is not in it",
        "that is in /srv/codeb/postgres-17, until 2026-12-05T13:00:00Z, and in these backups, which only PostgreSQL 17 "
        "reads:",
        "shop: backup 20261128T125900Z-00aa",
    )
    assert "postgres:16-alpine" in lines[3]
    alone = run({"back": True}, {**BACK, "backups": {}}).lines
    assert alone[1] == "that is in /srv/codeb/postgres-17, until 2026-12-05T13:00:00Z alone"
    again = run({"back": True}, {**BACK, "changed": False}).lines
    assert "serves already" in again[0]


def test_forgetting_says_that_there_is_no_way_back() -> None:
    removed = {"ok": True, "end": True, "removed": "/srv/codeb/postgres-16"}
    assert run({"forget": True}, removed).lines == (
        "/srv/codeb/postgres-16 is removed: there is no way back any more",
    )


def test_a_refusal_has_cause_remedy_log_and_what_serves() -> None:
    refused = {
        "ok": False, "phase": "extensions", "cause": "it lacks what is used: shop_db: extension postgis",
        "remedy": "name an image that has it", "log": ["ERROR: x"], "put_back": "nothing was changed",
    }  # fmt: skip
    result = run({"to": NEW}, refused)
    assert result.document["ok"] is False
    assert result.problems == (
        "extensions: it lacks what is used: shop_db: extension postgis. name an image that has it",
        "  | ERROR: x",
        "put back: nothing was changed",
    )


def test_a_connection_that_breaks_says_that_the_host_ends_it() -> None:
    result = run({"to": NEW}, {"phase": "read-only"}, problem="the connection was lost")
    assert "the host ends by itself what was begun" in result.problems[0]
    nowhere = upgrade({}, [server(1)], "live", None, print)  # type: ignore[arg-type]
    assert "no server with the role data" in nowhere.problems[0]


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("postgres:17-alpine", NEW),
        ("team/postgres:17", "docker.io/team/postgres:17"),
        ("ghcr.io/team/postgres:17", "ghcr.io/team/postgres:17"),
        ("localhost/lab/postgres:17", "localhost/lab/postgres:17"),
        (f"{NEW}@sha256:{'a' * 64}", f"{NEW}@sha256:{'a' * 64}"),
    ],
)
def test_a_short_name_is_docker_hubs(text: str, made: str) -> None:
    assert image(text) == made


@pytest.mark.parametrize(
    "text", ["postgres", "", "postgres:17; reboot", "--privileged", "postgres:17\nImage=x", "$(id):1"]
)
def test_what_is_no_image_never_gets_to_the_host(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        image(text)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--to", "postgres:17", "--back"],
        ["--back", "--dry-run"],
        ["--forget", "--empty-unlogged"],
        ["--to", "postgres:17", "--without-backup"],
        ["--to", "postgres"],
    ],
)
def test_what_does_not_go_together_is_wrong_usage(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        status = main(["upgrade", "postgres", *arguments, "--stack", "live"])
    except SystemExit as end:
        status = int(str(end.code))
    assert status == 2
    assert capsys.readouterr().err
