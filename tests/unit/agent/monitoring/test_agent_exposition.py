"""Series as text: whatever stands in a label comes out again, and nothing makes a second line of it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.monitoring.exposition import Family, escaped, labels, text
from tests.unit.agent.series import read


def family(series: Mapping[str, float], name: str = "codeb_thing") -> Family:
    return Family(name, "A thing.", series={labels(project=key): value for key, value in series.items()})


HOSTILE = [
    'shop"} 1\ncodeb_project_healthy{project="other',
    "back\\slash",
    "back\\",
    '\\"',
    "two\nlines",
    "\\n",
    "# HELP codeb_thing none",
    "shop;$(reboot)`id`",
    "żółw.example",
    "",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_label_stays_one_label_of_one_series(value: str) -> None:
    content = text([family({value: 1})])
    assert read(content) == {("codeb_thing", (("project", value),)): 1}
    assert content.count(b"\n") == 3


@given(st.text(st.characters(blacklist_categories=["Cs"])), st.floats(-1e12, 1e12))
def test_any_text_and_any_number_come_out_again(value: str, number: float) -> None:
    ((key, found),) = read(text([family({value: number})])).items()
    assert key == ("codeb_thing", (("project", value),))
    assert found == number


def test_half_a_character_does_not_stop_the_file_from_being_written() -> None:
    assert b'project="a?b"' in text([family({"a\ud800b": 1})])


def test_escapes_are_those_of_the_format() -> None:
    assert escaped('a\\b"c\nd') == 'a\\\\b\\"c\\nd'


def test_whole_numbers_have_no_fraction_and_what_is_no_number_is_left_out() -> None:
    content = text([family({"a": 1732766400.0, "b": 0.05, "c": float("nan"), "d": float("inf")})]).decode()
    assert content == (
        "# HELP codeb_thing A thing.\n# TYPE codeb_thing gauge\n"
        'codeb_thing{project="a"} 1732766400\ncodeb_thing{project="b"} 0.05\n'
    )


def test_a_family_without_series_is_not_there() -> None:
    assert text([family({}), Family("codeb_one", "One.", "counter", {(): 3})]) == (
        b"# HELP codeb_one One.\n# TYPE codeb_one counter\ncodeb_one 3\n"
    )
