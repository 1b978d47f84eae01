"""What messages say: an event as text for Slack and Mattermost, and as a JSON document for everybody else."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Final, Literal

Kind = Literal[
    "started",
    "succeeded",
    "failed",
    "rolled-back",
    "approval-wanted",
    "backup-failed",
    "backup-late",
    "proof-failed",
]

_LONGEST: Final = 2000
_LONGEST_LINE: Final = 600
_UNPRINTABLE: Final = re.compile(
    r"[^\S\n ]|[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}  # all that Slack gives a meaning
_CALLS: Final = re.compile(
    r"@(?=(?:all|channel|everyone|here)\b)", re.IGNORECASE
)  # Mattermost wakes everybody
_ICONS: Final = {
    "started": ":arrow_forward:",
    "succeeded": ":white_check_mark:",
    "failed": ":x:",
    "rolled-back": ":rewind:",
    "approval-wanted": ":raised_hand:",
    "backup-failed": ":x:",
    "backup-late": ":hourglass:",
    "proof-failed": ":x:",
}


@dataclass(frozen=True)
class Event:
    """Something that happened to a project. Texts are redacted by whoever makes it.

    `at` is UTC like `2026-11-23T04:00:00Z`, `release` an id like `r12`, `duration_s` in seconds. `phase`, `cause`,
    `remedy` and `put_back` belong to `failed` and to those of backups (`cause` to `rolled-back` too), `text` and `url` to
    `approval-wanted`.
    """

    event: Kind
    project: str
    by: str
    at: str
    domain: str = ""
    image: str = ""
    digest: str = ""
    release: str = ""
    duration_s: float | None = None
    phase: str = ""
    cause: str = ""
    remedy: str = ""
    put_back: str = ""
    text: str = ""
    url: str = ""


def document(event: Event, stack: str) -> dict[str, object]:
    """The event as docs/notifications.md describes it; what is empty is left out."""
    values = {
        key: _clean(value, _LONGEST) if isinstance(value, str) else value
        for key, value in asdict(event).items()
        if value not in ("", None)
    }
    return {"version": 1, "stack": stack, **values}


def slack(event: Event, stack: str) -> dict[str, object]:
    """The event in the few lines that a person needs."""
    first = f"{_ICONS[event.event]} *{_safe(event.project)}* ({_safe(stack)}): {_happened(event)}, by {_safe(event.by)}"
    more = (
        (
            "",
            f"https://{event.domain}" if event.domain and event.event in ("succeeded", "rolled-back") else "",
        ),
        ("", event.text),
        ("cause: ", event.cause),
        ("put back: ", event.put_back),
        ("what to do: ", event.remedy),
        ("", event.url),
    )
    return {"text": "\n".join([first, *(f"{label}{_safe(value)}" for label, value in more if value)])}


def _happened(event: Event) -> str:
    release = f"release {_safe(event.release)}" if event.release else "release"
    image = f" of {_safe(event.image)}" if event.image else ""
    pinned = f" ({_safe(event.digest)[:19]})" if event.digest else ""
    took = "" if event.duration_s is None else f" after {_seconds(event.duration_s)}"
    if event.event == "started":
        return f"{release}{image} started"
    if event.event == "succeeded":
        return f"{release}{image}{pinned} serves{took}"
    if event.event == "failed":
        where = f" in {_safe(event.phase)}" if event.phase else ""
        return f"{release}{image} failed{where}{took}"
    if event.event == "rolled-back":
        return f"rolled back, {release}{image}{pinned} serves again{took}"
    return {
        "backup-failed": f"backup failed{f' in {_safe(event.phase)}' if event.phase else ''}",
        "backup-late": "backup is late",
        "proof-failed": f"no proof of its newest backup{f': {_safe(event.phase)}' if event.phase else ''}",
    }.get(event.event, "approval wanted")


def _seconds(duration_s: float) -> str:
    minutes, rest = divmod(round(duration_s), 60)
    return f"{minutes} min {rest} s" if minutes else f"{duration_s:.1f} s"


def _safe(text: str) -> str:
    """Text that Slack shows as it is: no link, mention or call of everybody can be made with it."""
    escaped = "".join(_ESCAPES.get(character, character) for character in _clean(text, _LONGEST_LINE))
    return _CALLS.sub("@\u200b", escaped)


def _clean(text: str, longest: int) -> str:
    printable = _UNPRINTABLE.sub(" ", text).strip()
    return printable if len(printable) <= longest else f"{printable[: longest - 1]}…"
