"""What others wrote shows as they wrote it, wherever it lands: Markdown, Slack, a job's log."""

from __future__ import annotations

import re

import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ops.ci import annotations, report, slack
from ops.ci.report import LARGEST, Block
from ops.words import clean
from tests.unit.ci.ci_world import HOOK, HOSTILE

PARSER = MarkdownIt("gfm-like", {"linkify": False})
TEXT = st.text(st.sampled_from("`~<>&|@*_[]()!#-+ \\\n\r\t\u202e\u2028:/.ax1é😀") | st.characters())


def inline(source: str) -> list[tuple[str, str]]:
    """All that a reader would see within paragraphs, as the kinds of it."""
    return [(part.type, part.content) for token in PARSER.parse(source) for part in token.children or ()]


@settings(deadline=None)
@given(TEXT)
@example("`")
@example("` `` ```")
@example(" x ")
@example("@leo `</code>` <!--")
@example("\\`")
def test_a_word_of_others_is_code_and_nothing_else(text: str) -> None:
    shown = inline(f"Stack {report.code(text)} changes")
    assert [kind for kind, _ in shown] == ["text", "code_inline", "text"]
    assert shown[1][1].strip() == (
        clean(text).strip()[:499] + "…" if len(clean(text).strip()) > 500 else clean(text).strip() or "-"
    )


@settings(deadline=None)
@given(st.lists(TEXT, max_size=20), st.booleans())
@example([HOSTILE, "```", "~~~", "````text"], True)
def test_lines_of_others_are_one_block_of_code(lines: list[str], folded: bool) -> None:
    made = report.document(["### Ours", Block("Title", lines, folded=folded), "The end"])
    tokens = PARSER.parse(made)
    fences = [token for token in tokens if token.type == "fence"]
    assert len(fences) == (1 if lines else 0)
    for fence in fences:
        assert fence.content.split("\n")[:-1] == [report._short(clean(line)) for line in lines]
    ours = [token.content for token in tokens if token.type in ("inline", "html_block") and token.content]
    assert ours[0] == "Ours"
    assert ours[-1] == "The end"
    allowed = {
        "Ours",
        "Title",
        "The end",
        "<details><summary>Title</summary>\n",
        "</details>\n",
        "</details>",
    }
    assert set(ours) <= allowed


@settings(deadline=None)
@given(st.lists(st.text("ab`", max_size=700), max_size=300), st.integers(300, 5000))
def test_a_document_has_room_and_says_what_it_left_out(lines: list[str], largest: int) -> None:
    made = report.document(["Head", Block("A", lines), Block("B", lines, folded=True), "Foot"], largest)
    assert len(made) <= largest
    assert made.startswith("Head")
    assert made.endswith("Foot")
    whole = report.document(["Head", Block("A", lines), Block("B", lines, folded=True), "Foot"], 10**9)
    assert (made == whole) or "left out" in made or "\n\nA\n\n" not in made


def test_a_document_is_one_comment_at_most() -> None:
    lines = [f"{number} {'`' * 400}" for number in range(2000)]
    made = report.document(["Head", Block("A", lines), Block("B", lines, folded=True), "Foot"])
    assert len(made) < LARGEST
    assert "more lines left out" in made
    assert made.endswith("Foot")


@settings(deadline=None)
@given(TEXT)
@example("<!channel> <https://evil.test|click> & @here @Everyone")
def test_a_line_in_slack_is_nothing_but_text(text: str) -> None:
    shown = slack.safe(text)
    assert not re.search(r"[<>\n\r]", shown)
    assert not re.search(r"&(?!(amp|lt|gt);)", shown)
    assert not re.search(r"@(all|channel|everyone|here)\b", shown, re.IGNORECASE)


def test_a_message_to_slack_is_short() -> None:
    text = slack.message(":x:", ["<x>" * 1000] * 100)["text"]
    assert len(text) < 40_000, "Slack cuts longer ones"
    assert text.endswith("… 88 more: see the run")


@pytest.mark.parametrize("status", [301, 400, 404, 500])
def test_a_webhook_that_does_not_take_it_is_a_warning_without_its_address(status: int) -> None:
    there = httpx2.MockTransport(lambda _: httpx2.Response(status, headers={"location": "https://evil.test"}))
    said = slack.send(HOOK, slack.message(":x:", ["x"]), there)
    assert f"answered {status}" in said
    assert "hooks.slack.test" not in said
    assert "secret" not in said


def test_a_webhook_that_is_not_there_is_a_warning_without_its_address() -> None:
    def broken(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError(f"can't connect to {request.url}")

    said = slack.send(HOOK, slack.message(":x:", ["x"]), httpx2.MockTransport(broken))
    assert "ConnectError" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    "url", ["", "no url", "ftp://x/secret", "https://user:secret@x/", "https://x/secret\n"]
)
def test_what_is_no_webhook_is_not_called(url: str) -> None:
    said = slack.send(url, slack.message(":x:", ["x"]))
    assert "is not the URL of a webhook" in said
    assert "secret" not in said


def unescaped(line: str) -> str:
    """What GitHub's runner makes of a command's message (actions/runner, ActionCommand.cs)."""
    message = line.removeprefix("::error title=codeb ci::")
    return message.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


@settings(deadline=None)
@given(TEXT)
@example("x\n::add-mask::y")
@example("%0A::error::")
def test_an_annotation_is_one_line_that_says_the_same(text: str) -> None:
    line = annotations.error(text)
    assert "\n" not in line
    assert "\r" not in line
    assert unescaped(line) == text[:4000]


def test_what_is_printed_in_a_job_is_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    inside = {"GITHUB_ACTIONS": "true"}
    with annotations.as_text(inside):
        print("::add-mask::everything")
    annotations.annotate(inside, ("error: it failed\nbadly", "warning: this is none"))
    captured = capsys.readouterr()
    stop, resume, error = captured.err.splitlines()
    assert re.fullmatch(r"::stop-commands::[0-9a-f]{32}", stop)
    assert resume == f"::{stop.rpartition(':')[2]}::"
    assert error == "::error title=codeb ci::it failed%0Abadly"
    assert captured.out == "::add-mask::everything\n"


def test_outside_of_a_workflow_there_are_no_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with annotations.as_text({}):
        print("x")
    annotations.annotate({}, ("error: it failed",))
    assert capsys.readouterr() == ("x\n", "")
