"""`rebuild`: what people read, what the agent is asked for, what is refused before anything is done."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ops_servers import server
from ops_stack import Stack as Fleet
from ops_telling import Telling

from codeb.ssh import SshTarget
from ops import rebuild_commands
from ops.access import Server
from ops.cli import main
from ops.reading_keys import BadKeys, reading_keys
from ops.rebuild_data import rebuild
from ops.rebuild_server import APPS, VISITED, Lost, made_again
from ops.ssh import Answer, SshError

DATA = Server("data-1", "default", server(2).target, holds_data=True)
AGENT = (
    "urn:pulumi:prod::codeb::codeb:platform:Platform$codeb:server:Server$command:remote:Command::data-1-agent"
)
BACK = {
    "ok": True, "end": True, "seconds": 61.5, "size": 2_000_000_000, "free": 9_000_000_000, "warnings": [],
    "platform": {"ok": True, "id": "20261124T170000Z-00aa", "records": 2, "certificates": 1, "warnings": []},
    "strangers": ["old"],
    "projects": [
        {"project": "shop", "ok": True,
         "database": {"ok": True, "what": "its latest state of the lost server", "of": "2026-11-24T17:00:00Z",
                      "rows": 5000, "size": 2_000_000, "warnings": ["extension citext is 1.7 now, and was 1.6"]},
         "uploads": [{"ok": True, "bucket": "shop-files", "of": "2026-11-24T03:00:00Z", "objects": 1, "size": 5}]},
        {"project": "blog", "ok": True, "database": {"ok": True, "skipped": True, "what": "backup x", "of": None}},
    ],
}  # fmt: skip
REFUSED = {
    "ok": False, "phase": "find", "cause": "blog_db is not empty: there are rows in public.posts",
    "remedy": "look whether this is the right server", "log": [],
}  # fmt: skip


def told(*documents: Mapping[str, Any], problem: str = "") -> Any:
    @contextmanager
    def tell(target: SshTarget, verb: str, document: Mapping[str, Any]) -> Iterator[Telling]:
        assert (target.address, verb) == ("10.0.0.2", "rebuild")
        yield Telling(list(documents), problem)

    return tell


def run(*documents: Mapping[str, Any], problem: str = "", said: list[str] | None = None) -> Any:
    say = (said if said is not None else []).append
    return rebuild({}, [server(1), DATA], told(*documents, problem=problem), say)


def test_each_project_is_said_with_the_moment_that_it_is_of() -> None:
    said: list[str] = []
    result = run(
        {"phase": "room", "size": 2_000_000_000, "free": 9_000_000_000},
        {"project": "shop", "phase": "load", "done": 1_000_000, "of": 2_000_000},
        {"project": "shop", "bucket": "shop-files", "phase": "uploads", "objects": 3, "of": 7},
        BACK,
        said=said,
    )
    assert said == [
        "has room for it (at most 2.0 GB, 9.0 GB free)",
        "shop: fills it: 1.0 MB of 2.0 MB",
        "shop: brings uploads back: 3 of 7 objects",
    ]
    assert result.ok
    assert result.lines == (
        "shop: its database is its latest state of the lost server, of 2026-11-24T17:00:00Z: 5000 rows, 2.0 MB",
        "shop: shop-files has 1 object of 2026-11-24T03:00:00Z, 5 B",
        "blog: its database is back already: backup x",
        "of platform 20261124T170000Z-00aa: 2 histories of releases, 1 file of certificates",
        "2 of 2 projects back, 61.5 s",
        "now `pulumi up` starts the apps; then `codeb backup --all` makes the first backups of this server",
    )
    assert result.problems == (
        "shop: warning: extension citext is 1.7 now, and was 1.6",
        "the second place has also backups of what is no project with backups here: old",
    )


def test_what_is_not_back_is_said_with_its_remedy_and_the_rest_is_said_too() -> None:
    shop = BACK["projects"][0]  # type: ignore[index]
    blog = {"project": "blog", "ok": False, "database": REFUSED}
    result = run(
        {**BACK, "ok": False, "projects": [shop, blog], "platform": {"ok": False, "cause": "there is none"}}
    )
    assert not result.ok
    assert "1 of 2 projects back, 61.5 s" in result.lines
    assert not [line for line in result.lines if "pulumi up" in line]
    assert "blog: find: blog_db is not empty: there are rows in public.posts. look whether" in " ".join(
        result.problems
    )
    assert "histories and certificates are not back: there is none" in result.problems


def test_a_dry_run_says_what_would_come_and_what_it_takes() -> None:
    shop = {
        "project": "shop", "ok": True, "database": {"ok": True, "what": "the archive", "of": "2026-11-24T17:00:00Z"},
        "uploads": [{"bucket": "a", "of": None, "skipped": False}, {"bucket": "b", "of": "x", "objects": 2, "size": 1}],
    }  # fmt: skip
    blog = {"project": "blog", "ok": False, "database": {**REFUSED, "what": None}}
    result = run({**BACK, "dry_run": True, "projects": [shop, blog]})
    assert result.lines == (
        "shop: its database would become the archive, of 2026-11-24T17:00:00Z",
        "shop: there is no list of a",
        "shop: b would have 2 objects of x, 1 B",
        "at most 2.0 GB of disk, and 9.0 GB are free",
    )
    assert "blog: find:" in result.problems[0]


def test_a_connection_that_ends_says_that_a_second_run_goes_on() -> None:
    assert "run again: what is back stays" in run(problem="10.0.0.2: broke").problems[0]
    assert "look: no keys" in run({**REFUSED, "phase": "look", "cause": "no keys"}).problems[0]


def test_control_characters_of_a_host_are_not_shown() -> None:
    bad = {
        "project": "shop\x1b[31m",
        "ok": True,
        "database": {"ok": True, "what": "x\x07", "of": "y", "rows": 1},
    }
    text = " ".join(run({**BACK, "projects": [bad]}).lines)
    assert "\x1b" not in text
    assert "\x07" not in text


class Stack(Fleet):
    """With what `state delete` does to its document."""

    def forget(self, urn: str) -> None:
        self.told.append(("forget", urn))
        self.document = {"deployment": {"resources": []}}


def made(*urns: str) -> Stack:
    return Stack(document={"deployment": {"resources": [{"urn": urn} for urn in urns]}})


def again(stack: Stack, lost: Lost, ask: Any, *, yes: bool = True) -> tuple[int, list[str]]:
    said: list[str] = []
    code = made_again(stack, lost, ask, lambda document, name: f"{name}.json", lambda: yes, said.append)
    return code, said


def unreached(why: str) -> Any:
    def ask(target: SshTarget, verb: str, document: Mapping[str, Any]) -> Answer:
        raise SshError(why)

    return ask


def serving(*names: str) -> Any:
    entries = [{"project": name, "active": "blue"} for name in names]
    return lambda target, verb, document: Answer(0, {"ok": True, "projects": entries})


UP = ("up", "--yes", "--skip-preview", "--exclude", APPS, "--exclude", VISITED)
NEW = unreached("10.0.0.2: has no codeb-agent: run `pulumi up`, which installs it")


def test_a_new_machine_is_forgotten_and_made_without_apps() -> None:
    stack = made(AGENT, "urn:other")
    code, said = again(stack, Lost("data-1", DATA), NEW)
    assert code == 0
    assert stack.told == [("forget", AGENT), UP]
    assert "state before: prod.json" in said
    assert "forgotten: 2 resources" in said


def test_a_run_that_failed_half_way_goes_on_and_forgets_nothing() -> None:
    stack = made(AGENT)
    assert again(stack, Lost("data-1", DATA), serving())[0] == 0
    assert stack.told == [UP]
    stack = made(AGENT)
    assert again(stack, Lost("data-1", DATA, empty=True), serving())[0] == 0
    assert stack.told == [("forget", AGENT), UP]
    stack = made()
    assert again(stack, Lost("data-1", None, made=True), NEW)[0] == 0
    assert stack.told == [UP]


@pytest.mark.parametrize(
    ("ask", "what"),
    [
        (serving("shop", "blog"), "data-1 is not lost: shop, blog are served from there"),
        (serving("shop"), "data-1 is not lost: shop is served from there"),
        (
            unreached("10.0.0.2: its key is not the pinned one: mend hostKey"),
            "can't be used yet: 10.0.0.2: its key",
        ),
    ],
)
def test_a_server_that_serves_or_can_not_be_reached_is_left_alone(ask: Any, what: str) -> None:
    stack = made(AGENT)
    code, said = again(stack, Lost("data-1", DATA), ask)
    assert (code, stack.told) == (1, [])
    assert what in said[0]


def test_nothing_is_done_unless_somebody_says_yes_and_a_failed_update_says_how_to_go_on() -> None:
    stack = made(AGENT)
    code, said = again(stack, Lost("data-1", DATA), NEW, yes=False)
    assert (code, said[-1]) == (1, "nothing was changed")
    assert stack.told == []
    stack.fails = True
    code, said = again(stack, Lost("data-1", DATA), NEW)
    assert code == 1
    assert "codeb rebuild server data-1 --stack prod" in said[-1]


def test_a_file_of_keys_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "reading.json"
    file.write_text(json.dumps({"accessKey": "reads", "secretKey": "s3cret"}))
    file.chmod(0o640)
    with pytest.raises(BadKeys, match="chmod 600"):
        reading_keys(str(file))
    file.chmod(0o600)
    assert reading_keys(str(file)) == {"access_key": "reads", "secret_key": "s3cret"}


def test_the_agent_is_asked_for_what_the_command_line_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Mapping[str, Any]] = []

    def noted(document: Mapping[str, Any], *_: object) -> Any:
        asked.append(document)
        return run(BACK)

    monkeypatch.setattr("ops.access.app_servers", lambda *_, **__: (DATA,))
    monkeypatch.setattr("ops.rebuild_data.rebuild", noted)
    file = tmp_path / "reading.json"
    file.write_text(json.dumps({"accessKey": "reads", "secretKey": "s3cret"}))
    file.chmod(0o600)
    line = [
        "rebuild",
        "data",
        "--stack",
        "live",
        "--keys",
        str(file),
        "--project",
        "shop",
        "--at",
        "2026-11-27 22:15",
    ]
    assert main([*line, "--dumps", "--dry-run"]) == 0
    (document,) = asked
    assert {**document, "by": ""} == {
        "version": 1, "access_key": "reads", "secret_key": "s3cret", "projects": ["shop"],
        "at": "2026-11-27T22:15:00Z", "dumps": True, "again": False, "replace": False, "as_admin": False,
        "dry_run": True, "wait_s": 0, "by": "",
    }  # fmt: skip
    assert "s3cret" not in capsys.readouterr().out
    file.chmod(0o644)
    assert main(line) == 2
    assert "chmod 600" in capsys.readouterr().err


def test_wrong_usage_exits_with_2_and_shows_how(capsys: pytest.CaptureFixture[str]) -> None:
    for line in (
        ["rebuild"],
        ["rebuild", "data", "--stack", "live"],
        ["rebuild", "server", "--stack", "live"],
    ):
        with pytest.raises(SystemExit) as caught:
            main(line)
        assert caught.value.code == 2
    assert [step.name for step in rebuild_commands.STEPS] == ["platform", "server", "data"]
