"""Ask the agents what runs, before anything is planned: an effect at the program's edge, like the tunnel."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pulumi

from codeb.live import Live, gather, servers_to_ask, silence, words
from codeb.plan import Plan
from codeb.ssh import SshTarget
from ops.ssh import LoginRefused, SshError, ask

CONNECT_SECONDS = 3
ALL_SECONDS = 6
_AT_ONCE = 16


def read_live(
    targets: Mapping[str, SshTarget], previous: Mapping[str, Any] | None, more: Collection[str] = ()
) -> Live:
    """The projects that run on the servers of the previous registry, all servers asked at once.

    `more` are servers that know something else that a plan needs. One that does not answer in time, or has no agent yet, is
    silent: that is no error here. Nothing secret is asked for or answered. An update asks new servers, too, whether they let
    us in: the command plugin would try to log in seventy times whatever the reason, and five refused logins shut an address
    out.

    Raises:
        pulumi.RunError: in an update, a server takes none of our keys.
    """
    asked = sorted({*servers_to_ask(previous), *(more if previous else ())})
    known = [name for name in asked if name in targets]
    servers = known if pulumi.runtime.is_dry_run() else list(targets)
    if not servers:
        return Live()
    with ThreadPoolExecutor(_AT_ONCE) as workers:
        said = list(workers.map(lambda name: _status(targets[name], known=name in known), servers))
    found = dict(zip(servers, said, strict=True))
    refused = [f"{name}: {answer}" for name, answer in found.items() if isinstance(answer, LoginRefused)]
    if refused and not pulumi.runtime.is_dry_run():
        raise pulumi.RunError("\n".join(refused))
    answers = {name: answer for name, answer in found.items() if not isinstance(answer, SshError)}
    silent = {name: str(found[name]) for name in known if name not in answers}
    return gather(answers, silent)


def tell(plan: Plan, live: Live) -> None:
    """Say what an update will do to projects that were rolled back, and which servers did not answer."""
    for word in (*words(plan, live, pulumi.get_stack()), *silence(live)):
        (pulumi.log.warn if word.wrong else pulumi.log.info)(word.text)


def _status(target: SshTarget, *, known: bool) -> Mapping[str, Any] | SshError:
    """The answer, or why there is none."""
    try:
        answer = ask(
            target,
            "status",
            {"version": 1},
            connect_seconds=CONNECT_SECONDS,
            timeout=ALL_SECONDS,
            known=known,
        )
    except SshError as error:
        return error
    return answer.document if answer.code == 0 else SshError(answer.document.get("cause", "its agent failed"))
