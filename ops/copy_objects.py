"""`codeb copy-objects`: the data server's agent copies a project's objects to Vultr's Object Storage, or back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ops import words
from ops.access import Server
from ops.backup import answered, data_server
from ops.result import Result, failed
from ops.streams import Tell

_WHERE: Final = {"here": "the data server", "managed": "Vultr's Object Storage"}


@dataclass(frozen=True)
class Wanted:
    """To which side; `exact`: what is only there goes; `forget`: what was left here does; `dry_run`: only count."""

    project: str
    to: Literal["here", "managed"]
    exact: bool = False
    forget: bool = False
    dry_run: bool = False
    by: str = ""
    wait_s: int = 0


def copy_objects(
    wanted: Wanted, servers: Sequence[Server], tell: Tell, say: Callable[[str], object]
) -> Result:
    """Ok once every object is at the other side; `say` is told how far it is."""
    server = data_server(servers)
    if server is None:
        return failed("the stack has no server with the role data: there is nothing to copy")
    document = {
        "version": 1,
        "project": wanted.project,
        "to": wanted.to,
        "exact": wanted.exact,
        "forget": wanted.forget,
        "dry_run": wanted.dry_run,
        "by": wanted.by,
        "wait_s": wanted.wait_s,
    }
    answer, problem = answered(
        server, "copy-objects", document, tell, lambda told: say(words.clean(_phase(told)))
    )
    if not answer:
        return failed(f"{server.name}: {words.clean(problem)}; run the same command again")
    if answer.get("ok") is not True:
        lines = [f"{answer.get('phase')}: {answer.get('cause')}. {answer.get('remedy')}"]
        lines += [f"  | {line}" for line in answer.get("log") or ()]
        return Result({**answer, "server": server.name}, (), tuple(map(words.clean, lines)))
    buckets = answer.get("buckets") or ()
    lines = [words.clean(_bucket(each, dry_run=wanted.dry_run)) for each in buckets]
    lines += [
        words.clean(
            f"warning: {each.get('bucket')} takes no CORS rule: uploads straight from browsers will fail"
        )
        for each in buckets
        if each.get("browsers") is False
    ]
    return Result({**answer, "server": server.name}, (*lines, words.clean(_next(wanted, answer))))


def _phase(told: Mapping[str, Any]) -> str:
    copied = f"{words.count(int(told.get('copied') or 0), 'object')} copied ({words.size(told.get('size'))})"
    return f"{told.get('bucket')}: {told.get('objects')} seen, {copied}"


def _bucket(found: Mapping[str, Any], *, dry_run: bool) -> str:
    """`shop-files: 13 objects copied (6.5 kB), 840 the same`."""
    would = "would be copied" if dry_run else "copied"
    text = f"{found.get('bucket')}: {words.count(int(found.get('copied') or 0), 'object')} {would}"
    parts = [f"{text} ({words.size(found.get('size'))})", f"{found.get('same')} the same"]
    parts += [f"{found['newer']} written there since, left as they are"] if found.get("newer") else []
    parts += [f"{found['gone']} deleted there since, left out"] if found.get("gone") else []
    left = int(found.get("extra") or 0) - int(found.get("removed") or 0)
    parts += [f"{left} that are only there"] if left else []
    parts += [f"{found['removed']} deleted that were only there"] if found.get("removed") else []
    parts += [f"{found['forgotten']} removed that were left"] if found.get("forgotten") else []
    return ", ".join(parts)


def _next(wanted: Wanted, answer: Mapping[str, Any]) -> str:
    """Where the app is, and what is to be done for it to be at the other side."""
    if answer.get("settled") is False:
        return (
            f"{wanted.project}: an update that takes it to Vultr has not come to its end; what is newer stayed as it was: "
            "`pulumi up`, then run this once more"
        )
    if answer.get("serves") == wanted.to:
        return f"{wanted.project} has its buckets at {_WHERE[wanted.to]}"
    name = "projects" if wanted.to == "managed" else "prepared"
    return (
        f"{wanted.project} has its buckets at {_WHERE.get(str(answer.get('serves')), 'the other side')} still: "
        f"write it in codeb:managed.objects.{name}, `pulumi up`, then run this once more"
    )
