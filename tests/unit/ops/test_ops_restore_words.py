"""What is typed after `restore`: keys of a store, moments, parts and copies; wrong usage is said before anybody is asked."""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import pytest
from ops_restoring import DATA, ID

from ops import restore_commands
from ops.backup import listed
from ops.cli import main
from ops.restore_commands import moment
from ops.ssh import Answer

KEYS = '{"accessKey": "reader", "secretKey": "hush"}'


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    restore_commands._arguments(parser)
    return parser.parse_args([*words, *STACK])


def test_keys_come_from_a_file_or_standard_input_and_are_the_agents_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(KEYS)
    keys.chmod(0o600)
    wanted = {"access_key": "reader", "secret_key": "hush"}
    words = ("shop", "--backup", "newest", "--from", "second", "--keys")
    assert restore_commands._document(parsed(*words, str(keys)), "shop")["keys"] == wanted
    monkeypatch.setattr("sys.stdin", io.StringIO(KEYS))
    found = restore_commands._document(parsed(*words, "-"), "shop")
    assert (found["from"], found["keys"]) == ("second", wanted)
    monkeypatch.setattr("sys.stdin", io.StringIO(KEYS))
    listing = restore_commands._of_act(
        "list", "shop", parsed("list", "shop", "--from", "second", "--keys", "-")
    )
    assert listing == {"project": "shop", "from": "second", "keys": wanted}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no JSON"),
        ("hush", "is no JSON"),
        ("[]", "is no document of keys"),
        ('{"accessKey": "hush"}', "is no document of keys"),
        ('{"accessKey": "a", "secretKey": "hush", "more": 1}', "is no document of keys"),
        ('{"accessKey": "a", "secretKey": ""}', "secretKey must be a string of one line"),
        ('{"accessKey": "a", "secretKey": "hush\\nhush"}', "secretKey must be a string of one line"),
        ('{"accessKey": 7, "secretKey": "hush"}', "accessKey must be a string of one line"),
    ],
)
def test_keys_of_another_form_are_refused_and_shown_nowhere(
    text: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(text)
    keys.chmod(0o600)
    assert (
        main(["restore", "shop", "--backup", "newest", "--from", "second", "--keys", str(keys), *STACK]) == 2
    )
    said = capsys.readouterr()
    assert why in said.err
    assert "hush" not in said.err + said.out


def test_a_file_of_keys_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["restore", "list", "shop", "--from", "second", "--keys", "/no/such/file", *STACK]) == 2
    assert "/no/such/file can't be read: No such file or directory" in capsys.readouterr().err


def test_an_undo_of_one_part_says_which() -> None:
    found = restore_commands._of_act("undo", "shop", parsed("undo", "shop", "--only", "uploads"))
    assert (found["only"], found["database"]) == ("uploads", "shop_db")


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
        (["shop", "--backup", "newest", "--scrub", "/dev/null", *STACK], "--into OTHER"),
        (["shop", "--backup", "newest", "--into", "lab", "--scrub", "/dev/null", *STACK], "is empty"),
        (["shop", "--backup", "newest", "--into", "lab", "--scrub", "/no/such", *STACK], "can't be read"),
        (["shop", "--backup", "newest", "--into", "shop", *STACK], "another project"),
        (["shop", "--backup", "newest", "--table", "public.a", "--replace", *STACK], "leave out"),
        (
            ["shop", "--backup", "newest", "--objects", "a", "--table", "public.a", *STACK],
            "--table is for a database",
        ),
        (
            ["shop", "--backup", "newest", "--only", "uploads", "--as-admin", *STACK],
            "--as-admin is for a database",
        ),
        (
            ["shop", "--backup", "newest", "--only", "database", "--objects", "a", *STACK],
            "leave out --only database",
        ),
        (["shop", "--backup", "newest", "--objects", "", *STACK], "is empty"),
        (["shop", "--backup", "newest", "--only", "database", "--exact", *STACK], "--exact is for uploads"),
        (["shop", "--backup", "newest", "--keys", "-", *STACK], "say --from second"),
        (["undo", "shop", "--from", "second", *STACK], "undo reads no store elsewhere"),
        (["undo", "shop", "--objects", "a", *STACK], "undo takes no --objects"),
        (["list", "shop", "--only", "uploads", *STACK], "list takes no --only"),
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
    into = {"project": "shop-staging-app", "database": "shop_staging_db", "buckets": "shop-staging-"}
    assert (found["into"], found["buckets"]) == (into, "shop-")
    assert found["scrub"] == "UPDATE users SET mail = '';\n"
    assert {key: found[key] for key in ("backup", "replace", "as_admin", "dry_run")} == {
        "backup": ID, "replace": False, "as_admin": False, "dry_run": False,
    }  # fmt: skip
