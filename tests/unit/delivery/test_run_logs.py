"""What the stand-in for GitHub keeps of a run's log: lines as GitHub's own log has them."""

from __future__ import annotations

import pytest

from lab.delivery.act import Line
from lab.delivery.runner import as_github_has_it


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("⭐ Run Main npm run typecheck", "##[group]Run npm run typecheck\n##[endgroup]"),
        ("  ❗  ::error title=codeb ci::dev: failed in phase: job", "##[error]dev: failed in phase: job"),
        ("exit status 134", "##[error]Process completed with exit code 134."),
        ("  ✅  Success - Main npm ci [5.391390863s]", ""),
        ("  ⚙  ::set-output:: commit=8902b989", ""),
        ("⭐ Run Post actions/checkout@v7", ""),
    ],
)
def test_what_act_says_is_said_as_github_does_or_not_at_all(text: str, wanted: str) -> None:
    assert as_github_has_it(Line("test", "npm ci", text, output=False)) == wanted


def test_what_a_program_writes_stays_whatever_it_looks_like() -> None:
    text = "  ✅  Success - Main of the app's own"
    assert as_github_has_it(Line("test", "npm ci", text, output=True)) == text
