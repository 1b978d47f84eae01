"""Ask the agents what runs, before anything is planned: an effect at the program's edge, like the tunnel."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pulumi

from codeb.live import Live, gather, servers_to_ask, silence, words
from codeb.plan import Plan
from codeb.ssh import SshTarget
from ops.ssh import SshError, ask

CONNECT_SECONDS = 3
ALL_SECONDS = 6
_AT_ONCE = 16


def read_live(targets: Mapping[str, SshTarget], previous: Mapping[str, Any] | None) -> Live:
    """The projects that run on the servers of the previous registry, all servers asked at once.

    A server that does not answer in time, or has no agent yet, is silent: that is no error here. Nothing secret is asked
    for or answered.
    """
    servers = [name for name in servers_to_ask(previous) if name in targets]
    if not servers:
        return Live()
    with ThreadPoolExecutor(_AT_ONCE) as workers:
        found = dict(zip(servers, workers.map(lambda name: _status(targets[name]), servers), strict=True))
    answers = {name: answer for name, answer in found.items() if not isinstance(answer, str)}
    silent = {name: answer for name, answer in found.items() if isinstance(answer, str)}
    return gather(answers, silent)


def tell(plan: Plan, live: Live) -> None:
    """Say what an update will do to projects that were rolled back; in a preview also who did not answer."""
    quiet = silence(live) if pulumi.runtime.is_dry_run() else []
    for word in (*words(plan, live, pulumi.get_stack()), *quiet):
        (pulumi.log.warn if word.wrong else pulumi.log.info)(word.text)


def _status(target: SshTarget) -> Mapping[str, Any] | str:
    """The answer, or why there is none."""
    try:
        answer = ask(target, "status", {"version": 1}, connect_seconds=CONNECT_SECONDS, timeout=ALL_SECONDS)
    except SshError as error:
        return str(error)
    return answer.document if answer.code == 0 else str(answer.document.get("cause", "its agent failed"))
