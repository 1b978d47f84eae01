"""`move-data`: what the agent is asked for, what becomes of the setting, when an update runs, and the words of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ops_servers import server
from ops_stack import Stack
from ops_telling import Telling

from codeb.secrets import certificate_authority
from codeb.ssh import SshTarget
from ops.access import Server
from ops.cli import main
from ops.move_data import Means, Wanted, move_data
from ops.result import Result

DATA = Server("db1", "default", server(2).target, holds_data=True)
CA = certificate_authority(b"a test's own".ljust(32, b".")).certificate
MOVED = {
    "ok": True, "end": True, "project": "blog", "to": "managed", "size": 5 << 20, "rows": 1200, "step": "moved",
    "changed": True, "closed": "2026-11-28T12:00:00Z", "seconds": 3.1, "warnings": ["rights of reader don't come along"],
}  # fmt: skip
SETTLED = {
    "ok": True,
    "end": True,
    "project": "blog",
    "to": "managed",
    "rows": 1200,
    "changed": True,
    "closed_s": 94,
}
UNDONE = {"ok": True, "end": True, "project": "blog", "to": "here", "changed": True}
WRITTEN = {
    "ok": False, "phase": "undo", "cause": "blog_db at the managed service was written to since",
    "remedy": "`codeb move-data blog --to here`", "put_back": "the database is open where it is", "log": [],
}  # fmt: skip


@dataclass
class Data:
    """A data server whose agent answers in turn; `asked` are the documents, `stack` is updated."""

    folder: Path
    answers: list[Mapping[str, Any]] = field(default_factory=list)
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    stack: Stack = field(default_factory=lambda: Stack("live"))

    @property
    def file(self) -> Path:
        return self.folder / "Pulumi.live.yaml"

    def settings(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = yaml.safe_load(self.file.read_text())["config"]["codeb:managed"][
            "postgres"
        ]
        return found

    def write(self, projects: str = "[]", prepared: str = "[blog, shop]") -> None:
        pem = "\n".join(f"          {line}" for line in CA.strip().splitlines())
        self.file.write_text(
            "config:\n  codeb:domain: example.com\n  codeb:provider: vultr\n  codeb:pools:\n"
            "    - {name: default, roles: [app, data, edge], plan: vc2-6c-16gb} # all of it\n"
            "  codeb:managed:\n    postgres:\n        plan: vultr-dbaas-startup-cc-2-80-4 # the smallest that fits\n"
            f"        projects: {projects}\n        prepared: {prepared}\n        ca: |\n{pem}\n"
        )

    def run(self, **wanted: Any) -> Result:
        @contextmanager
        def tell(target: SshTarget, verb: str, document: Mapping[str, Any]) -> Iterator[Telling]:
            assert (target.address, verb) == ("10.0.0.2", "move")
            self.asked.append(document)
            yield Telling(
                [{"phase": "copy", "project": "blog", "done": 1 << 20, "of": 5 << 20}, self.answers.pop(0)]
            )

        means = Means([server(1), DATA], self.file, self.stack, tell, self.said.append)
        return move_data(Wanted("blog", **{"act": "move", "by": "ann@desk", **wanted}), means)


@pytest.fixture
def data(tmp_path: Path) -> Data:
    made = Data(tmp_path)
    made.write()
    return made


UP = ("up", "--yes", "--skip-preview")


def test_a_move_edits_the_setting_and_an_update_tells_the_app(data: Data) -> None:
    data.answers = [MOVED, SETTLED]
    result = data.run(to="managed")
    assert result.ok
    assert [each["act"] for each in data.asked] == ["move", "settle"]
    assert data.asked[0]["to"] == "managed"
    assert data.stack.told == [UP]
    assert (data.settings()["projects"], data.settings()["prepared"]) == (["blog"], ["shop"])
    assert "# the smallest that fits" in data.file.read_text()
    assert (
        result.lines[0]
        == "blog: its database is at the managed service, 1200 rows compared; it was closed for 94.0 s"
    )
    assert "warning: rights of reader" in result.lines[-1]
    assert any("copies: 1.0 MB of about 5.2 MB" in line for line in data.said)


@pytest.mark.parametrize(
    "prepared", ["\n        - blog\n        - shop", "\n          - blog\n\n          -   'shop'"]
)
def test_lists_are_as_pulumi_config_set_writes_them_too(data: Data, prepared: str) -> None:
    data.write("\n          - wiki # the first that went", prepared)
    data.answers = [MOVED, SETTLED]
    result = data.run(to="managed")
    assert result.ok, result.problems
    assert (data.settings()["projects"], data.settings()["prepared"]) == (["blog", "wiki"], ["shop"])
    assert "        projects: [blog, wiki] # the first that went\n" in data.file.read_text()
    assert data.settings()["ca"] == CA.strip() + "\n"


def test_what_is_there_comes_back(data: Data) -> None:
    data.write("[blog, shop]", "[]")
    data.answers = [{**MOVED, "to": "here"}, {**SETTLED, "to": "here"}]
    assert data.run(to="here").ok
    assert (data.settings()["projects"], data.settings()["prepared"]) == (["shop"], ["blog"])


def test_a_failed_update_takes_the_move_back(data: Data) -> None:
    before = data.file.read_text()
    data.answers, data.stack.fails = [MOVED, UNDONE], True
    result = data.run(to="managed")
    assert not result.ok
    assert [each["act"] for each in data.asked] == ["move", "undo"]
    assert "lose" not in data.asked[1]
    assert data.file.read_text() == before
    assert data.stack.told == [UP, UP]


def test_a_failed_update_that_let_the_app_write_stays_where_the_data_is(data: Data) -> None:
    data.answers, data.stack.fails = [MOVED, WRITTEN], True
    result = data.run(to="managed")
    assert not result.ok
    assert "was written to since" in result.problems[0]
    assert data.settings()["projects"] == ["blog"]


def test_run_again_after_the_data_has_moved_it_goes_on_with_the_update(data: Data) -> None:
    data.answers = [{**MOVED, "changed": False}, SETTLED]
    assert data.run(to="managed").ok
    assert data.stack.told == [UP]


def test_what_is_settled_needs_no_update(data: Data) -> None:
    data.answers = [{**MOVED, "changed": False, "step": "settled"}]
    assert data.run(to="managed").lines == ("blog: its database is at the managed service already",)
    assert data.stack.told == []


def test_a_dry_run_changes_nothing(data: Data) -> None:
    before = data.file.read_text()
    data.answers = [{**MOVED, "dry_run": True}]
    assert data.run(to="managed", dry_run=True).ok
    assert (data.file.read_text(), data.stack.told) == (before, [])


@pytest.mark.parametrize(
    ("projects", "prepared", "to", "cause"),
    [
        ("all", "[]", "here", "is `all`"),
        (
            "\n          - shop # ours",
            "\n          - blog # next\n          - other",
            "managed",
            "more than items",
        ),
        ("\n          - shop\n          - {}", "[blog]", "managed", "codeb:managed"),
    ],
)
def test_what_the_setting_can_not_say_closes_nothing(
    data: Data, projects: str, prepared: str, to: str, cause: str
) -> None:
    data.write(projects, prepared)
    result = data.run(to=to)
    assert cause in result.problems[0]
    assert data.asked == []


def test_the_agent_s_refusal_is_told_with_what_was_put_back(data: Data) -> None:
    before = data.file.read_text()
    data.answers = [{**WRITTEN, "phase": "copy", "cause": "it\x1b broke", "log": ["ERROR: no"]}]
    result = data.run(to="managed")
    assert result.problems[0].startswith("copy: it")
    assert "\x1b" not in "".join(result.problems)
    assert result.problems[-1] == "put back: the database is open where it is"
    assert data.file.read_text() == before


def test_undo_and_forget(data: Data) -> None:
    data.write("[blog]", "[]")
    data.answers = [UNDONE, {"ok": True, "end": True, "project": "blog", "side": "managed", "changed": True}]
    assert data.run(act="undo", lose=True).ok
    assert data.asked[0]["lose"] is True
    assert data.settings()["prepared"] == ["blog"]
    assert (
        data.run(act="forget").lines[0].startswith("blog: what was left at the managed service is empty now")
    )


def test_without_a_data_server_there_is_nothing_to_move(data: Data) -> None:
    means = Means([server(1)], data.file, data.stack, lambda *_: Telling(), print)  # type: ignore[arg-type]
    assert not move_data(Wanted("blog", "move"), means).ok


@pytest.mark.parametrize(
    "arguments",
    [
        ["blog", "--stack", "live"],
        ["blog", "--to", "elsewhere", "--stack", "live"],
        ["blog", "--undo", "--dry-run", "--stack", "live"],
        ["blog", "--to", "here", "--lose-writes", "--stack", "live"],
        ["$(reboot)", "--to", "here", "--stack", "live"],
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(["move-data", *arguments])
    except SystemExit as error:
        code = int(str(error.code))
    assert code == 2
    assert capsys.readouterr().err
