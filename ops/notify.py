"""`notify`: tell the stack's webhooks that a person is wanted."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from ops import fleet, words
from ops.access import Server
from ops.fleet import Ask, Reply


def notify(document: dict[str, object], servers: Sequence[Server], ask: Ask, *, as_json: bool = False) -> int:
    """Hand the message to the first server that takes it; its agent delivers and retries. Returns 0 when one took it.

    The webhooks are the stack's: a message given to every server would arrive several times.
    """
    tried: list[Reply] = []
    for server in servers:
        (reply,) = fleet.ask_each([server], "notify", document, ask).values()
        tried.append(reply)
        if reply.ok or reply.reached:  # one that refuses the message would only be followed by others
            break
    last = tried[-1]
    if as_json:
        print(json.dumps(_result(tried), indent=2, ensure_ascii=False))
    else:
        _say(last, tried)
    return 0 if last.ok else 1


def _result(tried: Sequence[Reply]) -> dict[str, object]:
    last = tried[-1]
    return {
        "ok": last.ok,
        "server": last.server if last.ok else None,
        "enqueued": last.document.get("enqueued", 0) if last.ok else 0,
        "warnings": last.document.get("warnings", []),
        "problems": {reply.server: reply.problem for reply in tried if not reply.ok},
    }


def _say(last: Reply, tried: Sequence[Reply]) -> None:
    for reply in tried:
        if not reply.ok:
            print(f"{words.clean(reply.server)}: {words.clean(reply.problem)}", file=sys.stderr)
    if not last.ok:
        return
    count = last.document.get("enqueued", 0)
    print(
        f"{words.clean(last.server)} delivers it to {words.clean(count)} webhook{'' if count == 1 else 's'}"
    )
    for warning in last.document.get("warnings", []):
        print(words.clean(warning), file=sys.stderr)
