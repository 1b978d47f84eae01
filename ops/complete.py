"""What a shell may complete: project ids from the manifests, stacks from their settings. No server is asked."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

SHELLS: Final = ("bash", "zsh", "fish")
_ID: Final = re.compile(
    r"^\s*(?:project:\s*\{)?\s*[\"']?id[\"']?:\s*[\"']?([a-z0-9][a-z0-9-]{1,38}[a-z0-9])\b", re.MULTILINE
)
_LONGEST: Final = 1 << 16


def projects(**_: Any) -> list[str]:
    """Ids in `manifests/` of this folder, read without judging the files."""
    found = []
    for path in sorted(Path("manifests").glob("*.y*ml")):
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                match = _ID.search(file.read(_LONGEST))
        except OSError:
            continue
        found += [match[1]] if match else []
    return found


def stacks(**_: Any) -> list[str]:
    """Stacks that have settings in this folder."""
    return sorted(
        path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in Path().glob("Pulumi.?*.yaml")
    )


def answer(parser: argparse.ArgumentParser) -> None:
    """Tell the shell that asks, and end."""
    import argcomplete

    for command in _commands(parser):
        for action in command._actions:
            known = {"PROJECT": projects, "--stack": stacks}
            completer = known.get(str(action.metavar)) or known.get("".join(action.option_strings))
            if completer:
                action.completer = completer  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser)


def _commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from _commands(each)


def script(shell: str) -> str:
    """What a shell has to read so that it completes `codeb`."""
    from argcomplete.shell_integration import shellcode

    return shellcode(["codeb"], shell=shell)
