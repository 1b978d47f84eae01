"""Calendar expressions of systemd timers: the part of systemd.time(7) that schedules need.

`[weekdays] [[year-]month-day] [hour:minute[:second]] [zone]`, or a word such as `daily`. A component is `*`, or a list
of numbers, ranges `a..b` and repetitions `a/step`; a day from the month's end (`*-*~01`) is a number or a range. What
passes here, `systemd-analyze calendar` accepts too, given that the host knows the time zone.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from codeb.model.problems import refusal, shown
from codeb.model.shapes import Shape

_REMEDY = 'Write for example daily, "*:0/15" (every 15 minutes) or "Mon..Fri 09:00 Asia/Seoul".'
_WORDS = frozenset(
    {"minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "semiannually", "yearly", "annually"}
)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_YEARS, _MONTHS, _DAYS, _DAYS_FROM_END = (1970, 2199), (1, 12), (1, 31), (1, 28)
_HOURS, _SIXTY = (0, 23), (0, 59)
_ZONE = re.compile(r"[A-Z][A-Za-z]+(/[A-Z][A-Za-z0-9_+-]*)*", re.ASCII)
_ITEM = re.compile(r"([0-9]{1,4})(?:\.\.([0-9]{1,4}))?(?:/([0-9]{1,4}))?", re.ASCII)
_DATE = re.compile(r"(?:([^-~]+)-)?([^-~]+)[-~]([^-~]+)")
_TIME = re.compile(r"([^:]+):([^:]+)(?::([^:]+))?")


def _is_component(text: str, limits: tuple[int, int]) -> bool:
    """Whether `text` is `*` or a list of items whose numbers, ranges and repetitions stay within the limits."""
    return text == "*" or all(_is_item(item, *limits) for item in text.split(","))


def _is_item(text: str, lowest: int, highest: int) -> bool:
    match = _ITEM.fullmatch(text)
    if not match:
        return False
    first, last, step = (int(number) if number else None for number in match.groups())
    if first is None or first < lowest or first > highest:
        return False
    if last is not None and not first < last <= highest:
        return False
    return step is None or (step > 0 and first + step <= (last or highest))


def _are_weekdays(text: str) -> bool:
    for item in text.split(","):
        names = item.split("..")
        if len(names) > 2 or not all(name in _WEEKDAYS for name in names):
            return False
        if _WEEKDAYS.index(names[0]) > _WEEKDAYS.index(names[-1]):
            return False
    return True


def _is_date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    if not match:
        return False
    if "~" in text and re.search(r"[,/]", match[3]):
        return False  # systemd 252 refuses some lists and repetitions from the month's end: none is taken
    limits = (_YEARS, _MONTHS, _DAYS_FROM_END if "~" in text else _DAYS)
    return all(map(_is_component, match.groups(default="*"), limits))


def _is_time(text: str) -> bool:
    match = _TIME.fullmatch(text)
    return match is not None and all(map(_is_component, match.groups(default="0"), (_HOURS, _SIXTY, _SIXTY)))


def _is_expression(text: str) -> bool:
    parts = text.split(" ")
    if len(parts) > 1 and _ZONE.fullmatch(parts[-1]) and not _are_weekdays(parts[-1]):
        parts.pop()
    if len(parts) == 1 and parts[0] in _WORDS:
        return True
    for fits in (_are_weekdays, _is_date, _is_time):
        if parts and fits(parts[0]):
            parts.pop(0)
    return not parts


def _calendar(text: str) -> str:
    if not _is_expression(text):
        cron = len(text.split()) == 5
        what = "is in cron's notation" if cron else "is not a systemd calendar expression"
        raise refusal(f"{shown(text)} {what}", _REMEDY)
    return text


OnCalendar = Annotated[
    str,
    Shape("a systemd calendar expression", _REMEDY, r"[A-Za-z0-9*,./:~ +_-]+", longest=100),
    AfterValidator(_calendar),
]
"""When a timer runs: `daily`, `*:0/15`, `Mon..Fri 09:00 Asia/Seoul`."""
