"""Calendar expressions of systemd timers, the part of systemd.time(7) that schedules need."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from codeb.model.problems import refusal, shown
from codeb.model.shapes import Shape

_REMEDY = 'Write for example daily, "*:0/15" (every 15 minutes) or "Mon..Fri 09:00 Asia/Seoul".'


def _part(number: str) -> str:
    """One component: `*`, a number or a range, each with an optional repetition, or a list of them."""
    item = rf"(\*|{number}(\.\.{number})?)(/[1-9][0-9]{{0,3}})?"
    return rf"{item}(,{item})*"


_DAY_NAME = "(Mon|Tue|Wed|Thu|Fri|Sat|Sun|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"
_DAYS = rf"{_DAY_NAME}((,|\.\.){_DAY_NAME})*"
_MONTH, _DAY = _part("(0?[1-9]|1[0-2])"), _part("(0?[1-9]|[12][0-9]|3[01])")
_DATE = rf"({_part('[0-9]{4}')}-)?({_MONTH})[-~]({_DAY})"
_SIXTY = _part("[0-5]?[0-9]")
_TIME = rf"({_part('([01]?[0-9]|2[0-3])')}):({_SIXTY})(:({_SIXTY}))?"
_WORD = "minutely|hourly|daily|weekly|monthly|quarterly|semiannually|yearly|annually"
_ZONE = r"( [A-Z][A-Za-z]+(/[A-Z][A-Za-z0-9_+-]*)*)?"
_EXPRESSION = re.compile(
    rf"({_WORD}|{_DAYS}|({_DAYS} )?{_DATE}( {_TIME})?|({_DAYS} )?{_TIME}){_ZONE}", re.ASCII
)


def _calendar(text: str) -> str:
    if not _EXPRESSION.fullmatch(text):
        what = "is in cron's notation" if len(text.split()) == 5 else "is not a systemd calendar expression"
        raise refusal(f"{shown(text)} {what}", _REMEDY)
    return text


OnCalendar = Annotated[
    str,
    Shape("a systemd calendar expression", _REMEDY, r"[A-Za-z0-9*,./:~ +_-]+", longest=100),
    AfterValidator(_calendar),
]
"""When a timer runs: `daily`, `*:0/15`, `Mon..Fri 09:00 Asia/Seoul`."""
