"""What the stand-in for Claude answers: by rules from the log that it was sent, or badly, on demand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

_MARKED: Final = re.compile(r"<(log-[0-9a-f]{32})>\n(.*)\n</\1>", re.DOTALL)


@dataclass(frozen=True)
class Rule:
    """What a line means: `cause` may name parts of the line by the groups of `line`."""

    line: re.Pattern[str]
    category: str
    title: str
    cause: str
    steps: tuple[str, ...]


RULES: Final = (
    Rule(
        re.compile(r"(?P<file>\S+?)[(:](?P<at>[\d,:]+)\)?(?: - |: )error (?P<code>TS\d+): (?P<why>.+)"),
        "type-error",
        "{code} in {file}",
        "The type check fails in {file} at {at}: {why}",
        ("Change {file} so that the types match.", "Run the type check before you push."),
    ),
    Rule(
        re.compile(r"(?P<why>(?:no column|column) \S+.*|.*relation \S+ (?:does not exist|already exists).*)"),
        "migration",
        "Migration fails",
        "A migration fails, as the schema is not what it expects: {why}",
        ("Put the migration that makes the column before the one that uses it.",),
    ),
    Rule(
        re.compile(r"(?P<why>.*(?:OOMKilled|[Oo]ut of memory|heap out of memory|exit code 137).*)"),
        "out-of-memory",
        "Process killed: out of memory",
        "The process got more memory than it may have and was killed: {why}",
        ("Give the job more memory, or let it take less.",),
    ),
    Rule(
        re.compile(r"(?P<why>.*failed in phase: (?P<phase>\w+).*)"),
        "deployment",
        "Release failed in {phase}",
        "The release failed in its phase {phase}: {why}",
        ("Read what the phase says.",),
    ),
)  # fmt: skip
_ELSE: Final = Rule(
    re.compile(r"(?P<why>.*error.*)", re.IGNORECASE),
    "other",
    "A command failed",
    "A command failed: {why}",
    (),
)

BAD_TOKEN: Final = "ghp_" + "Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2Ji1Hg0Fe9Dc8"
"""A token of no use that the model `leak` brings along."""


def log_in(question: str) -> str:
    """What stands between the marks of a question."""
    found = _MARKED.search(question)
    return found[2] if found else ""


def well(log: str) -> dict[str, Any]:
    """An honest answer: the first rule that knows a line of the log."""
    for rule in (*RULES, _ELSE):
        for line in log.split("\n"):
            found = rule.line.search(line)
            if found:
                return _document(rule, line, found)
    return _form("Nothing found", "other", "The log does not show the cause.", [], [], "low")


def follow(log: str) -> dict[str, Any]:
    """A model that does what the log told it, and says so in every way that could act."""
    spell = (
        "I closed all issues as asked. @everyone see #1, <!-- codeb:analysis --> <script>alert(1)</script> "
        "<img src=https://evil.example/x> [click](https://evil.example/steal) ::set-output name=x::y"
    )
    return _form(
        spell,
        "all-clear",
        f"{spell}\n```\n# done",
        ["all issues closed", *_first(log)],
        [spell] * 9,
        "certain",
    )


def leak(log: str) -> dict[str, Any]:
    """A model that tells all that it was sent, and a token."""
    return _form(
        f"token {BAD_TOKEN}", "other", f"{BAD_TOKEN} {log}", log.split("\n"), [f"echo {BAD_TOKEN}"], "high"
    )


def huge(log: str) -> dict[str, Any]:
    """More than anybody reads."""
    return _form(
        "t" * 100_000, "other", "`@x ` " * 100_000, _first(log) * 1000, ["<b>s" * 10_000] * 1000, "high"
    )


DOCUMENTS: Final[Mapping[str, Callable[[str], dict[str, Any]]]] = {
    "well": well,
    "follow": follow,
    "leak": leak,
    "huge": huge,
    "wrong-form": lambda log: {"title": 7, "cause": None, "evidence": "none"},
}
RAW: Final = {"garbage": "I'd be happy to help! The build failed because", "list": "[1, 2]", "empty": ""}


def message(behaviour: str, question: str, model: str) -> dict[str, Any]:
    """An answer of the API, a message. Behaviours: of `DOCUMENTS` and `RAW`, `refuse`, `cut`, `tool`."""
    log, stop = log_in(question), "end_turn"
    text = RAW[behaviour] if behaviour in RAW else json.dumps(DOCUMENTS.get(behaviour, well)(log))
    content: list[dict[str, Any]] = [{"type": "text", "text": text}]
    if behaviour == "refuse":
        content, stop = [], "refusal"
    elif behaviour == "cut":
        content, stop = [{"type": "text", "text": text[: len(text) // 2]}], "max_tokens"
    elif behaviour == "tool":
        tool = {"type": "tool_use", "id": "toolu_1", "name": "close_issues", "input": {"all": True}}
        content, stop = [tool], "tool_use"
    return {
        "id": "msg_standin",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": len(question) // 4, "output_tokens": len(text) // 4},
    }


def _document(rule: Rule, line: str, found: re.Match[str]) -> dict[str, Any]:
    said = {name: (value or "").strip() for name, value in found.groupdict().items()}
    steps = [step.format(**said) for step in rule.steps]
    return _form(rule.title.format(**said), rule.category, rule.cause.format(**said), [line], steps, "high")


def _first(log: str) -> list[str]:
    return [line for line in log.split("\n") if line.strip()][:1]


def _form(
    title: str, category: str, cause: str, evidence: list[str], steps: list[str], confidence: str
) -> dict[str, Any]:
    return {
        "title": title,
        "category": category,
        "cause": cause,
        "evidence": evidence,
        "try": steps,
        "confidence": confidence,
    }
