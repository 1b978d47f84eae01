"""`codeb move-data`: a project's database to Vultr's managed PostgreSQL and back, its app with it.

The data server's agent closes the database, copies and compares it; then the setting is edited and an update tells the app.
Until then the app finds its database closed, where it was. What fails before the update is put back by the agent, and what
the update does not bring about is put back here, unless somebody has written to the new side meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from codeb.model import DocumentErrors
from ops import words
from ops.access import Server
from ops.backup import answered, data_server
from ops.move_settings import edited, write_edited
from ops.pulumi import PulumiError, Stack
from ops.result import Result, failed
from ops.streams import Tell
from ops.yaml_edit import EditError

Say = Callable[[str], object]
_UP: Final = ("--yes", "--skip-preview")
_PHASES: Final = {
    "look": "looks at both sides",
    "close": "lets nobody in any more, from now on",
    "create": "makes a new database",
    "copy": "copies",
    "check": "counts and compares",
    "place": "puts it in its place",
}
_WHERE: Final = {"here": "the data server", "managed": "the managed service"}


@dataclass(frozen=True)
class Wanted:
    """What is asked for: a project's move `to` a side, or what is done about its newest one."""

    project: str
    act: Literal["move", "undo", "forget"]
    to: Literal["here", "managed"] = "managed"
    lose: bool = False
    dry_run: bool = False
    by: str = ""
    wait_s: int = 0


@dataclass(frozen=True)
class Means:
    """By what: the stack's servers, its file and the CLI; `say` is told what happens."""

    servers: Sequence[Server]
    file: Path
    stack: Stack
    tell: Tell
    say: Say


def move_data(wanted: Wanted, means: Means) -> Result:
    """Do it. Ok when it is done: the app works where its data is."""
    server = data_server(means.servers)
    if server is None:
        return failed("the stack has no server with the role data: there is nothing to move")
    act = {"move": _moved, "undo": _undone, "forget": _forgotten}[wanted.act]
    try:
        return act(_Agent(server, wanted, means), wanted, means)
    except _Refused as refused:
        return refused.result
    except (DocumentErrors, EditError, PulumiError) as error:
        return failed(words.clean(error))


class _Refused(Exception):
    def __init__(self, result: Result) -> None:
        super().__init__()
        self.result = result


@dataclass(frozen=True)
class _Agent:
    """The data server's, asked about one project."""

    server: Server
    wanted: Wanted
    means: Means

    def ask(self, act: str, **more: Any) -> Mapping[str, Any]:
        """Its answer, when that is ok. Raises _Refused."""
        wanted = self.wanted
        document = {
            "version": 1,
            "project": wanted.project,
            "act": act,
            "by": wanted.by,
            "wait_s": wanted.wait_s,
            **more,
        }
        answer, problem = answered(self.server, "move", document, self.means.tell, self._phase)
        if not answer:
            again = "run the same command again: it goes on where it was; `--undo` takes it back"
            raise _Refused(failed(f"{self.server.name}: {words.clean(problem)}; {again}"))
        if answer.get("ok") is not True:
            lines = [f"{answer.get('phase')}: {answer.get('cause')}. {answer.get('remedy')}"]
            lines += [f"  | {line}" for line in answer.get("log") or ()]
            lines += [f"put back: {answer['put_back']}"] if answer.get("put_back") else []
            raise _Refused(Result({**answer, "server": self.server.name}, (), tuple(map(words.clean, lines))))
        return answer

    def _phase(self, told: Mapping[str, Any]) -> None:
        phase = str(told.get("phase"))
        text = f"{told.get('project')}: {_PHASES.get(phase, phase)}"
        if "done" in told:
            text += f": {words.size(told['done'])} of about {words.size(told.get('of'))}"
        elif "of" in told:
            text += f" ({words.size(told['of'])})"
        self.means.say(words.clean(text))


def _moved(agent: _Agent, wanted: Wanted, means: Means) -> Result:
    """The setting is tried out first: nothing is closed for what can't be said there. Raises _Refused, EditError, …"""
    text = edited(means.file, means.stack.name, wanted.project, managed=wanted.to == "managed")
    answer = agent.ask("move", to=wanted.to, dry_run=wanted.dry_run)
    warnings = tuple(words.clean(f"warning: {each}") for each in answer.get("warnings") or ())
    if answer.get("dry_run"):
        line = f"{wanted.project}: {words.size(answer.get('size'))} would go to {_WHERE[wanted.to]}"
        return Result(answer, (line, *warnings))
    if answer.get("step") == "settled":
        return Result(answer, (f"{wanted.project}: its database is at {_WHERE[wanted.to]} already",))
    before = means.file.read_text(encoding="utf-8")
    write_edited(means.file, text)
    means.say(f"{means.file}: {wanted.project} lives at {_WHERE[wanted.to]}; now an update tells its app")
    if means.stack.run("up", _UP):
        return _put_back(agent, wanted, means, before)
    settled = agent.ask("settle")
    done = {**answer, **settled, "server": agent.server.name}
    rows = words.count(int(answer.get("rows") or 0), "row")
    closed = f"; it was closed for {words.seconds(settled['closed_s'])}" if "closed_s" in settled else ""
    undo = f"`codeb move-data {wanted.project} --undo --stack {means.stack.name}`"
    lines = (
        f"{wanted.project}: its database is at {_WHERE[wanted.to]}, {rows} compared{closed}",
        f"what it left is kept, closed: {undo} goes back to it, `--forget` removes it",
    )
    return Result(done, (*lines, *warnings))


def _put_back(agent: _Agent, wanted: Wanted, means: Means, before: str) -> Result:
    """The update failed: all is as it was, unless the new side has been written to."""
    again = f"codeb move-data {wanted.project} --to {wanted.to} --stack {means.stack.name}"
    means.say(f"{wanted.project}: the update failed; it is taken back")
    agent.ask("undo")
    write_edited(means.file, before)
    if means.stack.run("up", _UP):
        return failed(
            f"{wanted.project}: its data and its setting are as they were, and the update that says so to its app failed: "
            "mend what it names, then `pulumi up`"
        )
    return failed(
        f"{wanted.project}: the update failed, and all is as it was. Mend what it names, then `{again}`"
    )


def _undone(agent: _Agent, wanted: Wanted, means: Means) -> Result:
    answer = agent.ask("undo", lose=wanted.lose)
    to = str(answer.get("to"))
    text = edited(means.file, means.stack.name, wanted.project, managed=to == "managed")
    write_edited(means.file, text)
    means.say(f"{means.file}: {wanted.project} lives at {_WHERE.get(to, to)}; now an update tells its app")
    if means.stack.run("up", _UP):
        return failed(
            f"{wanted.project}: its data is back, and the update failed: mend what it names, then `pulumi up`"
        )
    line = f"{wanted.project}: its database is at {_WHERE.get(to, to)} again, as it was before the move"
    return Result({**answer, "server": agent.server.name}, (line,))


def _forgotten(agent: _Agent, wanted: Wanted, means: Means) -> Result:
    answer = agent.ask("forget")
    side = _WHERE.get(str(answer.get("side")), "the other side")
    said = "is empty now" if answer.get("changed") else "is empty already"
    line = f"{wanted.project}: what was left at {side} {said}; `--undo` has nothing to go back to"
    return Result({**answer, "server": agent.server.name}, (line,))
