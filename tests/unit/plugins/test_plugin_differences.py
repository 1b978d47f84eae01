"""What would change, as the CLI is told."""

from __future__ import annotations

from typing import Any

import pulumi  # noqa: F401 (all of it, before `protos` takes a part: other tests of this process need the whole)
import pytest

from lab.plugins import differences
from lab.plugins.protos import provider_pb2
from lab.providers.protocol import UNKNOWN, DiffResult

KIND = provider_pb2.PropertyDiff.Kind


@pytest.mark.parametrize(
    ("path", "old", "new", "kind"),
    [
        ("a", {"a": 1}, {"a": 2}, "UPDATE"),
        ("a", {}, {"a": 2}, "ADD"),
        ("a", {"a": None}, {"a": 2}, "ADD"),
        ("a", {"a": 1}, {}, "DELETE"),
        ("a", {"a": 1}, {"a": UNKNOWN}, "UPDATE"),
        ("a.b", {"a": {"b": 1}}, {"a": {"b": 2}}, "UPDATE"),
        ("a.b", {"a": "text"}, {"a": {"b": 2}}, "ADD"),
        ("a[1]", {"a": ["x"]}, {"a": ["x", "y"]}, "ADD"),
        ("a[1].b", {"a": [{}, {"b": 1}]}, {"a": [{}]}, "DELETE"),
        ('a["b.c d"][0]', {"a": {"b.c d": [1]}}, {"a": {"b.c d": [2]}}, "UPDATE"),
    ],
)
@pytest.mark.parametrize("replaces", [False, True])
def test_each_path_is_added_changed_or_taken_away(
    path: str, old: Any, new: Any, kind: str, replaces: bool
) -> None:
    answer = differences.response(DiffResult(True, ("a",) if replaces else (), (path,)), old, new)
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert KIND.Name(answer.detailedDiff[path].kind) == (f"{kind}_REPLACE" if replaces else kind)
    assert (list(answer.diffs), list(answer.replaces)) == (["a"], ["a"] if replaces else [])
    assert answer.hasDetailedDiff


def test_no_change_is_said_to_be_none() -> None:
    answer = differences.response(DiffResult(False), {"a": 1}, {"a": 1})
    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE
    assert not answer.detailedDiff


def test_what_goes_first_is_said() -> None:
    assert differences.response(DiffResult(True, ("a",), ("a",), True), {}, {}).deleteBeforeReplace
