"""`rebuild server`: a data server that is lost is made again, empty, and no app of it starts yet.

The state believes that its databases and buckets are there. What is done on a server and what lies on it are `deleted_with`
one another, so replacing any of it would run deletions, on the new server. Therefore the state forgets all of it; an
update then makes it as it did the first time, apps excepted, which would start on empty databases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ops import words
from ops.access import Server
from ops.fleet import Ask, Reply, ask_each

APPS: Final = "**codeb:project:Project$command:remote:Command::**"
"""All that is done of projects on servers: releases and routes."""
VISITED: Final = "**$codeb:server:Server$command:remote:Command::*-serving"
"""That an edge answers for all its sites, which it has not without them."""
_AGENT: Final = "$codeb:server:Server$command:remote:Command::{}-agent"
_NONE: Final = "has no codeb-agent"


class Stack(Protocol):
    """`ops.pulumi.CliStack`, or what stands in for it in tests."""

    @property
    def name(self) -> str:
        """Its short name."""

    def export(self) -> Mapping[str, Any]:
        """The state. Raises PulumiError."""

    def forget(self, urn: str) -> None:
        """Take a resource, with all that depends on it, out of the state. Raises PulumiError."""

    def run(self, verb: str, arguments: Sequence[str]) -> int:
        """Run a verb before everybody's eyes; the exit status. Raises PulumiError."""


@dataclass(frozen=True)
class Lost:
    """The server. `found` is how it is logged in to, None when nobody knows; `made`: by the stack itself, at Vultr.

    `empty`: its data is lost though its agent answers (a disk alone has died).
    """

    name: str
    found: Server | None
    made: bool = False
    empty: bool = False


def made_again(
    stack: Stack,
    lost: Lost,
    ask: Ask,
    keep: Callable[[Mapping[str, Any], str], object],
    confirm: Callable[[], bool],
    say: Callable[[str], object],
) -> int:
    """Say what will happen, ask, do it; 0 when the server is there, empty. Run again it goes on.

    Raises:
        PulumiError: the CLI could not be asked, or refuses.
    """
    name = lost.name
    why, begun = _looked_at(lost, ask)
    if why:
        say(why)
        return 1
    document = stack.export()
    urns = _urns(document)
    agent = next((urn for urn in urns if urn.endswith(_AGENT.format(name))), None)
    if agent is None or begun:
        agent = None
        say(f"{name} is begun already: what was made on it stays. If its data is lost again: --empty")
    else:
        say(
            f"{name} is lost: the state forgets what was done on it and what lay on it; nothing is deleted anywhere"
        )
    say(f"then an update makes {name} again, with empty databases and buckets, and starts no app")
    if not confirm():
        say("nothing was changed")
        return 1
    if agent is not None:
        say(f"state before: {keep(document, stack.name)}")
        stack.forget(agent)
        say(f"forgotten: {words.count(len(urns) - len(_urns(stack.export())), 'resource')}")
    if stack.run("up", ["--yes", "--skip-preview", "--exclude", APPS, "--exclude", VISITED]):
        say(f"not done: mend what it says, then again: codeb rebuild server {name} --stack {stack.name}")
        return 1
    say(f"now bring back what it had: codeb rebuild data --keys FILE --stack {stack.name}")
    return 0


def _looked_at(lost: Lost, ask: Ask) -> tuple[str, bool]:
    """Why not to begin, "" for nothing; and whether it was begun already: its agent is there, and no app."""
    if lost.found is None:
        return "", False
    reply = ask_each([lost.found], "status", {"version": 1}, ask)[lost.found.name]
    if not reply.reached:
        ready = lost.made or _NONE in reply.problem
        return "" if ready else f"{lost.name} can't be used yet: {words.clean(reply.problem)}", False
    serving = _serving(reply)
    if serving and not lost.empty:
        names = ", ".join(words.clean(each) for each in serving[:3])
        are = "is" if len(serving) == 1 else "are"
        return f"{lost.name} is not lost: {names} {are} served from there. Nothing was changed", False
    return "", not lost.empty


def _serving(reply: Reply) -> list[str]:
    found = reply.document.get("projects")
    entries = found if isinstance(found, list) else []
    return [str(each.get("project")) for each in entries if isinstance(each, Mapping) and each.get("active")]


def _urns(document: Mapping[str, Any]) -> list[str]:
    deployment = document.get("deployment")
    resources = deployment.get("resources") if isinstance(deployment, Mapping) else None
    return [str(each.get("urn")) for each in resources or () if isinstance(each, Mapping)]
