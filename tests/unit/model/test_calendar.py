"""Calendar expressions: what the model accepts, systemd accepts; other notations are refused."""

from __future__ import annotations

import subprocess
from shutil import which

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from codeb.model.calendar import OnCalendar

ADAPTER = TypeAdapter(OnCalendar)
GOOD = [
    "daily", "monthly Europe/Berlin", "Mon", "Mon..Fri 09:00 Asia/Seoul", "Sat,Sun *-*-* 12:30 UTC", "*:0/15",
    "*-*-01 00:00:00", "8..17/2:00", "*-02~01", "2027-01-01", "*-*-* 0..5:*:0/30", "1/2:00", "*-*-29,30 02:00",
]  # fmt: skip
BAD = [
    "", "* * * * *", "0 5 * * 1", "@daily", "daily; reboot", "daily\n", "24:00", "09:60", "*-13-01", "*-*-32", "mon",
    "Monday", "5..1:00", "Fri..Mon", "*/15:00", "*:0/60", "*:0/0", "*:5..5", "*-*~30", "1969-01-01", "09:00 Mon",
    "*~1,26", "*-*~1/2", "daily 09:00", "09:00 ", "09:00  UTC", "09:00 utc", "Mon..Wed..Fri",
]  # fmt: skip

_number = st.integers(0, 62).map(str)
_item = st.one_of(
    _number,
    st.tuples(_number, _number).map("..".join),
    st.tuples(_number, st.integers(0, 62).map(str)).map("/".join),
)
_component = st.one_of(st.just("*"), st.lists(_item, min_size=1, max_size=2).map(",".join))
_weekday = st.sampled_from(["Mon", "Wed", "Sun"])
_weekdays = st.lists(
    st.one_of(_weekday, st.tuples(_weekday, _weekday).map("..".join)), min_size=1, max_size=2
).map(",".join)
_date = st.one_of(
    st.tuples(_component, _component).map("-".join),
    st.tuples(st.sampled_from(["*", "1970", "2030", "2199"]), _component, _component).map("-".join),
    st.tuples(_component, _component).map("~".join),
)
_time = st.lists(_component, min_size=2, max_size=3).map(":".join)
_expressions = st.tuples(st.just("") | _weekdays, st.just("") | _date, st.just("") | _time).map(
    lambda parts: " ".join(filter(None, parts))
)


def _accepted(text: str) -> bool:
    try:
        return bool(ADAPTER.validate_python(text))
    except ValidationError:
        return False


@pytest.mark.parametrize("text", GOOD)
def test_calendar_expressions_are_accepted(text: str) -> None:
    assert _accepted(text)


@pytest.mark.parametrize("text", BAD)
def test_other_notations_are_refused(text: str) -> None:
    assert not _accepted(text)


@pytest.mark.skipif(which("systemd-analyze") is None, reason="needs systemd-analyze")
@given(st.sampled_from(GOOD) | _expressions)
@settings(deadline=None, max_examples=100)
def test_systemd_understands_what_the_model_accepts(text: str) -> None:
    assume(_accepted(text))
    result = subprocess.run(["systemd-analyze", "calendar", "--", text], capture_output=True, check=False)
    assert result.returncode == 0, f"systemd refuses {text!r}"
