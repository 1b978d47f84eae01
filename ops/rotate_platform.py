"""`codeb secrets rotate --platform`: numbers of the platform's own keys raised in the stack's file. No host is asked."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from codeb.model import DocumentErrors, ManifestErrors, parse_settings
from codeb.model.document import read_document
from codeb.model.settings import Rotation
from codeb.model.sources import read_source
from codeb.model.stack_file import read_stack_file
from ops.manifest_file import decoded, write
from ops.result import Result, failed
from ops.words import clean
from ops.yaml_edit import EditError, put

ACCOUNTS: Final = tuple(Rotation.model_fields)
_KEY: Final = "codeb:rotation"


def rotated(accounts: Sequence[str], file: Path, stack: str, *, dry_run: bool = False) -> Result:
    """Raise the numbers of these accounts by one in `Pulumi.<stack>.yaml`; with `dry_run` say what they would be."""
    try:
        source = read_source(file)
        text, bom = decoded(source)
        settings = read_stack_file(file, stack).settings
        known = parse_settings(settings, stack).rotation.model_dump()
        after = deepcopy(read_document(source.path, text).value)
        numbers = {}
        for account in accounts:
            numbers[account] = known[account] + 1
            _part(after)[account] = numbers[account]
            text = put(text, ("config", _KEY, account), str(numbers[account]))
        _check(source.path, text, after)
        parse_settings({**settings, "rotation": after["config"][_KEY]}, stack)
        if not dry_run:
            write(Path(source.path), (bom + text).encode())
    except DocumentErrors as error:
        return Result(
            {"ok": False, "problems": [str(each) for each in error.problems]},
            problems=tuple(f"error: {clean(each)}" for each in error.problems),
        )
    except EditError as error:
        return failed(f"{clean(error)}. Raise {_KEY} by hand; nothing was changed.")
    would = "would have" if dry_run else "has"
    lines = [
        f"{clean(source.path)}: {account} {would} number {number}" for account, number in numbers.items()
    ]
    lines.append(
        f"the next `pulumi up` of stack {stack} makes the new keys, and ends the old ones once nothing has them"
    )
    document = {"ok": True, "file": source.path, "numbers": numbers, "dry_run": dry_run}
    return Result(document, tuple(lines))


def _part(document: dict[str, Any]) -> dict[str, Any]:
    """The numbers in a stack's file, made where they are left out. Raises EditError."""
    found = document.setdefault("config", {}).setdefault(_KEY, {})
    if not isinstance(found, dict):
        raise EditError(f"{_KEY} is written as text")
    return found


def _check(path: str, edited: str, after: dict[str, Any]) -> None:
    """Raises EditError when the text doesn't say what it should."""
    try:
        value = read_document(path, edited).value
    except ManifestErrors:
        value = {}
    if value != after:
        raise EditError(f"{path} is written in a way that can't be edited safely")
