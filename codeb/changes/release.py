"""One line for a project whose release command runs: what changes, and what its users notice of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final

from codeb.changes.settings import AROUND, CONTAINER, IMAGE, MARKS, PAGE, SITE
from codeb.changes.summary import UNNOTED, Summary

Status = Mapping[str, Any]
"""The project in the answer of the agent's `status`: `marks` are of what serves and of the other colour."""

_SHOWN: Final = 48
"""Characters up to which an old and a new value are told; longer ones are in the properties."""
_OF_SITE: Final = (
    *("environment.domain", "environment.aliases"),
    *("features.max_upload", "features.canary", "monitoring.metrics_path"),
    *("features.protect", "features.redirects.", "features.headers", "login "),
)
_OF_CONTAINER: Final = (
    *("environment.", "variable ", "secret ", "resources.", "ports", "redis", "project.name"),
    "features.workers.",
)

_LOGIN, _ADDRESSES = "login ", "features.protect.addresses"

_ABSENT: Final = {
    "features.cron.": "none",
    "features.workers.": "none",
    "features.maintenance": "off",
    "features.release_command": "none",
    "features.protect": "none",
    "features.redirects.": "none",
    "features.headers.": "as the app sends it",
    "environment.aliases": "none",
    "redis": "none",
}
"""What a setting is called that has no line, where that isn't its default value."""


class Course(Enum):
    """What the agent will do to the container that serves."""

    STAYS = "stays"
    AGAIN = "again"
    NEW = "new"
    RESUMED = "resumed"
    HELD = "held"
    UNKNOWN = "unknown"


def release_line(project: str, before: Summary, after: Summary, live: Status | None) -> str:
    """The line. `before` is what was last applied (empty: nobody knows), `live` what the host says now, if it answers."""
    course = course_of(before, after, live)
    what = ", ".join(_changed(before, after)) if IMAGE in before else UNNOTED
    return f"{project}: {what or 'nothing of its own settings'}. What users notice: {_noticed(course, before, after, live)}."


def course_of(before: Summary, after: Summary, live: Status | None) -> Course:
    """What `agent/release/observe.py` will find; a test compares the two."""
    marks = (live or {}).get("marks") or {}
    serving = marks.get("container") or (
        before.get(CONTAINER) if live is None or not live.get("marks") else None
    )
    wanted = after[CONTAINER]
    if not serving:
        return Course.UNKNOWN
    healthy = live is None or live.get("status") == "healthy"
    if wanted == serving:
        return Course.STAYS if healthy else Course.AGAIN
    if live is None or wanted != marks.get("other"):
        return Course.NEW
    if not live.get("withdrawn"):
        return Course.RESUMED
    return Course.HELD if healthy else Course.NEW


def reloads(before: Summary, after: Summary, live: Status | None) -> bool | None:
    """Whether Caddy reads another site afterwards; None when nobody knows."""
    marks = (live or {}).get("marks") or {}
    site = marks.get("site", before.get(SITE))
    return None if site is None else site != after[SITE]


def _noticed(course: Course, before: Summary, after: Summary, live: Status | None) -> str:
    parts = [_COURSES[course].format(image=(live or {}).get("image", "what it was rolled back to"))]
    if reloads(before, after, live):
        parts.append("Caddy reloads after a drain, which fails no request")
    if before and before.get(PAGE, "") != after[PAGE]:
        page = "visitors get the maintenance page" if after[PAGE] else "the maintenance page goes"
        parts.append(f"{page} at once")
    parts += _let_in(before, after) if before else []
    if _same_redis_otherwise(before, after):
        parts.append("its own Redis restarts, and can't be reached for some seconds")
    said = [part for part in parts if part]
    return "; ".join(said) if said else "nothing"


def _let_in(before: Summary, after: Summary) -> list[str]:
    """What those notice who come to a site that others may see than before."""
    asked, asks = (any(key.startswith(_LOGIN) for key in each) for each in (before, after))
    limited, limits = (_ADDRESSES in each for each in (before, after))
    parts = []
    if asks and not asked:
        parts.append("visitors are asked for a login")
    if limits and before.get(_ADDRESSES) != after[_ADDRESSES]:
        parts.append("visitors from other addresses than these are refused")
    if (asked and not asks) or (limited and not limits):
        open_now = "everybody gets in" if not asks and not limits else "more visitors get in"
        parts.append(open_now)
    return parts


def _same_redis_otherwise(before: Summary, after: Summary) -> bool:
    """Whether its own instance stays and gets another size or eviction."""
    size, eviction = "resources.cache.dedicated", "resources.cache.eviction"
    differs = any(before.get(key) != after.get(key) for key in (size, eviction))
    return differs and size in before and size in after


_COURSES: Final = {
    Course.STAYS: "",
    Course.AGAIN: "a new release (blue-green), as the one that serves is not healthy now",
    Course.NEW: "a new release (blue-green): it takes over once it is healthy",
    Course.RESUMED: "the release before serves again (blue-green), without release command or canary",
    Course.HELD: "it stays on {image}, to which it was rolled back",
    Course.UNKNOWN: "can't be told before its server answers; a new release (blue-green) at most",
}


def _changed(before: Summary, after: Summary) -> Iterator[str]:
    """Settings by their names, in groups."""
    keys = [
        key for key in sorted({*before, *after}) if key not in MARKS and before.get(key) != after.get(key)
    ]
    if IMAGE in keys:
        yield f"image {before.get(IMAGE)} → {after[IMAGE]}"
    yield from (_setting(key, before, after) for key in keys if " " not in key and key != IMAGE)
    for kind in ("variable", "secret", "login"):
        names = [_named(key, before, after) for key in keys if key.startswith(f"{kind} ")]
        if names:
            yield f"{kind}{'s' * (len(names) > 1)} {', '.join(names)}"
    yield from _unexplained(keys, before, after)


def _setting(key: str, before: Summary, after: Summary) -> str:
    """A setting with its values when they are short; one that has no line has its default."""
    absent = next((word for start, word in _ABSENT.items() if key.startswith(start)), "default")
    old, new = before.get(key, absent), after.get(key, absent)
    return f"{key} {old} → {new}" if max(len(old), len(new)) <= _SHOWN else key


def _named(key: str, before: Summary, after: Summary) -> str:
    name = key.partition(" ")[2]
    return name + (" (new)" if key not in before else " (gone)" if key not in after else "")


def _unexplained(keys: list[str], before: Summary, after: Summary) -> Iterator[str]:
    """What no setting of the manifest explains comes from the platform: its version, its addresses, its secrets."""
    if before.get(CONTAINER) != after[CONTAINER] and not _any(
        keys, _OF_CONTAINER, but=("environment.aliases",)
    ):
        yield "what the platform sets for its container"
    if before.get(SITE) != after[SITE] and not _any(keys, _OF_SITE):
        yield "what the platform sets for its site"
    if before.get(AROUND) != after[AROUND] and not keys:
        yield "what the platform sets around it"


def _any(keys: list[str], starts: tuple[str, ...], but: tuple[str, ...] = ()) -> bool:
    return any(key.startswith(starts) and key not in but for key in keys)
