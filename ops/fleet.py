"""Several servers asked side by side, and what of their answers matters to a project."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from codeb.ssh import SshTarget
from ops.access import Server
from ops.shapes import shaped
from ops.ssh import Answer, SshError

_AT_ONCE = 16


class Ask(Protocol):
    """`ops.ssh.ask`, or what stands in for it in tests."""

    def __call__(self, target: SshTarget, verb: str, document: Mapping[str, Any]) -> Answer:
        """The agent's answer. Raises SshError."""


@dataclass(frozen=True)
class Reply:
    """What a server answered; `problem` says in words why it is not what was wanted, "" when it is.

    `reached` is false when it is not known whether the agent ran at all.
    """

    server: str
    problem: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)
    reached: bool = True

    @property
    def ok(self) -> bool:
        return not self.problem


def ask_each(servers: Sequence[Server], verb: str, document: Mapping[str, Any], ask: Ask) -> dict[str, Reply]:
    """The reply of each server by its name, in their order. All are asked at once."""
    return dict(
        zip((s.name for s in servers), _map(lambda s: _reply(s, verb, document, ask), servers), strict=True)
    )


def _map(work: Callable[[Server], Reply], servers: Sequence[Server]) -> list[Reply]:
    if len(servers) == 1:
        return [work(servers[0])]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_AT_ONCE) as workers:
        return list(workers.map(work, servers))


def _reply(server: Server, verb: str, document: Mapping[str, Any], ask: Ask) -> Reply:
    try:
        answer = ask(server.target, verb, document)
    except SshError as error:
        return Reply(server.name, str(error), reached=False)
    found = shaped(answer.document)
    return Reply(server.name, problem(verb, Answer(answer.code, found)), found)


def problem(verb: str, answer: Answer) -> str:
    """Why the agent's answer is not what was wanted, as one paragraph; "" when it is."""
    if answer.code == 0:
        return ""
    document = answer.document
    if answer.code == 2:
        return (
            f"the agent refuses the document: {document.get('cause', 'no cause')}. It may be older than this program: run "
            "`pulumi up`, which updates it"
        )
    parts = [f"{document.get('phase', verb)}: {document.get('cause', 'no cause')}"]
    if document.get("put_back"):
        parts.append(f"put back: {document['put_back']}")
    if document.get("remedy"):
        parts.append(str(document["remedy"]))
    return ". ".join(parts)


def projects(reply: Reply) -> list[Mapping[str, Any]]:
    """The projects of an answer of `status`; those that the server does not have are left out."""
    found = reply.document.get("projects", [])
    return (
        [each for each in found if isinstance(each, dict) and each.get("status") != "unknown"]
        if isinstance(found, list)
        else []
    )


def backups(reply: Reply) -> Mapping[str, Mapping[str, Any]]:
    """What an answer of `status` says of backups, by project; only the data server says anything."""
    found = reply.document.get("backups")
    return (
        {key: each for key, each in found.items() if isinstance(each, dict)}
        if isinstance(found, dict)
        else {}
    )


def to_roll_back(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Of the servers that have a project (name → its status), those on which it goes back.

    Where a release reached some servers only, the others serve already what those go back to: they stay, or the
    project would end on two releases again.
    """
    serving = {name: _which(status.get("release")) for name, status in found.items()}
    goals = {name: _which(each["previous"]) for name, each in found.items() if each.get("previous")}
    there = {goal for name, goal in goals.items() if any(goal == serving[o] != serving[name] for o in found)}
    return [name for name in found if serving[name] not in there]


def _which(release: object) -> str:
    """What tells one release from another on all servers: the image's digest, or its name where it has none."""
    if not isinstance(release, dict):
        return ""
    return str(release.get("digest") or release.get("image") or "")
