"""What a text names in backticks and shell blocks, and which of it is not there."""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import shlex
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from ops import cli
from ops.command import add
from tests.unit.roles.role_files import NAMES

ROOT: Final = Path(__file__).parents[3]
_STAND_INS: Final = {"PLAN_ID": "0" * 24, "PROJECT": "shop", "STACK": "dev"}
_FILE: Final = re.compile(r"\.?[\w.-]+(?:/[\w.-]*)+|[\w-]+\.(?:md|yaml|json|py|toml)|\.[\w-]+\.json")
_ELSEWHERE: Final = ("APP/", "../", "/")
_SNAKE: Final = re.compile(r"[a-z]+(?:_[a-z]+)+")


def parser() -> argparse.ArgumentParser:
    """The parser of `codeb`, from its own tables."""
    made = argparse.ArgumentParser(prog="codeb")
    verbs = made.add_subparsers(required=True)
    for command in cli.COMMANDS:
        add(verbs, command).set_defaults(command=command.name)
    return made


def spans(text: str) -> list[str]:
    """What stands in backticks outside of blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))


def shell_lines(text: str) -> list[str]:
    """The commands of blocks marked sh, and those in backticks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()] + spans(text)


def of_commands(text: str) -> Iterator[str]:
    """Command lines that `codeb` would not take, targets that `make` hasn't, roles that `claude --agent` would not find."""
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for line in shell_lines(text):
        words = [_STAND_INS.get(word, word) for word in shlex.split(line)] if _is_command(line) else []
        if words[:1] == ["codeb"] and (problem := _refused(words[1:])):
            yield f"`{line}`: {problem}"
        if words[:1] == ["make"] and words[1] not in targets:
            yield f"`{line}`: no such target"
        if "--agent" in words[:-1] and words[words.index("--agent") + 1] not in NAMES:
            yield f"`{line}`: no such role"


def _refused(words: list[str]) -> str:
    """What `codeb` says to arguments that it doesn't take; a verb alone is only a name."""
    told = io.StringIO()
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):
        try:
            parser().parse_args(words if len(words) > 1 else [*words, "--help"])
        except SystemExit as end:
            return told.getvalue().splitlines()[-1] if end.code else ""
    return ""


def _is_command(line: str) -> bool:
    return re.match(r"(codeb|make|claude) ", line) is not None


def of_files(text: str) -> Iterator[str]:
    """Files of this repository that are not there."""
    for span in spans(text):
        path = span.split()[0]
        if _FILE.fullmatch(span) and not path.startswith(_ELSEWHERE) and not (ROOT / path).exists():
            yield f"`{span}`: no such file"


def of_words(text: str, known: Collection[str]) -> Iterator[str]:
    """Names such as `plan_manifest` that neither the server's tools nor their arguments and answers have."""
    for span in spans(text):
        if _SNAKE.fullmatch(span) and span not in known:
            yield f"`{span}`: neither a tool nor a field of one"


def of_tools_named(text: str, own: Collection[str], served: Collection[str]) -> Iterator[str]:
    """Tools of the server that a role is told of and hasn't."""
    for span in spans(text):
        if span in served and span not in own:
            yield f"`{span}`: it has no such tool"
