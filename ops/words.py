"""What the commands say: pure text from the agents' answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from ops.fleet import Reply

_DIGEST_DIGITS = 12
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


def clean(text: object) -> str:
    """Text from a host as a terminal may show it: one line, no control characters."""
    return "".join(c if c.isprintable() else "?" for c in str(text).replace("\n", " "))


def count(number: int, noun: str) -> str:
    """So many of something."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def short(digest: object) -> str:
    """The first digits of a digest, `-` for none."""
    text = clean(digest or "")
    return text.removeprefix("sha256:")[:_DIGEST_DIGITS] or "-"


def command(project: str, stack: str, *, forward: bool) -> str:
    """The command line that goes forward, or back."""
    return f"codeb rollback {project} {'--forward ' if forward else ''}--stack {stack}"


def moved(project: str, reply: Reply) -> list[str]:
    """What a rollback did on one server."""
    where = f"{project} on {clean(reply.server)}"
    if not reply.ok:
        return [f"{where}: not done: {clean(reply.problem)}"]
    release = _release(reply.document)
    now = f"{clean(release.get('image', '?'))} ({clean(release.get('id', '?'))}, {short(release.get('digest'))})"
    warnings = [f"  {clean(warning)}" for warning in reply.document.get("warnings", [])]
    if not reply.document.get("changed"):
        return [f"{where}: nothing to do, it serves {now}", *warnings]
    health = (reply.document.get("health") or {}).get("status", "unknown")
    return [
        f"{where}: {clean(release.get('why', 'done'))}",
        f"  it serves {now} now, {clean(health)}, asked through Caddy",
        *warnings,
    ]


def afterwards(project: str, stack: str, image: str, *, forward: bool) -> list[str]:
    """How to take it back, and what the next `pulumi up` will do."""
    if forward:
        return [
            f"Back again: {command(project, stack, forward=False)}",
            "The next `pulumi up` releases what the manifest says, as always.",
        ]
    return [
        f"Forward again: {command(project, stack, forward=True)}",
        f"The next `pulumi up` leaves it on {clean(image)} while the manifest asks for what was withdrawn, and says so; "
        "a manifest that changes its image or environment is released and ends the rollback.",
    ]


def half(project: str, stack: str, replies: Sequence[Reply], *, forward: bool) -> list[str]:
    """What is wrong with a project that moved on some servers only, and the remedy; nothing for all or none."""
    done, failed = [r for r in replies if r.ok], [r for r in replies if not r.ok]
    if not done or not failed:
        return []
    way = "forward" if forward else "back"
    names = ", ".join(clean(reply.server) for reply in failed)
    return [
        f"{project} is half rolled {way}: {', '.join(clean(r.server) for r in done)} moved, {names} did not. Put right what "
        f"is said of {names}, then run it again: {command(project, stack, forward=forward)}"
        f"\nOr take it back where it moved: {command(project, stack, forward=not forward)}"
    ]


def nowhere(project: str, stack: str, servers: Sequence[str]) -> str:
    """No server that answered has the project."""
    return f"{project} has no release on {', '.join(servers)}: `codeb status --stack {stack}` shows what they run"


def project_status(status: Mapping[str, Any], server: str, now: str) -> list[str]:
    """Everything of one project on one server. `now` is the host's time."""
    head = f"{clean(status.get('project'))} on {clean(server)}: {clean(status.get('status'))}"
    cause = f": {clean(status['cause'])}" if status.get("cause") else ""
    lines = [head + cause + (", in maintenance" if status.get("maintenance") else "")]
    release = _release(status)
    if release:
        lines += [
            f"  serves     {_named(release)}",
            f"  since      {_moment(release.get('at'), now)}, by {clean(release.get('by') or '-')}",
            f"  why        {clean(release.get('why') or '-')}",
            f"  standby    {standby(status, now)}",
        ]
    lines += [_worker(each) for each in status.get("workers", ())]
    if status.get("withdrawn"):
        lines.append(f"  withdrawn  {_named(status['withdrawn'])}")
    if status.get("crashed") and status["crashed"] not in str(status.get("cause")):
        lines.append(f"  crashed    its container {clean(status['crashed'])}")
    if status.get("working_since"):
        lines.append(f"  under way  a release is running since {_moment(status['working_since'], now)}")
    elif status.get("unfinished"):
        lines.append("  unfinished a release was interrupted; the next one puts its changes back first")
    return [*lines, "", *history(status.get("history", []))]


def backup(facts: Mapping[str, Any], now: str) -> list[str]:
    """What is known of a project's backups. `now` is the host's time."""
    last = f"{_moment(facts['last'], now)}, {size(facts.get('size'))}" if facts.get("last") else "none yet"
    proven = f"proven {_moment(facts['proven'], now)}" if facts.get("proven") else "never proven"
    lines = [f"  backup     {last}; {proven}"]
    if facts.get("point_in_time_from"):
        lines.append(f"             any moment since {_moment(facts['point_in_time_from'], now)}")
    if isinstance(kept := facts.get("kept"), Mapping):
        lines.append(f"             {_kept(kept, now)}")
    wrong = backup_wrong(facts)
    return [*lines, f"             {wrong}"] if wrong else lines


def _kept(kept: Mapping[str, Any], now: str) -> str:
    """What a restore has put aside."""
    of = "what it brought" if kept.get("undone") else "what was there"
    done = (
        f"{kept.get('what')}{' was taken back' if kept.get('undone') else ''} {_moment(kept.get('at'), now)}"
    )
    return clean(f"{done}; {of} takes {size(kept.get('size'))} until {kept.get('until')}")


def backup_wrong(facts: Mapping[str, Any]) -> str:
    """What is wrong with a project's backups, "" for nothing."""
    return clean(facts.get("problem") or ("late" if facts.get("late") is True else ""))


def size(number: object) -> str:
    """Bytes for people: `1.2 GB`."""
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < 1 << 80:
        return "-"
    value, unit = float(number), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 or value >= 100 else f"{value:.1f} {_UNITS[unit]}"


def idle_workers(status: Mapping[str, Any]) -> str:
    """What is wrong with a project's workers, "" for nothing."""
    return "; ".join(str(each["cause"]) for each in status.get("workers", ()) if each.get("cause"))


def _worker(worker: Mapping[str, Any]) -> str:
    told = f"{clean(worker.get('running'))} of {clean(worker.get('replicas'))} run" + (
        ", never two at once" if worker.get("exclusive") else ""
    )
    wrong = f": {clean(worker['cause'])}" if worker.get("cause") else ""
    return f"  worker     {clean(worker.get('name'))}: {told}{wrong}"


def standby(status: Mapping[str, Any], now: str) -> str:
    """What a rollback or `--forward` would go to, and how fast."""
    other = status.get("previous") or status.get("withdrawn")
    if not isinstance(other, Mapping):
        return "none: there is no earlier release"
    name = clean(other.get("id") or other.get("image") or "?")
    if not status.get("standby"):
        return f"{name} has stopped: a rollback to it starts it again first"
    until = status.get("standby_until")
    return f"{name} stands by until {_moment(until, now)}" if until else f"{name} stands by"


def history(past: Sequence[Mapping[str, Any]]) -> list[str]:
    """The last releases as a table, newest first."""
    rows = [
        [
            clean(each.get("id") or "-"), clean(each.get("image") or "-"), short(each.get("digest")),
            _second(each.get("at")), clean(each.get("by") or "-"), clean(each.get("outcome") or "-"),
            seconds(each.get("duration_s")), clean(each.get("cause") or each.get("why") or "-"),
        ]
        for each in past
    ]  # fmt: skip
    return table(("ID", "IMAGE", "DIGEST", "WHEN", "BY", "OUTCOME", "TOOK", "CAUSE"), rows)


def seconds(length: object) -> str:
    """How long something took, as a host says it; `?` for what is no number."""
    return f"{length:.1f} s" if isinstance(length, int | float) else "0.0 s" if not length else "?"


def overview(found: Sequence[tuple[str, Mapping[str, Any], str]]) -> list[str]:
    """All projects of all servers as a table: (server, status, the host's time) each."""
    rows = []
    for server, status, now in found:
        release = _release(status)
        state = "maintenance" if status.get("maintenance") else status.get("status")
        rows.append(
            [
                clean(status.get("project")), clean(server), clean(state), clean(release.get("id") or "-"),
                clean(release.get("image") or "-"), short(release.get("digest")), _second(release.get("at")),
                clean(release.get("by") or "-"), _left(status.get("standby_until"), now) or "-",
                clean(_why(status, release)),
            ]
        )  # fmt: skip
    heads = ("PROJECT", "SERVER", "STATUS", "RELEASE", "IMAGE", "DIGEST", "SINCE", "BY", "STANDBY", "WHY")
    return table(heads, sorted(rows))


def _why(status: Mapping[str, Any], release: Mapping[str, Any]) -> object:
    """Why it serves, and of what isn't well what is wrong with it."""
    wrong = status.get("cause") if status.get("status") != "healthy" else idle_workers(status)
    return wrong or release.get("why") or "-"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows under heads, never cut off."""
    lines = [heads, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def _release(document: Mapping[str, Any]) -> Mapping[str, Any]:
    release = document.get("release")
    return release if isinstance(release, Mapping) else {}


def _named(release: Mapping[str, Any]) -> str:
    return f"{clean(release.get('id') or '-')}  {clean(release.get('image') or '-')}  {short(release.get('digest'))}"


def _second(moment: object) -> str:
    return clean(moment).replace("T", " ").removesuffix("Z") if moment else "-"


def _moment(moment: object, now: str) -> str:
    """A moment with how far it is from now: `2026-11-24 17:02:24 UTC (58 min left)`."""
    far = _minutes(moment, now)
    if far is None:
        return _second(moment)
    words = f"{_length(far)} left" if far > 0 else f"{_length(-far)} ago" if far else "just now"
    return f"{_second(moment)} UTC ({words})"


def _left(moment: object, now: str) -> str:
    far = _minutes(moment, now)
    return "" if far is None else _length(max(far, 0))


def _minutes(moment: object, now: str) -> int | None:
    """Whole minutes from now to the moment, negative for the past; None when one of them is no time."""
    try:
        return round((_time(str(moment)) - _time(now)).total_seconds() / 60)
    except ValueError:
        return None


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")


def _length(minutes: int) -> str:
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"
