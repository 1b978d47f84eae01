"""The mirror of buckets on stores in memory, with the real age and zstd: what is kept, what comes back, what goes."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent import cli
from agent.host import paths
from agent.host.ports import Result
from agent.host.s3 import Object, Place, StoreError
from agent.store.record import read_backup_record
from agent.store.sealed import Damaged
from agent.store.settings import load_settings
from agent.uploads import back, runs
from agent.uploads.entries import Entry, from_lines
from agent.uploads.mirror import Mirrored, mirrored
from agent.uploads.prune import pruned
from agent.uploads.runs import Run
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import HERE, SECOND, host_with_key, install, needs_age

pytestmark = needs_age
DAY = 86_400
WHAT = ("shop", "shop-files")
FILES = replace(HERE, bucket="shop-files")
BACK = replace(HERE, bucket="shop-files-back")
HOSTILE = 'faces/ü "x"\n\\ #?%2F.png'
SHOP: dict[str, Any] = {
    "id": "shop", "database": None, "buckets": ["shop-files"], "retention_days": 7, "point_in_time": False,
}  # fmt: skip


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    found = host_with_key(tmp_path)
    install(found, projects=[SHOP])
    found.answers["systemctl show --timestamp=unix --property=Id,ActiveState,LastTriggerUSec "
                  "codeb-backup-shop.timer"] = Result(0, "Id=codeb-backup-shop.timer\nActiveState=active\n")  # fmt: skip
    found.s3.versions_of["shop-files"] = []
    return found


def put(host: FakeHost, key: str, body: bytes, **headers: str) -> None:
    host.s3.upload(FILES, key, [body], 0, {name.replace("_", "-"): value for name, value in headers.items()})


def mirror(host: FakeHost) -> Mirrored:
    run = mirrored(host.ports(), load_settings(host.ports()), *WHAT)
    while True:
        try:
            next(run)
        except StopIteration as end:
            host.time += 1
            return end.value  # type: ignore[no-any-return]


def objects_at(host: FakeHost, place: Place = HERE) -> list[str]:
    return [found.key for found in host.s3.objects(place, "uploads/shop/shop-files/objects/")]


def puts(host: FakeHost) -> int:
    """How many versions the store has of all contents."""
    return sum("/objects/" in found.key for found, _ in host.s3.versions_of["backup"])


def restored(host: FakeHost, run: Run, place: Place = HERE) -> dict[str, bytes]:
    entries = runs.entries(host.ports(), place, run)
    return {entry.key: b"".join(back.content(host.ports(), place, run, entry)) for entry in entries}


def flip(host: FakeHost, key: str) -> None:
    content = host.s3.content("backup", key)
    host.s3.put(HERE, key, content[:-1] + bytes([content[-1] ^ 1]))


def test_every_object_comes_back_with_what_http_says_of_it(host: FakeHost) -> None:
    put(host, HOSTILE, b"face", content_type="image/png", x_amz_meta_owner="7")
    put(host, "empty", b"")
    made = mirror(host)
    assert (made.run.objects, made.run.size, made.run.added, made.stores) == (2, 4, 2, ("here", "second"))
    entries = runs.entries(host.ports(), SECOND, made.run)
    told = [entry.key for entry in back.brought_back(host.ports(), SECOND, made.run, entries, BACK)]
    assert sorted(told) == sorted([HOSTILE, "empty"])
    assert host.s3.content("shop-files-back", HOSTILE) == b"face"
    head = host.s3.head(BACK, HOSTILE)
    assert head
    assert head.headers == {"content-type": "image/png", "x-amz-meta-owner": "7"}


def test_neither_names_nor_contents_can_be_read_in_a_store(host: FakeHost) -> None:
    put(host, "letters/of-a-client.pdf", b"very private indeed")
    mirror(host)
    for bucket in ("backup", "elsewhere"):
        for found, body in host.s3.versions_of[bucket]:
            shown = found.key.encode() + body
            assert b"client" not in shown
            assert b"very private" not in shown


def test_a_later_run_brings_only_what_is_new(host: FakeHost) -> None:
    put(host, "a", b"first")
    put(host, "b", b"stays")
    mirror(host)
    before = puts(host)
    put(host, "a", b"second")
    put(host, "c", b"new")
    made = mirror(host)
    assert (made.run.objects, made.run.added) == (3, 2)
    assert puts(host) == before + 2
    assert restored(host, made.run) == {"a": b"second", "b": b"stays", "c": b"new"}


def test_what_was_overwritten_or_deleted_comes_back_from_an_earlier_run(host: FakeHost) -> None:
    put(host, "a", b"first")
    put(host, "b", b"gone")
    first = mirror(host)
    put(host, "a", b"second")
    host.s3.delete(FILES, "b")
    second = mirror(host)
    assert restored(host, first.run) == {"a": b"first", "b": b"gone"}
    assert restored(host, second.run, SECOND) == {"a": b"second"}


def test_deletions_stay_for_the_retention_and_what_is_still_there_for_ever(host: FakeHost) -> None:
    settings = load_settings(host.ports())
    put(host, "old", b"kept for years")
    put(host, "deleted", b"was deleted")
    first = mirror(host)
    host.s3.delete(FILES, "deleted")
    mirror(host)
    host.time += 6 * DAY
    mirror(host)
    assert pruned(host.ports(), settings, WHAT, 7) == ([], 0, "")
    assert restored(host, first.run)["deleted"] == b"was deleted"
    host.time += 2 * DAY
    last = mirror(host)
    gone, contents, warning = pruned(host.ports(), settings, WHAT, 7)
    assert (len(gone), contents, warning) == (2, 1, "")
    assert restored(host, last.run) == {"old": b"kept for years"}
    assert len(objects_at(host)) == 1
    assert len(objects_at(host, SECOND)) == 2, "the second place keeps what it was given"


def test_when_no_more_runs_are_made_none_goes(host: FakeHost) -> None:
    put(host, "a", b"x")
    mirror(host)
    host.time += 400 * DAY
    assert pruned(host.ports(), load_settings(host.ports()), WHAT, 1) == ([], 0, "")


def test_a_list_that_can_not_be_read_lets_nothing_go(host: FakeHost) -> None:
    put(host, "a", b"x")
    first = mirror(host)
    host.s3.delete(FILES, "a")
    host.time += 5 * DAY
    second = mirror(host)
    host.time += 5 * DAY
    mirror(host)
    flip(host, runs.list_key(*WHAT, second.run.id))
    deleted = len(host.s3.deleted)
    gone, contents, warning = pruned(host.ports(), load_settings(host.ports()), WHAT, 7)
    assert (gone, contents) == ([], 0)
    assert "not all that may go went" in warning
    assert len(host.s3.deleted) == deleted
    assert restored(host, first.run) == {"a": b"x"}


def test_a_run_whose_document_is_damaged_lets_nothing_go_that_it_may_name(host: FakeHost) -> None:
    put(host, "a", b"x")
    mirror(host)
    host.time += 5 * DAY
    put(host, "between", b"was there for a day")
    second = mirror(host)
    host.s3.delete(FILES, "between")
    host.time += 5 * DAY
    mirror(host)
    kept = objects_at(host)
    flip(host, runs.document_key(*WHAT, second.run.id))
    gone, contents, warning = pruned(host.ports(), load_settings(host.ports()), WHAT, 7)
    assert (gone, contents) == ([], 0)
    assert second.run.id in warning
    assert objects_at(host) == kept
    assert restored(host, second.run, SECOND)["between"] == b"was there for a day"
    host.time += 8 * DAY
    mirror(host)
    gone, contents, warning = pruned(host.ports(), load_settings(host.ports()), WHAT, 7)
    assert (len(gone), contents, warning) == (2, 1, ""), "once it is too old it holds nothing back"


def test_a_second_place_that_was_away_gets_all_that_it_has_missed_with_the_next_run(host: FakeHost) -> None:
    put(host, "a", b"x")
    host.s3.refuses["elsewhere"] = StoreError("unreachable", "elsewhere gave no answer in time")
    first = mirror(host)
    assert (first.stores, dict(first.missed)) == (
        ("here",),
        {"second": "elsewhere gave no answer in time"},
    )
    del host.s3.refuses["elsewhere"]
    made = mirror(host)
    assert made.stores == ("here", "second")
    assert restored(host, made.run, SECOND) == {"a": b"x"}


def test_a_second_place_that_lets_nobody_read_is_written_to_all_the_same(host: FakeHost) -> None:
    host.s3.put_only.add("elsewhere")
    put(host, "a", b"x")
    for _ in range(2):
        assert mirror(host).stores == ("here", "second")
    assert sum("/objects/" in found.key for found, _ in host.s3.versions_of["elsewhere"]) == 1


def test_a_run_that_was_killed_is_no_run_and_what_it_brought_is_not_brought_again(host: FakeHost) -> None:
    contents = {f"{number}": b"content %d" % number for number in range(3)}
    for key, body in contents.items():
        put(host, key, body)
    upload = host.s3.upload

    def killed(place: Place, *arguments: Any, **named: Any) -> Any:
        if puts(host) == 2:
            raise KeyboardInterrupt
        return upload(place, *arguments, **named)

    host.s3.versions_of["backup"] = []
    host.s3.upload = killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        mirror(host)
    host.s3.upload = upload  # type: ignore[method-assign]
    assert not runs.listed(host.ports(), HERE, *WHAT).runs
    assert restored(host, mirror(host).run) == contents
    assert puts(host) == 3


def test_what_a_killed_run_left_damaged_is_brought_again(host: FakeHost) -> None:
    put(host, "a", b"content")
    made = mirror(host)
    (key,) = objects_at(host)
    flip(host, key)
    for name in (runs.document_key(*WHAT, made.run.id), runs.list_key(*WHAT, made.run.id)):
        for found in list(host.s3.versions(HERE, name)):
            host.s3.delete(HERE, name, found.version)
    assert restored(host, mirror(host).run) == {"a": b"content"}


def test_the_next_run_is_whole_though_the_list_of_the_last_is_damaged(host: FakeHost) -> None:
    put(host, "a", b"content")
    made = mirror(host)
    before = puts(host)
    flip(host, runs.list_key(*WHAT, made.run.id))
    assert restored(host, mirror(host).run) == {"a": b"content"}
    assert puts(host) == before


def test_a_damaged_content_is_not_written_over_what_is_there(host: FakeHost) -> None:
    put(host, "a", b"content")
    made = mirror(host)
    (key,) = objects_at(host)
    flip(host, key)
    host.s3.put(BACK, "a", b"what is there")
    entries = runs.entries(host.ports(), HERE, made.run)
    with pytest.raises(Damaged, match="can't be opened"):
        list(back.brought_back(host.ports(), HERE, made.run, entries, BACK))
    assert host.s3.content("shop-files-back", "a") == b"what is there"


def test_a_content_that_was_swapped_for_another_of_the_same_key_is_found(host: FakeHost) -> None:
    put(host, "a", b"content of a")
    put(host, "b", b"content of b")
    made = mirror(host)
    one, other = objects_at(host)
    host.s3.put(HERE, one, host.s3.content("backup", other))
    with pytest.raises(Damaged, match="SHA-256"):
        restored(host, made.run)


def test_a_run_that_another_stack_wrote_is_none(host: FakeHost, tmp_path: Path) -> None:
    put(host, "a", b"x")
    (tmp_path / "other").mkdir()
    stranger = host_with_key(tmp_path / "other", bytes(32))
    install(stranger, projects=[SHOP])
    stranger.s3 = host.s3
    made = mirror(stranger)
    found = runs.listed(host.ports(), HERE, *WHAT)
    assert not found.runs
    assert "was not written with this stack's key" in found.wrong[made.run.id]


def test_an_object_that_goes_for_good_while_the_run_looks_is_left_out(host: FakeHost) -> None:
    put(host, "a", b"x")
    put(host, "b", b"y")
    head = host.s3.head

    def gone(place: Place, key: str, version: str = "") -> Object | None:
        if key == "a":
            host.s3.delete(place, key, version)
        return head(place, key, version)

    host.s3.head = gone  # type: ignore[method-assign]
    made = mirror(host)
    assert (made.run.objects, made.vanished) == (1, 1)


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"{}",
        b"null",
        b'["a", "../../x", 1, "", "", {}, ""]',
        b'["a", 7, 1, "", "", {}, ""]',
        b"\xff",
        b'["a", "", 1, "", "", [], ""]',
    ],
)
def test_a_list_that_says_something_else_is_damaged(line: bytes) -> None:
    with pytest.raises(Damaged):
        list(from_lines([line + b"\n"]))


def test_lines_are_read_however_they_come_in_pieces() -> None:
    entries = [Entry(HOSTILE, "0" * 64, 1, "t", "s", {"a": "b"}), Entry("b", "1" * 64, 2, "t", "s")]
    text = b"".join(entry.line() for entry in entries)
    for size in (1, 7, len(text)):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        assert list(from_lines(pieces)) == entries
    with pytest.raises(Damaged, match="within a line"):
        list(from_lines([text[:-1]]))


def ask(host: FakeHost, verb: str, **document: object) -> dict[str, Any]:
    out = io.StringIO()
    cli.run(host.ports(), verb, json.dumps(document), out, io.StringIO(), "admin@10.0.0.1")
    return dict(json.loads(out.getvalue().splitlines()[-1]))


def test_a_project_without_a_database_is_backed_up_by_its_uploads(host: FakeHost) -> None:
    put(host, "a", b"x")
    answer = ask(host, "backup", project="shop")
    assert answer["ok"], answer
    uploads = answer["projects"][0]["uploads"]
    assert (uploads["objects"], uploads["added"], uploads["stores"]) == (1, 1, ["here", "second"])
    record = read_backup_record(host.ports(), "shop")
    assert record.uploads
    assert record.saved_at == record.uploads.at
    status = ask(host, "status")["backups"]["shop"]
    assert (status["last"], status["size"], status["problem"]) == (record.uploads.at, 1, "")
    assert ask(host, "backups")["projects"][0]["uploads"]["objects"] == 1


def test_a_bucket_that_can_not_be_read_is_said_and_remembered(host: FakeHost) -> None:
    host.s3.refuses["shop-files"] = StoreError(
        "refused", "shop-files refused with AccessDenied", "AccessDenied"
    )
    target = {"kind": "slack", "url": "https://hooks.example.com/x"}
    host.put(paths.NOTIFY, json.dumps({"version": 1, "stack": "live", "webhooks": [target], "sentry": None}))
    answer = ask(host, "backup", project="shop")
    assert not answer["ok"]
    assert answer["summary"] == "shop: uploads: shop-files refused with AccessDenied"
    failed = read_backup_record(host.ports(), "shop").failed
    assert failed
    assert (failed.phase, failed.cause) == ("uploads", "shop-files refused with AccessDenied")
    assert [path for path in host.files if path.startswith(paths.OUTBOX)]


def test_prune_lets_go_of_uploads_too(host: FakeHost) -> None:
    put(host, "a", b"x")
    ask(host, "backup", project="shop")
    host.s3.delete(FILES, "a")
    host.time += 8 * DAY
    mirror(host)
    assert ask(host, "prune")["objects"] == {"shop": 1}
