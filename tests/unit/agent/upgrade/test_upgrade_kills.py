"""An upgrade, a way back, and what ends them, killed or failing at every single effect, once and twice."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Generator
from typing import Any

import pytest

from agent import cli
from agent.backup.snapshot import Image
from agent.host import paths
from agent.host.ports import Result
from agent.report.upgrade_problems import of_upgrade
from agent.upgrade import beside, copies, last_wal, look, settle, turnover, upgrade
from agent.upgrade.look import Database, Found
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.store.sealing import settings

OLD, NEW = "docker.io/library/postgres:16-alpine", "docker.io/library/postgres:17-alpine"
MAJORS = {OLD: 16, NEW: 17}
UNIT = "[Container]\nImage={}\nPull=missing\n"
LIVE, ROWS = paths.POSTGRES, "base/rows"
FOUND = Found(16, "1", 0, (), (), (), (), (Database("shop_db", "shop", 1 << 20, True),))


class Server(FakeHost):
    """A data server: PostgreSQL runs when its unit's image fits its files, and what looks at it looks at those."""

    def __init__(self) -> None:
        super().__init__(images={OLD: App(), NEW: App()})
        self.put(f"{LIVE}/PG_VERSION", "16\n")
        self.put(f"{LIVE}/{ROWS}", "of 16")
        self.put(paths.POSTGRES_UNIT, UNIT.format(OLD))
        self.put(paths.BACKUP_SETTINGS, json.dumps(settings(projects=[]), indent=1) + "\n", 0o600)
        self.broken = 0
        self.reads_only = False
        started, podman = self.systemd._start_service, self.podman.podman

        def start(service: str) -> Result:
            if service != paths.POSTGRES_SERVICE or service in self.systemd.running:
                return started(service)
            self.reads_only = f"{LIVE}/{turnover.SIGNAL}" in self.files
            return started(service) if self.fits() else Result(1, err="Job for postgres.service failed.")

        def run(words: list[str]) -> Result:
            if words[0] == "run" and words[-1] == "--version":
                return Result(0, f"postgres (PostgreSQL) {MAJORS[words[-2]]}.4\n")
            if words[:3] == ["healthcheck", "run", "postgres"]:
                return Result(0 if paths.POSTGRES_SERVICE in self.systemd.running else 1)
            return Result(0) if words[0] in ("stop", "rm") else podman(words)

        self.systemd._start_service = start  # type: ignore[method-assign]
        self.podman.podman = run  # type: ignore[method-assign]
        self.systemd.reload()
        self.systemd._start_service(paths.POSTGRES_SERVICE)
        self.after = self.holds

    def image(self) -> int:
        """The version of the image that the unit names, as systemd has read it."""
        found = re.search(
            r"^Image=(.+)$", self.systemd.loaded[paths.POSTGRES_SERVICE][1].decode(), re.MULTILINE
        )
        assert found
        return MAJORS[found[1]]

    def version(self, folder: str = LIVE) -> int:
        return int(self.tell(f"{folder}/PG_VERSION") or 0)

    def fits(self) -> bool:
        return self.version() == self.image() != self.broken

    def holds(self) -> None:
        """The old rows are somewhere, once, whatever happens; nobody serves files of another version."""
        places = [path for path, entry in self.files.items() if entry.content == b"of 16"]
        assert len(places) == 1, places
        if paths.POSTGRES_SERVICE in self.systemd.running:
            assert self.tell(f"{LIVE}/{ROWS}") is not None

    def power_cut(self) -> None:
        """What was not on disk is gone; PostgreSQL starts as its unit says, if it can."""
        self.held.clear()
        self.kill_at = 0
        self.systemd.running.clear()
        self.systemd.crashed.clear()
        self.systemd.reload()
        self.systemd._start_service(paths.POSTGRES_SERVICE)

    def well(self) -> None:
        """One of both versions serves, for writing too, and the units say so on disk as well."""
        assert paths.POSTGRES_SERVICE in self.systemd.running
        assert self.fits()
        assert not self.reads_only
        assert f"{LIVE}/{turnover.SIGNAL}" not in self.files
        assert self.version() == MAJORS[re.findall("Image=(.+)", self.tell(paths.POSTGRES_UNIT) or "")[0]]
        assert not [path for path in self.files if path.startswith(f"{paths.UPGRADE_FOLDER}/")]
        step = json.loads(self.tell(paths.UPGRADE) or "{}").get("step")
        kept = {17: 16, 16: 17}[self.version()]
        assert step == (None if not self.version(f"{LIVE}-{kept}") else "kept" if kept == 16 else "returned")


@pytest.fixture(autouse=True)
def _around(monkeypatch: pytest.MonkeyPatch) -> None:
    """What talks with PostgreSQL does to the files what it does to the databases."""

    def host_of(ports: Any) -> Server:
        found: Server = ports.files.host
        return found

    def made(ports: Any, image: str, shape: object) -> None:
        beside.removed(ports)
        ports.files.write(f"{settle.NEW_FILES}/PG_VERSION", f"{MAJORS[image]}\n".encode())

    def database(
        ports: Any, *_: object, **__: object
    ) -> Generator[dict[str, object], None, tuple[int, list[str]]]:
        yield {"phase": "copy"}
        assert host_of(ports).tell(f"{LIVE}/{turnover.SIGNAL}") is not None, (
            "nobody writes while it is copied"
        )
        ports.files.write(f"{settle.NEW_FILES}/{ROWS}", b"of 17")
        return 7, []

    def asked(ports: Any, *_: object) -> list[str]:
        return [f"{host_of(ports).version()}0004"]

    monkeypatch.setattr(beside, "made", made)
    monkeypatch.setattr(beside, "available", lambda *_: [])
    monkeypatch.setattr(beside, "finished", lambda ports, image: None)
    monkeypatch.setattr(copies, "roles", lambda *_: None)
    monkeypatch.setattr(copies, "database", database)
    monkeypatch.setattr(last_wal, "shipped", lambda *_: "")
    monkeypatch.setattr(look, "look", lambda *_: FOUND)
    monkeypatch.setattr(upgrade, "free_bytes", lambda _: 10 << 30)
    monkeypatch.setattr(upgrade.databases, "tidied", lambda *_: [])
    monkeypatch.setattr(turnover.databases, "asked", asked)
    for module in (upgrade, turnover):
        monkeypatch.setattr(module, "server_image", lambda *_: Image("1" * 64, "sha256:" + "2" * 64))


def ask(host: Server, **document: object) -> dict[str, Any]:
    out, err = io.StringIO(), io.StringIO()
    cli.run(host.ports(), "upgrade", json.dumps(document), out, err, "admin")
    answer: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return answer


def upgraded() -> Server:
    host = Server()
    assert ask(host, to=NEW)["ok"]
    host.operations = 0
    return host


def effects(host: Server, **document: object) -> int:
    ask(host, **document)
    return host.operations


def test_an_upgrade_and_a_way_back_lead_where_they_should() -> None:
    host = Server()
    assert ask(host, to=NEW)["ok"]
    host.well()
    assert (host.version(), host.version(f"{LIVE}-16")) == (17, 16)
    assert ask(host, back=True)["ok"]
    host.well()
    assert (host.version(), host.version(f"{LIVE}-17")) == (16, 17)
    assert ask(host, back=True)["changed"] is False
    assert ask(host, forget=True)["ok"]
    host.well()
    assert host.version(f"{LIVE}-17") == 0


@pytest.mark.parametrize("way", ["to", "back"])
def test_a_power_cut_anywhere_is_ended_after_the_boot(way: str) -> None:
    document: dict[str, object] = {"to": NEW} if way == "to" else {"back": True}
    begin = Server if way == "to" else upgraded
    for place in range(1, effects(begin(), **document) + 1):
        host = begin()
        host.kill_at = place
        with pytest.raises(Killed):
            ask(host, **document)
        host.power_cut()
        assert ask(host, settle=True)["ok"]
        host.well()


@pytest.mark.parametrize("way", ["to", "back"])
def test_killed_anywhere_the_next_look_ends_it_even_when_that_is_killed_too(way: str) -> None:
    document: dict[str, object] = {"to": NEW} if way == "to" else {"back": True}
    begin = Server if way == "to" else upgraded
    versions = set()
    for first in range(1, effects(begin(), **document) + 1):
        second = 0
        while True:
            host = begin()
            host.kill_at = first
            with pytest.raises(Killed):
                ask(host, **document)
            host.held.clear()
            host.operations, host.kill_at = 0, second
            second += 1
            try:
                assert ask(host, settle=True)["ok"]
            except Killed:
                host.held.clear()
                host.kill_at = 0
                assert ask(host, settle=True)["ok"]
                host.well()
                versions.add(host.version())
                continue
            host.well()
            versions.add(host.version())
            if second > 1:
                break
    assert versions == {16, 17}, "some kills come before the switch, some after it"


@pytest.mark.parametrize("way", ["to", "back"])
def test_whatever_fails_once_leaves_a_server_that_serves_or_is_ended_by_the_next_look(way: str) -> None:
    document: dict[str, object] = {"to": NEW} if way == "to" else {"back": True}
    begin = Server if way == "to" else upgraded
    for place in range(1, effects(begin(), **document) + 1):
        host = begin()
        host.fail_at = place
        ask(host, **document)
        host.fail_at = 0
        ask(host, settle=True)
        host.well()


def test_a_new_version_that_does_not_come_up_leaves_the_old_one_serving() -> None:
    host = Server()
    host.broken = 17
    answer = ask(host, to=NEW)
    assert (answer["ok"], answer["phase"]) == (False, "switch")
    assert answer["put_back"] == "PostgreSQL 16 serves as before"
    host.well()
    assert host.version() == 16


def test_whoever_asked_leaves_and_it_is_taken_back() -> None:
    host = Server()
    real = copies.database

    def leaving(*arguments: Any, **more: Any) -> Generator[dict[str, object], None, tuple[int, list[str]]]:
        host.gone = "the session has ended"
        return (yield from real(*arguments, **more))

    copies.database = leaving
    try:
        answer = ask(host, to=NEW)
    finally:
        copies.database = real
    assert (answer["ok"], answer["phase"]) == (False, "switch")
    host.well()
    assert host.version() == 16


def test_the_kept_files_go_after_a_week_and_not_before() -> None:
    host = upgraded()
    host.time += 6 * 86_400
    assert ask(host, settle=True)["step"] == "kept"
    host.time += 2 * 86_400
    host.after = lambda: None
    assert "step" not in ask(host, settle=True)
    assert host.version(f"{LIVE}-16") == 0
    assert paths.UPGRADE not in host.files


def test_a_second_upgrade_waits_until_the_files_of_the_first_are_gone() -> None:
    host = upgraded()
    answer = ask(host, to=NEW)
    assert "--forget" in answer["remedy"]
    assert not host.tell(f"{LIVE}/{turnover.SIGNAL}")


def test_a_dry_run_changes_nothing() -> None:
    host = Server()
    before = dict(host.files)
    answer = ask(host, to=NEW, dry_run=True)
    assert (answer["ok"], answer["from"], answer["to"]) == (True, 16, 17)
    assert host.files == before
    assert not [
        words for words in host.calls if words[0] == "systemctl" and words[1] in ("stop", "start", "restart")
    ]


def test_a_look_while_another_run_holds_the_lock_lets_it_be() -> None:
    host = Server()
    host.held.add(paths.BACKUP_LOCK)
    assert "another run" in ask(host, settle=True)["busy"]


@pytest.mark.parametrize(
    "document",
    [{}, {"to": NEW, "back": True}, {"to": "x; reboot"}, {"to": "-privileged"}, {"to": NEW, "as_admin": ["a\nb"]},
     {"to": NEW, "unknown": 1}],
)  # fmt: skip
def test_a_document_that_makes_no_sense_touches_nothing(document: dict[str, object]) -> None:
    host = Server()
    before = len(host.calls)
    out = io.StringIO()
    assert cli.run(host.ports(), "upgrade", json.dumps(document), out, io.StringIO(), "x") == 2
    assert len(host.calls) == before


def test_doctor_says_what_was_cut_off_and_not_what_is_kept_or_under_way() -> None:
    host = upgraded()
    assert of_upgrade(host.ports()) == []
    text = host.tell(paths.UPGRADE) or ""
    host.put(paths.UPGRADE, text.replace('"kept"', '"copying"'))
    (problem,) = of_upgrade(host.ports())
    assert problem.what == "the upgrade of PostgreSQL 16 to 17 by admin was cut off (copying)"
    assert "codeb-upgrade" in problem.remedy
    host.held.add(paths.BACKUP_LOCK)
    assert of_upgrade(host.ports()) == []
    host.put(paths.UPGRADE, "{")
    (problem,) = of_upgrade(host.ports())
    assert "can't be read" in problem.what
    assert "By hand" in problem.remedy
