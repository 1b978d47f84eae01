"""`prove` and `drop`: what people read, and exit statuses for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from ops_servers import server

from codeb.ssh import SshTarget
from ops.access import Server
from ops.cli import main
from ops.drop import drop
from ops.prove import prove
from ops.ssh import Answer, SshError

APP = server(1)
DATA = Server("db1", "default", server(2).target, holds_data=True)
ID = "20261124T170000Z-00aa"
PROVEN = {
    "project": "shop", "ok": True, "id": ID, "of": "2026-11-24T17:00:00Z", "at": "2026-11-25T03:10:00Z", "seconds": 12.0,
    "restore_seconds": 4.25, "tables": 1, "rows": 5000, "size": 12_345, "store": "here",
}  # fmt: skip
DAMAGED = {
    "project": "blog", "ok": False, "phase": "damaged", "cause": "a byte\x1b[2J is another one", "remedy": "look",
    "warning": "second doesn't have what was proven: no answer",
}  # fmt: skip
DROP = {"version": 1, "project": "shop", "without_backup": True, "by": "eve"}


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
        assert (target.address, verb) == ("10.0.0.2", "prove")
        yield Telling(list(documents), problem)

    return tell


def test_the_data_server_alone_is_asked_and_what_came_back_is_said() -> None:
    said: list[str] = []
    phases = [
        {"project": "shop", "phase": "look"},
        {"project": "shop", "backup": ID, "phase": "restore", "size": 7_900_000},
    ]
    answer = {"ok": True, "end": True, "projects": [PROVEN]}
    result = prove({"version": 1, "project": "shop"}, [APP, DATA], told(*phases, answer), said.append)
    assert said == ["shop: looks for its newest backup", "shop: restores into it (about 7.9 MB)"]
    assert result.lines == (f"shop: {ID} of here: 5000 rows in 1 table, restored in 4.2 s, proven in 12.0 s",)
    assert result.ok
    assert not result.problems


def test_a_backup_that_cannot_be_restored_is_said_without_control_characters_and_others_go_on() -> None:
    answer = {"ok": False, "end": True, "projects": [DAMAGED, PROVEN], "left": ["late-app"]}
    result = prove({"version": 1, "all": True}, [DATA], told(answer), lambda line: None)
    assert not result.ok
    assert [line.split(":")[0] for line in result.lines] == ["shop", "not begun"]
    assert result.lines[1] == "not begun: late-app"
    assert "\x1b" not in "".join(result.problems)
    assert result.problems[0].startswith("blog: damaged: a byte")
    assert result.problems[0].endswith("look")
    assert result.problems[1] == "blog: second doesn't have what was proven: no answer"


def test_what_the_agent_refuses_as_a_whole_is_said() -> None:
    busy = {"ok": False, "phase": "lock", "cause": "backup by eve has been running", "remedy": "wait"}
    result = prove({"version": 1, "due": True}, [DATA], told(busy), lambda line: None)
    assert not result.ok
    assert result.problems == ("lock: backup by eve has been running. wait",)


def test_when_nothing_is_due_that_is_said() -> None:
    answer = {"ok": True, "end": True, "projects": []}
    assert prove({"version": 1, "due": True}, [DATA], told(answer), lambda line: None).lines == (
        "nothing is due",
    )


@pytest.mark.parametrize("tell", [told(problem="no route to host"), told()])
def test_a_server_that_does_not_answer_is_a_problem(tell: Any) -> None:
    result = prove({"version": 1, "due": True}, [DATA], tell, lambda line: None)
    assert not result.ok
    assert result.problems[0].startswith("error: db1: ")


def test_without_a_data_server_nothing_is_proven_or_dropped() -> None:
    assert not prove({}, [APP], told(), lambda line: None).ok
    assert not drop(DROP, [APP], lambda *_: Answer(0, {})).ok


def test_that_a_database_may_be_dropped_is_remembered_on_the_data_server() -> None:
    def ask(target: SshTarget, verb: str, asked: Mapping[str, Any]) -> Answer:
        assert (target.address, verb, asked) == ("10.0.0.2", "final", DROP)
        return Answer(0, {"ok": True, "end": True, "project": "shop", "until": "2026-11-28T12:00:00Z"})

    result = drop(DROP, [APP, DATA], ask)
    assert result.ok
    assert result.lines == (
        "shop may be dropped without a final backup until 2026-11-28T12:00:00Z, once: `pulumi up` does it",
    )


def test_a_data_server_that_does_not_remember_it_is_a_problem() -> None:
    def ask(target: SshTarget, verb: str, asked: Mapping[str, Any]) -> Answer:
        raise SshError("no route to host")

    assert drop(DROP, [DATA], ask).problems == ("error: db1: no route to host",)


def test_nothing_is_dropped_without_the_long_yes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["drop", "shop", "--stack", "prod"])
    assert end.value.code == 2
    assert "--yes-without-backup" in capsys.readouterr().err
