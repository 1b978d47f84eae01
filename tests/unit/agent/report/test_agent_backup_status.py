"""What `status` and `doctor` say of backups, from what the host remembers."""

from __future__ import annotations

import io
import json
from typing import Any

from agent import cli
from agent.host import paths
from agent.host.ports import Result
from agent.store.record import BackupRecord, Kept, Made, Missed, Proof, note, read_backup_record
from tests.unit.agent.fakes.host import EPOCH, FakeHost
from tests.unit.agent.store.sealing import install

LAST = Made("20261123T035500Z-00aa", "2026-11-23T03:55:00Z", 1234, 2.5, ("here",))
TIMER = "systemctl show --timestamp=unix --property=Id,ActiveState,LastTriggerUSec codeb-backup-shop.timer"


def data_server(trigger: str = "", state: str = "active") -> FakeHost:
    host = FakeHost()
    install(host)
    host.answers[TIMER] = Result(
        0, f"LastTriggerUSec={trigger}\nId=codeb-backup-shop.timer\nActiveState={state}\n"
    )
    return host


def ask(host: FakeHost, verb: str) -> dict[str, Any]:
    out = io.StringIO()
    cli.run(host.ports(), verb, "{}", out, io.StringIO(), "root")
    return dict(json.loads(out.getvalue()))


def said(host: FakeHost) -> dict[str, Any]:
    return dict(ask(host, "status")["backups"]["shop"])


def test_a_server_that_backs_nothing_up_says_nothing() -> None:
    assert "backups" not in ask(FakeHost(), "status")


def test_the_newest_backup_its_proof_and_the_first_moment_are_told() -> None:
    host = data_server(f"@{EPOCH - 600:.0f}")
    proof = Proof(LAST.id, "2026-11-23T03:59:00Z", 12)
    note(host.ports(), "shop", last=LAST, proven=proof, point_in_time_from="2026-11-20T00:00:00Z")
    assert said(host) == {
        "last": LAST.at, "proven": proof.at, "point_in_time_from": "2026-11-20T00:00:00Z", "size": 1234, "late": False,
        "kept": None, "problem": "",
    }  # fmt: skip


def test_before_the_first_time_nothing_is_late() -> None:
    assert said(data_server())["late"] is False


def test_a_backup_is_late_when_none_came_for_long_after_its_timer_went_off() -> None:
    host = data_server(f"@{EPOCH - 7 * 3600:.0f}")
    assert said(host)["late"] is False
    host.time += 2 * 3600
    assert said(host)["late"] is True
    note(host.ports(), "shop", last=Made(LAST.id, "2026-11-22T21:00:00Z", 1, 1, ("here",)))
    assert said(host)["late"] is False


def test_a_failure_is_told_until_the_next_good_backup_and_doctor_says_what_to_do() -> None:
    host = data_server(f"@{EPOCH:.0f}")
    note(host.ports(), "shop", failed=Missed("2026-11-23T04:00:00Z", "store", "the bucket is full"))
    assert said(host)["problem"] == "failed at 2026-11-23T04:00:00Z in store: the bucket is full"
    assert any("shop: its backup failed" in each["what"] for each in ask(host, "doctor")["problems"])
    note(host.ports(), "shop", last=LAST, failed=None)
    assert said(host)["problem"] == ""
    assert not any("backup" in each["what"] for each in ask(host, "doctor")["problems"])


def test_a_timer_that_does_not_run_is_a_problem() -> None:
    assert "timer that does not run" in said(data_server(state="inactive"))["problem"]


def test_settings_that_cannot_be_read_leave_status_whole() -> None:
    host = data_server()
    host.put(paths.BACKUP_SETTINGS, "{")
    assert "backups" not in ask(host, "status")


def test_a_record_that_cannot_be_read_is_begun_anew() -> None:
    host = data_server()
    host.put(f"{paths.BACKUPS}/shop.json", '{"version": 1, "last": 3}')
    assert read_backup_record(host.ports(), "shop") == BackupRecord()
    assert note(host.ports(), "shop", last=LAST) == read_backup_record(host.ports(), "shop")


def test_a_backup_that_was_not_proven_is_told_with_what_tries_it_again() -> None:
    host = data_server(f"@{EPOCH - 600:.0f}")
    missed = Missed("2026-11-23T03:10:00Z", "damaged", "a byte is another one")
    note(host.ports(), "shop", last=LAST, unproven=missed)
    assert said(host)["problem"] == "was not proven at 2026-11-23T03:10:00Z: damaged: a byte is another one"
    (problem,) = [each for each in ask(host, "doctor")["problems"] if "proven" in each["what"]]
    assert "codeb prove shop" in problem["remedy"]


def test_a_proof_that_does_not_come_for_days_is_told() -> None:
    host = data_server(f"@{EPOCH - 600:.0f}")
    note(host.ports(), "shop", last=LAST, unproven_since=LAST.at)
    assert said(host)["problem"] == ""
    host.time += 3 * 86_400
    words = "was not proven: none was restored and compared since 2026-11-23T03:55:00Z"
    assert said(host)["problem"] == words


def test_what_went_wrong_with_a_backup_itself_comes_first() -> None:
    host = data_server(f"@{EPOCH - 600:.0f}")
    missed = Missed("2026-11-23T03:10:00Z", "damaged", "a byte is another one")
    note(host.ports(), "shop", last=LAST, failed=missed, unproven=missed)
    assert said(host)["problem"].startswith("failed at ")


KEPT = Kept("restore of backup x", "2026-11-23T03:00:00Z", "2026-11-30T03:00:00Z", 3 << 20, undone=False)


def test_what_a_restore_has_put_aside_is_told_until_when_and_how_large_and_is_nothing_wrong() -> None:
    host = data_server(f"@{EPOCH - 600:.0f}")
    assert ask(host, "doctor")["put_aside"] == []
    problems = ask(host, "doctor")["problems"]
    note(host.ports(), "shop", last=LAST, kept=KEPT)
    assert said(host)["kept"] == {
        "what": KEPT.what, "at": KEPT.at, "until": KEPT.until, "size": 3 << 20, "undone": False,
    }  # fmt: skip
    found = ask(host, "doctor")
    line = "shop: restore of backup x at 2026-11-23T03:00:00Z has put 3 MiB aside until 2026-11-30T03:00:00Z"
    assert found["put_aside"] == [line]
    assert line in found["summary"]
    assert found["problems"] == problems


def test_what_was_put_aside_and_should_have_gone_is_a_problem() -> None:
    host = data_server(f"@{EPOCH - 600:.0f}")
    note(host.ports(), "shop", last=LAST, kept=KEPT)
    host.time += 8 * 86_400
    assert "put aside was to go" not in str(ask(host, "doctor")["problems"])
    host.time += 2 * 86_400
    (found,) = [each for each in ask(host, "doctor")["problems"] if "was to go at" in each["what"]]
    assert found["what"] == "shop: what restore of backup x has put aside was to go at 2026-11-30T03:00:00Z"
    assert "`codeb backup shop` drops it" in found["remedy"]


def test_a_record_of_before_knows_of_nothing_that_is_put_aside() -> None:
    host = data_server()
    note(host.ports(), "shop", last=LAST, kept=KEPT)
    path = next(path for path in host.files if path.endswith("backups/shop.json"))
    old = json.loads(host.tell(path) or "")
    del old["kept"]
    host.put(path, json.dumps(old))
    assert read_backup_record(host.ports(), "shop").last == LAST
    assert read_backup_record(host.ports(), "shop").kept is None
