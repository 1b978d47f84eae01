"""A provider's word on what would change, as the CLI shows it property by property."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from lab.plugins.protos import provider_pb2
from lab.providers.protocol import DiffResult, Properties
from lab.providers.values import top_level

_STEP: Final = re.compile(r'\.?([A-Za-z_$][\w$]*)|\[(\d+)\]|\["([^"]*)"\]')


def response(result: DiffResult, olds: Properties, news: Properties) -> provider_pb2.DiffResponse:
    """`olds` and `news` are what was compared; they tell whether a path was added, changed or taken away."""
    answer = provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME
        if result.changes
        else provider_pb2.DiffResponse.DIFF_NONE,
        replaces=result.replaces,
        diffs=sorted({top_level(path) for path in result.diffs}),
        deleteBeforeReplace=result.delete_before_replace,
        hasDetailedDiff=bool(result.diffs),
    )
    replaced = {top_level(path) for path in result.replaces}
    for path in result.diffs:
        kind = _kind(_has(olds, path), _has(news, path), top_level(path) in replaced)
        answer.detailedDiff[path].kind = kind
    return answer


def _kind(before: bool, after: bool, replaces: bool) -> provider_pb2.PropertyDiff.Kind.ValueType:
    word = "UPDATE" if before and after else "ADD" if after else "DELETE"
    return provider_pb2.PropertyDiff.Kind.Value(f"{word}_REPLACE" if replaces else word)


def _has(value: Any, path: str) -> bool:
    for step in _steps(path):
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False
    return value is not None


def _steps(path: str) -> Iterator[str | int]:
    for name, index, key in _STEP.findall(path):
        yield int(index) if index else name or key
