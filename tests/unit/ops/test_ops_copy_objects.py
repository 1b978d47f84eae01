"""`copy-objects`: what the agent is asked for, and the words of what it answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from ops_servers import server
from ops_telling import Telling

from codeb.ssh import SshTarget
from ops.access import Server
from ops.cli import main
from ops.copy_objects import Wanted, copy_objects
from ops.result import Result

DATA = Server("db1", "default", server(2).target, holds_data=True)
BUCKET = {
    "bucket": "3fa9c1-shop-uploads", "objects": 853, "copied": 13, "size": 6500, "same": 840, "newer": 0, "gone": 0,
    "extra": 0, "removed": 0,
}  # fmt: skip
ANSWER = {
    "ok": True, "end": True, "project": "shop", "to": "managed", "serves": "here", "dry_run": False, "changed": True,
    "buckets": [BUCKET],
}  # fmt: skip
REFUSED = {
    "ok": False, "phase": "look", "cause": "shop has no buckets at Vultr's\x1b[31m Object Storage", "remedy": "write it",
    "log": ["line"],
}  # fmt: skip


def run(
    answer: Mapping[str, Any] | None, *, problem: str = "", **wanted: Any
) -> tuple[Result, list[Mapping[str, Any]], list[str]]:
    asked: list[Mapping[str, Any]] = []
    said: list[str] = []

    @contextmanager
    def tell(target: SshTarget, verb: str, document: Mapping[str, Any]) -> Iterator[Telling]:
        assert (target.address, verb) == ("10.0.0.2", "copy-objects")
        asked.append(document)
        told = {"phase": "copy", "bucket": "3fa9c1-shop-uploads", "objects": 10, "copied": 1, "size": 2048}
        yield Telling([told, *([answer] if answer else [])], problem)

    result = copy_objects(
        Wanted(**{"project": "shop", "to": "managed", "by": "ann@desk", **wanted}),
        [server(1), DATA],
        tell,
        said.append,
    )
    return result, asked, said


def test_what_was_copied_is_told_and_what_is_to_be_done() -> None:
    result, asked, said = run(ANSWER)
    assert result.ok
    assert asked == [
        {
            "version": 1, "project": "shop", "to": "managed", "exact": False, "forget": False, "dry_run": False,
            "by": "ann@desk", "wait_s": 0,
        }
    ]  # fmt: skip
    assert said == ["3fa9c1-shop-uploads: 10 seen, 1 object copied (2.0 kB)"]
    assert result.lines == (
        "3fa9c1-shop-uploads: 13 objects copied (6.5 kB), 840 the same",
        "shop has its buckets at the data server still: write it in codeb:managed.objects.projects, `pulumi up`, "
        "then run this once more",
    )


def test_what_was_left_alone_is_told() -> None:
    bucket = {**BUCKET, "newer": 2, "gone": 3, "extra": 5, "removed": 1, "forgotten": 9}
    result, _, _ = run({**ANSWER, "serves": "managed", "buckets": [bucket]})
    (line, last) = result.lines
    assert line.endswith(
        "840 the same, 2 written there since, left as they are, 3 deleted there since, left out, 4 that are only there, "
        "1 deleted that were only there, 9 removed that were left"
    )
    assert last == "shop has its buckets at Vultr's Object Storage"


def test_a_bucket_that_keeps_browsers_out_is_warned_of() -> None:
    result, _, _ = run({**ANSWER, "buckets": [{**BUCKET, "browsers": False}]})
    assert result.ok
    assert "warning: 3fa9c1-shop-uploads takes no CORS rule" in result.lines[1]


def test_an_update_that_has_not_ended_is_told() -> None:
    result, _, _ = run({**ANSWER, "serves": "managed", "settled": False})
    assert "has not come to its end" in result.lines[-1]


def test_a_dry_run_says_would() -> None:
    result, asked, _ = run(
        {**ANSWER, "to": "here", "serves": "managed", "dry_run": True}, to="here", dry_run=True
    )
    assert asked[0]["dry_run"] is True
    assert "13 objects would be copied" in result.lines[0]
    assert "codeb:managed.objects.prepared" in result.lines[1]


def test_a_refusal_is_said_in_plain_words() -> None:
    result, _, _ = run(REFUSED)
    assert not result.ok
    assert result.problems[0] == "look: shop has no buckets at Vultr's?[31m Object Storage. write it"
    assert result.problems[1] == "  | line"


def test_an_agent_that_is_silent_is_no_success() -> None:
    result, _, _ = run(None, problem="db1 hung up")
    assert not result.ok
    assert "db1 hung up; run the same command again" in result.problems[0]


def test_without_a_data_server_there_is_nothing_to_copy() -> None:
    result = copy_objects(Wanted("shop", "here"), [server(1)], None, print)  # type: ignore[arg-type]
    assert "no server with the role data" in result.problems[0]


@pytest.mark.parametrize("words", [["shop"], ["--to", "managed"], ["shop; reboot", "--to", "here"]])
def test_wrong_words_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["copy-objects", *words])
    assert left.value.code == 2
    assert "usage: codeb copy-objects" in capsys.readouterr().err
