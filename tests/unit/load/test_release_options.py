"""What the release benchmark's options make of the plan."""

from __future__ import annotations

import pytest

from lab.bench.releases.__main__ import _parser, _plan


@pytest.mark.parametrize(
    ("words", "rate"),
    [
        ("", 200),
        ("--app core-cms", 20),
        ("--app core-cms --rate 7", 7),
        ("--rate 50", 50),
    ],
)
def test_an_app_has_a_rate_that_its_machine_bears_unless_another_is_asked_for(words: str, rate: int) -> None:
    assert _plan(_parser().parse_args(words.split())).shape.rate == rate
