"""`rebuild server`: a data server that is lost is made again, empty, and no app of it starts yet.

The state believes that its databases and buckets are there. What is done on a server and what lies on it are `deleted_with`
one another, so replacing any of it would run deletions, on the new server. Therefore the state forgets all of it; an
update then makes it as it did the first time, apps excepted, which would start on empty databases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from ops import words
from ops.access import Server
from ops.fleet import Ask, Reply, ask_each

APPS: Final = "**codeb:project:Project$command:remote:Command::**"
"""All that is done of projects on servers: releases and routes."""
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


def made_again(
    stack: Stack,
    name: str,
    server: Server | None,
    ask: Ask,
    keep: Callable[[Mapping[str, Any], str], object],
    confirm: Callable[[], bool],
    say: Callable[[str], object],
) -> int:
    """Say what will happen, ask, do it; 0 when the server is there, empty.

    `server` is how it is logged in to, None when that is known only once it is made. Run again it goes on.

    Raises:
        PulumiError: the CLI could not be asked, or refuses.
    """
    if server is not None and (why := _refusal(name, server, ask)):
        say(why)
        return 1
    document = stack.export()
    urns = _urns(document)
    agent = next((urn for urn in urns if urn.endswith(_AGENT.format(name))), None)
    if agent is None:
        say(f"the state has nothing of {name} (any more)")
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
    code = stack.run("up", ["--yes", "--skip-preview", "--exclude", APPS])
    if code:
        say(f"not done: mend what it says, then again: codeb rebuild server {name} --stack {stack.name}")
        return 1
    say(f"now bring back what it had: codeb rebuild data --keys FILE --stack {stack.name}")
    return 0


def _refusal(name: str, server: Server, ask: Ask) -> str:
    """Why not to begin, "" when the server answers and nothing runs on it."""
    reply = ask_each([server], "status", {"version": 1}, ask)[server.name]
    if not reply.reached:
        return "" if _NONE in reply.problem else f"{name} can't be used yet: {words.clean(reply.problem)}"
    serving = _serving(reply)
    if not serving:
        return ""
    names = ", ".join(words.clean(each) for each in serving[:3])
    return f"{name} is not lost: {names} {'is' if len(serving) == 1 else 'are'} served from there. Nothing was changed"


def _serving(reply: Reply) -> list[str]:
    found = reply.document.get("projects")
    entries = found if isinstance(found, list) else []
    return [str(each.get("project")) for each in entries if isinstance(each, Mapping) and each.get("active")]


def _urns(document: Mapping[str, Any]) -> list[str]:
    deployment = document.get("deployment")
    resources = deployment.get("resources") if isinstance(deployment, Mapping) else None
    return [str(each.get("urn")) for each in resources or () if isinstance(each, Mapping)]
