"""Property values on the wire and back."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.plugins.values import (
    SIGNATURE,
    UNKNOWN_TEXT,
    UNKNOWN_TEXTS,
    Secret,
    decode,
    encode,
    marked_at,
    marked_like,
    plain,
)
from lab.providers.protocol import UNKNOWN

TEXTS = st.text().filter(lambda text: text not in UNKNOWN_TEXTS)
KEYS = TEXTS.filter(lambda text: text != SIGNATURE)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | TEXTS
    | st.just(UNKNOWN)
)


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4) | st.builds(Secret, inner)


VALUES = st.recursive(SCALARS, _containers, max_leaves=8)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""How long an example takes says nothing: the machine may be busy."""


@UNHURRIED
@given(OBJECTS)
def test_what_is_sent_arrives(value: dict[str, Any]) -> None:
    wire = struct_pb2.Struct.FromString(encode(value).SerializeToString())
    assert decode(wire) == value


@UNHURRIED
@given(OBJECTS)
def test_marks_are_found_again_on_the_plain_value(value: dict[str, Any]) -> None:
    assert marked_like(plain(value), value) == value


@UNHURRIED
@given(OBJECTS, OBJECTS)
def test_marks_change_no_value(value: dict[str, Any], model: dict[str, Any]) -> None:
    assert plain(marked_like(value, model)) == plain(value)
    assert plain(marked_at(value, ("a", "b.c"))) == plain(value)


@UNHURRIED
@given(st.integers(-(2**49), 2**49))
def test_whole_numbers_are_integers(number: int) -> None:
    assert type(decode(encode({"n": float(number)}))["n"]) is int


@pytest.mark.parametrize("text", sorted(UNKNOWN_TEXTS))
def test_every_kind_of_unknown_is_unknown(text: str) -> None:
    struct = struct_pb2.Struct()
    struct.fields["it"].list_value.values.add().string_value = text
    assert decode(struct) == {"it": [UNKNOWN]}
    assert encode({"it": UNKNOWN}).fields["it"].string_value == UNKNOWN_TEXT


@pytest.mark.parametrize(
    ("value", "paths", "marked"),
    [
        ({"a": 1, "b": 2}, ("a",), {"a": Secret(1), "b": 2}),
        ({"a": None}, ("a", "b"), {"a": None}),
        ({"a": UNKNOWN}, ("a",), {"a": Secret(UNKNOWN)}),
        ({"a": {"b": 1, "c": 2}}, ("a.b",), {"a": {"b": Secret(1), "c": 2}}),
        ({"a": {"b": 1}}, ("a.b", "a"), {"a": Secret({"b": Secret(1)})}),
        ({"a": Secret({"b": 1})}, ("a.b",), {"a": Secret({"b": Secret(1)})}),
        ({"a": Secret(1)}, ("a",), {"a": Secret(1)}),
        ({"a": "text"}, ("a.b",), {"a": "text"}),
    ],
)
def test_marks_at_paths(value: Any, paths: tuple[str, ...], marked: Any) -> None:
    assert marked_at(value, paths) == marked


@pytest.mark.parametrize(
    ("value", "model", "marked"),
    [
        ({"a": 2}, {"a": Secret(1)}, {"a": Secret(2)}),
        ({"a": {"b": 1}}, {"a": Secret({"b": Secret(1)})}, {"a": Secret({"b": Secret(1)})}),
        ({"a": [1, 2, 3]}, {"a": [1, Secret(2)]}, {"a": [1, Secret(2), 3]}),
        ({"a": 1}, {"b": Secret(1)}, {"a": 1}),
        ({"a": "text"}, {"a": {"b": Secret(1)}}, {"a": "text"}),
        ({"a": Secret(1)}, {"a": 1}, {"a": Secret(1)}),
    ],
)
def test_marks_like_a_models(value: Any, model: Any, marked: Any) -> None:
    assert marked_like(value, model) == marked


def test_a_secret_does_not_show_itself() -> None:
    assert "hush" not in repr({"a": [Secret("hush")]})
    assert "hush" not in f"{Secret('hush')}"
