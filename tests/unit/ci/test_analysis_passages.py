"""What is cut out of a log fits the budget, holds the first error, and tells why; which failures are the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.ci.defaults import SMALLEST_BUDGET
from ops.ci.fingerprint import fingerprint, normal
from ops.ci.lines import lines, since
from ops.ci.passages import LONGEST_LINE, passage

LOGS = Path(__file__).parents[2] / "cases/ci/logs"
ERRORS = (
    "src/a.ts(41,9): error TS2322: Type 'string' is not assignable to type 'Courier'.",
    'npm ERR! Missing script: "build"',
    "##[error]Process completed with exit code 137.",
    "FAIL src/orders.test.ts > shows the courier",
    "E       AssertionError: assert 1 == 2",
    "  12:5  error  'courier' is not defined  no-undef",
    '#14 ERROR: process "/bin/sh -c npm ci" did not complete successfully: exit code: 1',
    "    error: shop on codeb1: release r13 failed in phase: health",
    "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
    "not ok 3 - a courier is shown",
)
PLAIN = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=900).filter(
    lambda text: (
        "rror" not in text and not any(word in text for word in ("FAIL", "not ok", "exit", "illed", "FATAL"))
    )
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.one_of(PLAIN, st.sampled_from(ERRORS)), max_size=300),
    st.integers(SMALLEST_BUDGET, 30_000),
)
def test_passages_never_go_over_the_budget_and_always_hold_the_first_error(
    log: list[str], budget: int
) -> None:
    found = passage(log, budget)
    assert len(found.text) <= budget
    if found.errors:
        assert found.errors[0] in found.text.split("\n")
    first = next((line for line in log if line in ERRORS and "exit code" not in line), None)
    if first is not None and not found.errors:
        pytest.fail(f"{first} was not seen")


@pytest.mark.parametrize("error", ERRORS)
def test_each_tool_s_errors_are_seen_in_the_middle_of_a_long_log(error: str) -> None:
    noise = [f"compiled module {number} of the shop" for number in range(20_000)]
    found = passage([*noise[:12_000], error, *noise[12_000:]], SMALLEST_BUDGET)
    assert found.errors == (error,)
    assert error in found.text.split("\n")
    assert noise[11_999] in found.text
    assert noise[-1] in found.text
    assert "lines left out" in found.text


def test_a_line_without_end_is_cut() -> None:
    found = passage(["error: " + "x" * 100_000], SMALLEST_BUDGET)
    assert len(found.text) == LONGEST_LINE


def test_what_is_said_again_and_again_is_said_twice() -> None:
    found = passage(["error: same"] * 500 + ["error: other"], 24_000)
    assert found.text.split("\n").count("error: same") == 2
    assert found.errors == ("error: same", "error: same", "error: other")


def test_a_log_without_any_error_gives_its_end() -> None:
    found = passage([f"line {number}" for number in range(1000)], SMALLEST_BUDGET)
    assert found.errors == ()
    assert found.text.endswith("line 999")
    assert passage([], SMALLEST_BUDGET).text == ""


@pytest.mark.parametrize(
    ("log", "first"),
    [
        (
            "type-error",
            "src/orders/tracking.ts(41,9): error TS2322: Type 'string' is not assignable to type 'Courier'.",
        ),
        (
            "failing-migration",
            "    error: shop on codeb1: release r13 of ghcr.io/leo/shop failed in phase: migrate",
        ),
        (
            "out-of-memory",
            "FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory",
        ),
    ],
)
def test_the_first_error_of_a_prepared_log_is_its_cause(log: str, first: str) -> None:
    found = passage(lines((LOGS / f"{log}.log").read_text(encoding="utf-8")))
    assert found.errors[0] == first
    assert "\x1b" not in found.text
    assert "2026-11-27T" not in found.text


def test_quotes_are_looked_for_but_for_their_spaces() -> None:
    found = passage(["    error:   it  failed here"])
    assert found.has("error: it failed")
    assert not found.has("error: it worked")
    assert not found.has("  ")


def test_a_log_is_read_from_the_failed_step_on() -> None:
    log = "2026-11-27T18:00:01.1Z before\n2026-11-27T18:00:02.5Z step\nno stamp\n2026-11-27T18:00:03.0Z end"
    assert since(log, "2026-11-27T18:00:02Z").startswith("2026-11-27T18:00:02.5Z step\nno stamp")
    assert since(log, "2026-11-27T19:00:00Z") == log
    assert since(log, "") == log


def test_lines_show_what_a_terminal_would() -> None:
    log = "\ufeff2026-11-27T18:00:01.1Z \x1b[31mred\x1b[0m\r\n2026-11-27T18:00:02.1Z 10 %\r90 %\rdone\n\ttab\u202e\u200b!"
    assert lines(log) == ["red", "done", "    tab!"]


ERROR = "2026-11-27T18:00:01Z /home/runner/work/shop/shop/src/a.ts:41:9 error TS2322: took 3.5 s, pid 2, 0x5d in /tmp/a1/x"
AGAIN = "2026-11-28T09:12:59Z /home/runner/work/shop/shop/src/a.ts:57:1 error TS2322: took 2 ms, pid 9, 0x77aa in /tmp/zz/y"


def test_v8_has_several_words_for_running_out_of_memory() -> None:
    said = (
        "Reached heap limit Allocation failed -",
        "Ineffective mark-compacts near heap limit Allocation failed -",
    )
    assert len({normal(f"FATAL ERROR: {words} JavaScript heap out of memory") for words in said}) == 1


def test_the_same_failure_has_the_same_fingerprint_whenever_and_wherever_it_happens() -> None:
    assert normal(ERROR) == normal(AGAIN)
    first = fingerprint("w.yml", "test (20, ubuntu)", "Run npm test", [ERROR, "release r13 at 3f1c9a7be0d2"])
    assert first == fingerprint(
        "w.yml", "test (22, ubuntu)", "Run npm test", [AGAIN, "release r14 at 77aa9a7be0d2"]
    )


@pytest.mark.parametrize(
    "other",
    [
        ("x.yml", "test", "Run npm test", [ERROR]),
        ("w.yml", "build", "Run npm test", [ERROR]),
        ("w.yml", "test", "Run npm ci", [ERROR]),
        ("w.yml", "test", "Run npm test", [ERROR.replace("TS2322", "TS2345")]),
        ("w.yml", "test", "Run npm test", [ERROR.replace("src/a.ts", "src/b.ts")]),
        ("w.yml", "test", "Run npm test", []),
    ],
)
def test_another_workflow_job_step_file_or_code_is_another_failure(
    other: tuple[str, str, str, list[str]],
) -> None:
    assert fingerprint(*other) != fingerprint("w.yml", "test", "Run npm test", [ERROR])


def test_exit_codes_are_told_apart() -> None:
    assert normal("Process completed with exit code 137.") != normal("Process completed with exit code 1.")
