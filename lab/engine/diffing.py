"""What a difference between old and new inputs means for a resource."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lab.engine import paths
from lab.engine.provider import DiffResult
from lab.engine.values import PropertyMap

INIT_ERROR_KEY = "#initerror"
NO_CHANGE = DiffResult(changes=False)


def ignore_changes(
    inputs: PropertyMap, old_inputs: PropertyMap, ignored: list[str], tell: Callable[[str], None]
) -> PropertyMap:
    """The inputs with the old values at the ignored paths.

    `tell` is called with the paths that can't be ignored, because elements of an array came or went.
    """
    impossible: list[str] = []
    for text in ignored:
        inputs, done = paths.reset(paths.parse(text), old_inputs, inputs)
        if not done:
            impossible.append(text)
    if impossible:
        tell(f'cannot ignore changes in added or removed elements of the path: "{", ".join(impossible)}"')
    return inputs


def replace_on_changes(diff: DiffResult, patterns: list[str], *, init_errors: bool) -> DiffResult:
    """The diff with those changes forcing a replacement that the option `replace_on_changes` names."""
    if not diff.changes and not init_errors:
        return diff
    parsed = [paths.parse(pattern) for pattern in patterns]
    changed = list(dict.fromkeys([*diff.diffs, *map(top_level, diff.diffs)]))
    if init_errors and any(paths.contains(pattern, (INIT_ERROR_KEY,)) for pattern in parsed):
        diff = replace(diff, changes=True, replaces=(*diff.replaces, INIT_ERROR_KEY))
    forcing = [
        path for path in changed if any(paths.contains(pattern, paths.parse(path)) for pattern in parsed)
    ]
    return replace(diff, replaces=tuple(dict.fromkeys([*diff.replaces, *forcing])))


def top_level(path: str) -> str:
    """The input that a path starts in."""
    return str(paths.parse(path)[0]) if path else path
