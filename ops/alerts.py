"""`alerts`: what fires and what is about to, and silences.

Prometheus knows what is pending and what fires, Alertmanager what of it nobody is told: because of a silence, or because
another alert says it already. One of them is enough to say something.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from ops import words
from ops.access import Server
from ops.fleet import Ask
from ops.result import Result, failed
from ops.watching import Question, Said, Unwatched, asked, vector, watcher

QUIET: Final = "ProjectInMaintenance"
"""The alert that silences a project in maintenance: it is there for Alertmanager alone."""
_STATES: Final = ("firing", "pending", "silenced", "inhibited")
_HEADS: Final = ("ALERT", "OF", "SEVERITY", "STATE", "SINCE", "SUMMARY")
_QUESTIONS: Final = (
    Question("prometheus", "/api/v1/alerts", method="GET"),
    Question("alertmanager", "/api/v2/alerts", method="GET"),
    Question("alertmanager", "/api/v2/silences", method="GET"),
)
_PROJECTS: Final = Question("prometheus", "/api/v1/query", {"query": "codeb:project:servers"})
"""On how many servers each project is: what the rules know of projects that still exist."""
_WHOM: Final = ("project", "host", "server", "instance")
"""Labels that say whom an alert is about, the first that it has."""
_EARLIER: Final = timedelta(hours=1)
"""A silence begins so much before now by this machine's clock: Alertmanager makes it now by its own."""

Alert = dict[str, Any]


def alerts(stack: str, servers: Sequence[Server], ask: Ask, project: str = "") -> Result:
    """All that fires or is pending, of all projects or one; ok when nothing fires unsilenced, and both services answered."""
    try:
        questions = (*_QUESTIONS, _PROJECTS) if project else _QUESTIONS
        rules, manager, quiet, *known = asked(watcher(servers, stack), questions, ask)
    except Unwatched as error:
        return failed(error)
    problems = list(dict.fromkeys(each.problem for each in (rules, manager, quiet, *known) if each.problem))
    found = [
        each
        for each in _merged(_of_prometheus(rules), _of_manager(manager))
        if project in ("", each["project"])
    ]
    found.sort(key=lambda each: (_STATES.index(each["state"]), each["severity"], each["name"], each["of"]))
    silences = [each for each in map(_silence, _list(quiet.json())) if each]
    unknown = [] if found else [each for each in known if each.ok and project not in _projects(each)]
    if unknown:
        problems.append(
            f"Prometheus knows no project {project}: `codeb status --stack {stack}` shows which there are; a new one is "
            "known a minute after its release"
        )
    fires = any(each["state"] == "firing" for each in found)
    document = {"ok": not fires and not problems, "alerts": found, "silences": silences, "problems": problems}
    lines = words.table(_HEADS, [_cells(each) for each in found]) if found else []
    if not found and rules.ok and not unknown:
        lines = ["nothing fires, and nothing is about to"]
    lines += ["", *map(_silence_line, silences)] if silences else []
    return Result(document, tuple(lines), tuple(words.clean(problem) for problem in problems))


def _projects(said: Said) -> set[str]:
    return {str(labels.get("project")) for labels, _ in vector(said)}


def _of_prometheus(said: Said) -> list[Alert]:
    document = said.json()
    data = document.get("data") if isinstance(document, dict) else None
    rows = _list(data.get("alerts")) if isinstance(data, dict) else []
    return [
        _alert(each, "firing" if each.get("state") == "firing" else "pending", each.get("activeAt"))
        for each in rows
        if _labels(each).get("alertname") not in (None, QUIET)
    ]


def _of_manager(said: Said) -> list[Alert]:
    found = []
    for each in _list(said.json()):
        status = each.get("status")
        status = status if isinstance(status, dict) else {}
        state = (
            "silenced" if status.get("silencedBy") else "inhibited" if status.get("inhibitedBy") else "firing"
        )
        if _labels(each).get("alertname") not in (None, QUIET):
            found.append(_alert(each, state, each.get("startsAt")))
    return found


def _merged(rules: Sequence[Alert], managed: Sequence[Alert]) -> list[Alert]:
    """Each alert once: Prometheus' with Alertmanager's state, and those that only Alertmanager knows."""
    left = list(managed)
    found = []
    for alert in rules:
        same = next((each for each in left if alert["labels"].items() <= each["labels"].items()), None)
        if same is not None:
            left.remove(same)
        state = same["state"] if same and alert["state"] == "firing" else alert["state"]
        found.append({**alert, "state": state})
    return found + left


def _alert(each: Mapping[str, Any], state: str, since: object) -> Alert:
    labels, notes = _labels(each), each.get("annotations")
    notes = notes if isinstance(notes, dict) else {}
    return {
        "name": str(labels["alertname"]),
        "project": str(labels.get("project", "")),
        "of": next((str(labels[key]) for key in _WHOM if labels.get(key)), ""),
        "severity": str(labels.get("severity", "")),
        "state": state,
        "since": str(since or ""),
        **{key: str(notes.get(key, "")) for key in ("summary", "cause", "runbook")},
        "labels": labels,
    }


def _labels(each: Mapping[str, Any]) -> dict[str, Any]:
    labels = each.get("labels")
    return labels if isinstance(labels, dict) else {}


def _list(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _cells(alert: Alert) -> list[str]:
    texts = (alert[key] for key in ("name", "of", "severity", "state"))
    return [
        *(words.clean(text) or "-" for text in texts),
        _second(alert["since"]),
        words.clean(alert["summary"]),
    ]


def _second(moment: str) -> str:
    return words.clean(moment[:19].replace("T", " ")) or "-"


def _silence(each: Mapping[str, Any]) -> dict[str, str]:
    """A silence that counts; {} for one that has ended."""
    status = each.get("status")
    if not isinstance(status, dict) or status.get("state") not in ("active", "pending"):
        return {}
    matched = [
        f"{one.get('name')}{'=' if one.get('isEqual', True) else '!='}{'~' if one.get('isRegex') else ''}{one.get('value')}"
        for one in _list(each.get("matchers"))
    ]
    texts = {"id": "id", "until": "endsAt", "by": "createdBy", "why": "comment"}
    return {"what": " ".join(matched), **{key: str(each.get(name, "")) for key, name in texts.items()}}


def _silence_line(silence: Mapping[str, str]) -> str:
    told = (silence["what"], _second(silence["until"]), silence["by"], silence["why"], silence["id"])
    return words.clean("silent: {} until {} UTC, by {}: {} (id {})".format(*told))


def silence(
    names: Mapping[str, str], length: timedelta, why: str, by: str, now: datetime, server: Server, ask: Ask
) -> Result:
    """Nobody is told of alerts with these labels (`alertname`, `project`) for so long. Their state shows all the same."""
    until = now + length
    content = {
        "matchers": [
            {"name": name, "value": value, "isRegex": False, "isEqual": True} for name, value in names.items()
        ],
        "startsAt": _iso(now - _EARLIER),
        "endsAt": _iso(until),
        "createdBy": by,
        "comment": why,
    }
    try:
        (said,) = asked(server, [Question("alertmanager", "/api/v2/silences", content=content)], ask)
    except Unwatched as error:
        return failed(error)
    document = said.json()
    number = document.get("silenceID") if isinstance(document, dict) else None
    if not said.ok or not isinstance(number, str):
        return failed(
            words.clean(said.problem or "Alertmanager answers unreadably: whether it is silent is not known")
        )
    what = " of ".join(words.clean(value) for value in names.values())
    return Result(
        {"ok": True, "id": number, "until": _iso(until), "what": dict(names)},
        (
            f"{what}: nobody is told until {until:%Y-%m-%d %H:%M:%S} UTC",
            f"Take it back: codeb alerts unsilence {words.clean(number)}",
        ),
    )


def unsilence(number: str, server: Server, ask: Ask) -> Result:
    """People are told again of what a silence kept from them."""
    try:
        (said,) = asked(server, [Question("alertmanager", f"/api/v2/silence/{number}", method="DELETE")], ask)
    except Unwatched as error:
        return failed(error)
    if said.status == 404:
        return failed(f"there is no silence {number}: `codeb alerts` shows those that there are")
    if not said.ok:
        return failed(words.clean(said.problem))
    return Result({"ok": True, "id": number}, (f"silence {number} has ended",))


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
