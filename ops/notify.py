"""`notify`: tell the stack's webhooks that a person is wanted."""

from __future__ import annotations

from collections.abc import Sequence

from ops import fleet, words
from ops.access import Server
from ops.fleet import Ask, Reply
from ops.result import Result


def notify(document: dict[str, object], servers: Sequence[Server], ask: Ask) -> Result:
    """Hand the message to the first server that takes it; its agent delivers and retries. It is ok when one took it.

    The webhooks are the stack's: a message given to every server would arrive several times.
    """
    tried: list[Reply] = []
    for server in servers:
        (reply,) = fleet.ask_each([server], "notify", document, ask).values()
        tried.append(reply)
        if reply.ok or reply.reached:  # one that refuses the message would only be followed by others
            break
    return _result(tried)


def _result(tried: Sequence[Reply]) -> Result:
    last = tried[-1]
    warnings = last.document.get("warnings", [])
    document = {
        "ok": last.ok,
        "server": last.server if last.ok else None,
        "enqueued": last.document.get("enqueued", 0) if last.ok else 0,
        "warnings": warnings,
        "problems": {reply.server: reply.problem for reply in tried if not reply.ok},
    }
    refusals = [
        f"{words.clean(reply.server)}: {words.clean(reply.problem)}" for reply in tried if not reply.ok
    ]
    if not last.ok:
        return Result(document, problems=tuple(refusals))
    count = last.document.get("enqueued", 0)
    webhooks = f"{words.clean(count)} webhook{'' if count == 1 else 's'}"
    line = f"{words.clean(last.server)} delivers it to {webhooks}"
    return Result(document, (line,), (*refusals, *map(words.clean, warnings)))
