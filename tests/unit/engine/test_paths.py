"""Property paths, diffs and graphs without a stack."""

from __future__ import annotations

import pytest

from lab.engine import paths
from lab.engine.diffing import replace_on_changes
from lab.engine.provider import DiffResult
from lab.engine.targets import Targets
from lab.engine.values import Secret, equal, mask, plain, rewrap


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("a", ("a",)),
        ("a.b[0].c", ("a", "b", 0, "c")),
        ('a["x.y"][*]', ("a", "x.y", "*")),
        ("triggers[*]", ("triggers", "*")),
        ("*", ("*",)),
    ],
)
def test_paths_are_parsed(text: str, elements: paths.Path) -> None:
    assert paths.parse(text) == elements


def test_a_broken_path_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a property path"):
        paths.parse("a[")


@pytest.mark.parametrize(
    ("path", "old", "new", "result", "possible"),
    [
        ("a", {"a": 1}, {"a": 2}, {"a": 1}, True),
        ("a", {}, {"a": 2}, {}, True),
        ("a", {"a": 1}, {}, {"a": 1}, True),
        ("a.b", {"a": {"b": 1}}, {"a": {"b": 2, "c": 3}}, {"a": {"b": 1, "c": 3}}, True),
        ("a.b", {"a": {"b": 1}}, {}, {}, False),
        ("a[0]", {"a": [1, 2]}, {"a": [9, 8]}, {"a": [1, 8]}, True),
        ("a[1]", {"a": [1]}, {"a": [9, 8]}, {"a": [9, 8]}, False),
        ("a[*]", {"a": [1, 2]}, {"a": [9, 8]}, {"a": [1, 2]}, True),
        ("*", {"a": 1}, {"a": 2, "b": 3}, {"a": 1}, True),
        ("a.x", {"a": Secret({"x": 1})}, {"a": {"x": 2}}, {"a": {"x": Secret(1)}}, True),
    ],
)
def test_values_are_taken_from_the_old_state(
    path: str, old: object, new: object, result: object, possible: bool
) -> None:
    found, done = paths.reset(paths.parse(path), old, new)
    assert equal(found, result)
    assert done is possible


def test_replace_on_changes_reaches_into_elements() -> None:
    diff = DiffResult(changes=True, diffs=("triggers[0]", "environment.K"))
    assert replace_on_changes(diff, ["triggers[*]"], init_errors=False).replaces == ("triggers[0]",)
    assert "environment" in replace_on_changes(diff, ["environment"], init_errors=False).replaces
    assert replace_on_changes(diff, ["create"], init_errors=False).replaces == ()


def test_equality_tells_kinds_apart() -> None:
    assert not equal(True, 1)
    assert equal(22, 22.0)
    assert equal({"a": None}, {})
    assert not equal(Secret(1), 1)


def test_marks_survive_a_provider() -> None:
    marked = {"a": Secret("x"), "b": [Secret(1), 2], "gone": Secret(3)}
    assert plain(marked) == {"a": "x", "b": [1, 2], "gone": 3}
    assert mask(rewrap({"a": "x", "b": [1, 2, 3], "c": 4}, marked)) == {
        "a": "[secret]",
        "b": ["[secret]", 2, 3],
        "c": 4,
    }


def test_globs_stay_within_a_part_of_the_urn() -> None:
    targets = Targets(["urn:pulumi:dev::p::**::web-*"])
    assert "urn:pulumi:dev::p::a:b:C$d:e:F::web-1" in targets
    assert "urn:pulumi:dev::p::a:b:C::db" not in targets
    assert "anything" in Targets()
