"""`codeb-agent <verb>`: one JSON document on standard input, one on standard output.

Exit status 0: the goal is reached. 1: it isn't; both outputs say phase, cause, what was put back and what to do.
2: the verb or its document is wrong; nothing was touched.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from typing import Final, TextIO

from agent import real
from agent.documents.errors import BadDocument, Failed, Failure, Unwritable
from agent.documents.reader import Reader, parse
from agent.host.ports import Ports

Answer = dict[str, object]
Telling = Generator[Answer, None, Answer]
"""A verb that tells documents on its way to the answer, a line each."""
Action = Callable[[Ports, Reader, str], "Answer | Telling"]

# Verb → module with a function of the verb's name (`restore_undo` of `restore-undo`). Only that module is imported: a
# rollback must start fast.
VERBS: Final[Mapping[str, str]] = {
    "apply": "agent.bundle.apply",
    "release": "agent.release.drive",
    "rollback": "agent.release.drive",
    "restart": "agent.release.drive",
    "route": "agent.edge.route",
    "unroute": "agent.edge.route",
    "join": "agent.edge.serving",
    "leave": "agent.edge.serving",
    "remove": "agent.removal.remove",
    "empty-cache": "agent.release.service_cache",
    "status": "agent.report.status",
    "doctor": "agent.report.doctor",
    "logs": "agent.report.logs",
    "environment": "agent.report.environment",
    "retire": "agent.removal.retire",
    "session": "agent.sessions.session",
    "notify": "agent.outbox.notify",
    "note": "agent.outbox.note",
    "deliver": "agent.outbox.deliver",
    "certificates": "agent.edge.certificates",
    "backup": "agent.backup.backup",
    "backups": "agent.backup.backups",
    "final": "agent.backup.final",
    "prune": "agent.backup.prune",
    "platform": "agent.backup.platform",
    "belongings": "agent.backup.belongings",
    "restore": "agent.restore.restore",
    "restore-undo": "agent.restore.undo",
    "prove": "agent.proof.prove",
    "move": "agent.moving.move",
    "copy-objects": "agent.moving.objects",
    "upgrade": "agent.upgrade.upgrade",
    "rebuild": "agent.rebuild.rebuild",
    "ship": "agent.archive.ship",
    "base": "agent.archive.base",
    "settle": "agent.admins.settle",
    "metrics": "agent.monitoring.metrics",
    "ask": "agent.monitoring.ask",
    "version": "agent.program.version",
    "precompile": "agent.program.archive",
}
CHANGING: Final = frozenset({"release", "rollback", "restart", "remove", "route", "unroute"})
"""Verbs after which monitoring is told of projects anew, whether they came to their goal or not."""
# Verb → module, of verbs that take a session's token and whoever's terminal there is, and no document.
AT_A_TERMINAL: Final[Mapping[str, str]] = {"attach": "agent.sessions.attach", "end": "agent.sessions.end"}
_REFUSED: Final = 2
_USAGE: Final = f"usage: codeb-agent {'|'.join(VERBS)} < document.json, or {'|'.join(AT_A_TERMINAL)} TOKEN"


def main(arguments: list[str]) -> int:
    """Run one verb on this host."""
    if len(arguments) == 2 and arguments[0] in AT_A_TERMINAL:
        return _at_a_terminal(*arguments)
    if len(arguments) != 1 or arguments[0] not in VERBS:
        sys.stderr.write(f"{_USAGE}\n")
        return 2
    text = "" if sys.stdin.isatty() else sys.stdin.read()
    return run(real.ports(), arguments[0], text, sys.stdout, sys.stderr, _caller())


def run(ports: Ports, verb: str, text: str, out: TextIO, err: TextIO, by: str) -> int:
    """Run one verb through the given ports and write its answer; the exit status."""
    code = _run(ports, verb, text, out, err, by)
    if verb in CHANGING and code != _REFUSED:
        from agent.monitoring.soon import soon

        soon(ports)
    return code


def _run(ports: Ports, verb: str, text: str, out: TextIO, err: TextIO, by: str) -> int:
    try:
        answer = _answer(_action(verb)(ports, parse(text), by), out)
    except BadDocument as error:
        out.write(_line({"ok": False, "phase": "document", "cause": str(error)}))
        err.write(f"codeb-agent {verb}: the document is wrong: {error}\nnothing was touched\n")
        return _REFUSED
    except Failed as error:
        return _told(ports, verb, error.failure, out, err)
    except Unwritable as error:
        kept = "nothing, what is done stays done"
        return _told(ports, verb, Failure("disk", str(error), error.remedy, put_back=kept), out, err)
    except BrokenPipeError:  # whoever asked has left: nobody is to be told
        return 1
    except Exception as error:  # noqa: BLE001 - the message may hold a secret; only its kind and place are shown
        failure = Failure(
            verb, _place(error), "this is a defect of the agent; run again, an unfinished change is put back"
        )
        out.write(_line(failure.answer()))
        err.write(f"codeb-agent {verb} {failure.text()}\n")
        return 1
    out.write(_line(answer))
    if answer["ok"] is True:
        _say(verb, answer, err)
        return 0
    err.write(f"codeb-agent {verb}: {answer.get('summary', 'not everything is well')}\n")
    return 1


def _say(verb: str, answer: Answer, err: TextIO) -> None:
    """What people are to read of an answer though the goal is reached."""
    said = answer.get("said")
    for line in said if isinstance(said, list) else ():
        err.write(f"codeb-agent {verb}: {line}\n")


def _at_a_terminal(verb: str, token: str) -> int:
    """Run a verb for the session of a token. Its exit status is the session's."""
    from agent.sessions.wish import TOKEN

    if not TOKEN.fullmatch(token):
        sys.stderr.write("codeb-agent: this is no token of a session\n")
        return 2
    module = importlib.import_module(AT_A_TERMINAL[verb])
    try:
        if verb == "end":
            return int(module.end(real.ports(), token))
        return int(module.attach(real.ports(), real.seat(), token))
    except OSError as error:
        sys.stderr.write(f"codeb-agent {verb}: {error}\r\n")
    except Exception as error:  # noqa: BLE001 - as above
        sys.stderr.write(f"codeb-agent {verb}: {_place(error)}: this is a defect of the agent\r\n")
    return 1


def _place(error: Exception) -> str:
    """What kind of error it is, and where it came up: nothing of what was worked on."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {place.filename.rpartition('/')[2]}:{place.lineno}"


def _answer(found: Answer | Telling, out: TextIO) -> Answer:
    """The answer, after what a verb told on its way has been written."""
    if isinstance(found, dict):
        return found
    with closing(found):
        while True:
            try:
                document = next(found)
            except StopIteration as end:
                return dict(end.value)
            out.write(_line(document))
            out.flush()


def _told(ports: Ports, verb: str, failure: Failure, out: TextIO, err: TextIO) -> int:
    ports.journal.log(f"{verb}: failed in {failure.phase}: {failure.cause}")
    out.write(_line(failure.answer()))
    err.write(f"codeb-agent {verb} {failure.text()}\n")
    return 1


def _action(verb: str) -> Action:
    action: Action = getattr(importlib.import_module(VERBS[verb]), verb.replace("-", "_"))
    return action


def _line(answer: Answer) -> str:
    return json.dumps(answer) + "\n"


def _caller() -> str:
    """Who runs this, for the audit log."""
    user = os.environ.get("SUDO_USER") or os.environ.get("USER") or "root"
    address = os.environ.get("SSH_CONNECTION", "").split(" ")[0]
    return f"{user}@{address}" if address else user
