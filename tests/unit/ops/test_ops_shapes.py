"""A host that answers in other shapes than an agent's spoils no command: its odd parts are left out, the rest is shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from codeb.ssh import SshTarget
from ops.doctor import doctor
from ops.notify import notify
from ops.open import address
from ops.releases import releases
from ops.restart import restart
from ops.result import Result
from ops.rollback import Wanted, rollback
from ops.ssh import Answer
from ops.status import status
from ops.variables import variables
from tests.unit.ops.ops_servers import NEW, ahead, release, server

ODD: tuple[Any, ...] = (
    None, True, -1, 10**400, float("inf"), float("nan"), "text", "\ud800", [], {}, [[[]]], [None, 5], {"id": []},
)  # fmt: skip
IN_PROJECT = (
    "project", "status", "cause", "release", "previous", "history", "standby_until", "working_since", "withdrawn",
    "crashed", "workers", "unfinished", "maintenance", "standby", "domain",
)  # fmt: skip
IN_RELEASE = ("id", "image", "digest", "at", "by", "why", "outcome", "duration_s", "cause")
IN_ANSWER = (
    "ok", "host", "projects", "release", "health", "warnings", "problems", "variables", "changed", "enqueued", "cause",
    "phase", "put_back", "remedy",
)  # fmt: skip
SERVERS = (server(1), server(2))

Ask = Callable[[SshTarget, str, Mapping[str, Any]], Answer]
COMMANDS: dict[str, Callable[[Ask], Result]] = {
    "status": lambda ask: status("", "live", SERVERS, ask),
    "status shop": lambda ask: status("shop", "live", SERVERS, ask),
    "releases": lambda ask: releases("shop", "live", SERVERS, ask),
    "rollback": lambda ask: rollback(Wanted("shop", "live", "ann@laptop"), SERVERS, ask),
    "restart": lambda ask: restart("shop", "ann@laptop", "", SERVERS, ask),
    "env": lambda ask: variables("shop", "live", SERVERS, ask),
    "open": lambda ask: address("shop", "live", SERVERS, ask),
    "doctor": lambda ask: doctor(SERVERS, ask, None),
    "notify": lambda ask: notify({"version": 1}, SERVERS, ask),
}


def answer(place: str, key: str, odd: Any) -> dict[str, Any]:
    """All that any verb answers, with one odd value."""
    entry = ahead().status("shop")
    entry["workers"] = [{"name": "queue", "running": 1, "replicas": 1}]
    found: dict[str, Any] = {
        "ok": True, "host": {"time": "2026-11-24T17:02:00Z"}, "projects": [entry], "release": release(3, NEW),
        "changed": True,
        "health": {"status": "healthy"}, "warnings": [], "problems": [], "variables": [{"name": "A", "secret": True}],
    }  # fmt: skip
    where = {
        "answer": found, "project": entry, "release": entry["release"], "history": entry["history"][0],
        "worker": entry["workers"][0], "variable": found["variables"][0], "serving": found["release"],
    }[place]  # fmt: skip
    where[key] = odd
    return found


PLACES = [
    *(("answer", key) for key in IN_ANSWER), *(("project", key) for key in IN_PROJECT),
    *((place, key) for place in ("release", "history", "serving") for key in IN_RELEASE),
    *(("worker", key) for key in ("name", "running", "cause")), *(("variable", key) for key in ("name", "secret")),
]  # fmt: skip


@pytest.mark.parametrize("code", [0, 1, 2])
@pytest.mark.parametrize("command", COMMANDS)
def test_odd_answers_of_one_server_leave_the_other_s(command: str, code: int) -> None:
    for place, key in PLACES:
        for odd in ODD:

            def ask(target: SshTarget, verb: str, document: Mapping[str, Any]) -> Answer:
                return (
                    Answer(code, answer(place, key, odd))  # noqa: B023 - called at once
                    if target.address == "10.0.0.1"
                    else Answer(0, answer("answer", "ok", True))
                )

            result = COMMANDS[command](ask)
            said = "\n".join((*result.lines, *result.problems))
            assert json.dumps(result.document), (place, key, odd)
            assert said, (place, key, odd)
            assert "app2" in said or not command.startswith("status"), (place, key, odd, said)
