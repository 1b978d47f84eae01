"""MinIO's administrators: users with all rights, one a number; its root user is let in no more once there is one.

Root's password is read at a start alone, and a restart fails requests: who is let in by nobody needs no other one. All is
done by `mc` in MinIO's own container, whose words are no secrets; those are on its standard input.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from agent.admins.document import Admins, Login
from agent.documents.errors import Failed
from agent.host.ports import Ports, Result

SERVICE: Final = "minio.service"
SCRIPT: Final = 'read -r login; export MC_HOST_it="http://$login@127.0.0.1:9000" MC_CONFIG_DIR=/tmp/.mc; exec mc --json "$@"'
_CONTAINER: Final = "minio"
_RIGHTS: Final = "consoleAdmin"
_TIMEOUT_S: Final = 60


def program(words: Sequence[str]) -> list[str]:
    """mc with these words; the first line of its input is who logs in, `user:password`."""
    return ["podman", "exec", "--interactive", _CONTAINER, "sh", "-c", SCRIPT, "mc", *words]


def concerned(admins: Admins) -> bool:
    """Whether there is anything to do: a root user that does all by itself is made by MinIO."""
    return admins.numbers["minio"] > 1 or bool(admins.accounts)


def ensure(ports: Ports, admins: Admins) -> list[str]:
    """Have the first administrator and all accounts, beside those that there are; who was made. Raises Failed."""
    if not concerned(admins):
        return []
    wanted = admins.minio[0]
    login = _let_in(ports, admins.minio)
    made = []
    if admins.numbers["minio"] > 1 and login.user != wanted.user:
        _make(ports, login, wanted, _RIGHTS)
        made.append(wanted.user)
    for account in admins.accounts:
        _make(ports, login, account, account.policy)
    return made


def settle(ports: Ports, admins: Admins) -> None:
    """Let in the first administrator alone: neither those before nor root. Raises Failed."""
    if admins.numbers["minio"] == 1:
        return
    wanted, root = admins.minio[0], admins.minio[-1].user
    _must(ports, wanted, ["admin", "config", "set", "it", "api", "root_access=off"])
    for row in _must(ports, wanted, ["admin", "user", "ls", "it"]):
        name = str(row.get("accessKey", ""))
        if name.startswith(f"{root}.") and name != wanted.user:
            _must(ports, wanted, ["admin", "user", "rm", "it", name])


def _let_in(ports: Ports, logins: Iterable[Login]) -> Login:
    """The first that administers. Raises Failed with what MinIO says of the last."""
    why = ""
    for login in logins:
        result = _mc(ports, login, ["admin", "policy", "info", "it", _RIGHTS])
        if result.ok:
            return login
        why = _cause(result)
    raise _failed(f"none of the passwords lets anybody in: {why}")


def _make(ports: Ports, login: Login, user: Login, policy: str) -> None:
    """A user that is there gets the password; a policy that it has already stays."""
    _must(ports, login, ["admin", "user", "add", "it"], f"{user.user}\n{user.password}\n")
    _must(ports, login, ["admin", "policy", "attach", "it", policy, "--user", user.user])


def _must(ports: Ports, login: Login, words: Sequence[str], text: str = "") -> list[dict[str, Any]]:
    """What mc answers. Raises Failed."""
    result = _mc(ports, login, words, text)
    if not result.ok:
        raise _failed(f"`mc {' '.join(words)}` as {login.user}: {_cause(result)}")
    return _rows(result)


def _mc(ports: Ports, login: Login, words: Sequence[str], text: str = "") -> Result:
    stdin = f"{login.user}:{login.password}\n{text}"
    return ports.runner.run(program(words), stdin=stdin, timeout_s=_TIMEOUT_S)


def _rows(result: Result) -> list[dict[str, Any]]:
    """The JSON objects of an answer, a line each; a row that is none tells nothing."""
    found = []
    for line in result.out.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            found.append(row)
    return found


def _cause(result: Result) -> str:
    """What MinIO says; mc's own words only where they are JSON, as others may repeat what it was given."""
    for row in _rows(result):
        error = row.get("error")
        if isinstance(error, dict):
            cause = error.get("cause")
            inner = cause.get("message") if isinstance(cause, dict) else None
            return str(inner or error.get("message"))
    return f"status {result.code}" if result.code != 127 else "the container has no mc"


def _failed(cause: str) -> Failed:
    return Failed("admins", f"MinIO's administrator: {cause}", "see `systemctl status minio`, then run again")
