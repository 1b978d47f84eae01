"""One value of a YAML file set or taken away, the rest of the file as it is, byte for byte: comments, order, line ends.

The places come from PyYAML's marks; whoever edits reads the result and compares, as YAML has forms that nobody foresees.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

_STEP = 2
_DASHES = re.compile(r":[\s-]*")
Path = tuple[str, ...]


class EditError(ValueError):
    """The file has a form in which the place can't be told."""


def put(text: str, path: Path, value: str) -> str:
    """The text with `value`, a scalar or a list (`[a, b]`) as it is written, at `path`; mappings on the way are made.

    A list that is there over several lines, as `pulumi config set` writes it, comes to a single one. Raises EditError, also
    when such a list has comments, or more than plain items.
    """
    node = name = _root(text)
    for depth, key in enumerate(path):
        entry = _entry(node, key)
        if entry is None:
            return _insert(text, node, path[depth:], value)
        name, node = node.value[entry]
    if isinstance(node, yaml.SequenceNode) and not node.flow_style:
        end = _end_of(text, name, node)
        if end is None:
            raise EditError(
                f"{'.'.join(path)} is a list over several lines with more than items: write it as [a, b]"
            )
        return f"{text[: name.end_mark.index]}: {value}{text[end:]}"
    if isinstance(node, yaml.MappingNode):
        raise EditError(f"{'.'.join(path)} is no single value")
    return text[: node.start_mark.index] + value + text[node.end_mark.index :]


def drop(text: str, path: Path) -> str:
    """The text without the value at `path`, and without mappings that would be empty then. Raises EditError."""
    node, parents = _root(text), []
    for key in path:
        entry = _entry(node, key)
        if entry is None:
            raise EditError(f"there is no {'.'.join(path)}")
        parents.append((node, entry))
        node = node.value[entry][1]
    parent, entry = next((pair for pair in reversed(parents) if len(pair[0].value) > 1), parents[0])
    cut = _cut_flow if parent.flow_style else _cut_block
    start, end = cut(text, parent, entry)
    return text[:start] + text[end:]


def _end_of(text: str, name: Any, items: Any) -> int | None:
    """Where the last item of a list ends; None when there is more than dashes between its name and its plain items."""
    at, between = int(name.end_mark.index), ""
    for item in items.value:
        if not isinstance(item, yaml.ScalarNode):
            return None
        between += text[at : item.start_mark.index]
        at = int(item.end_mark.index)
    return at if _DASHES.fullmatch(between) else None


def _root(text: str) -> Any:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise EditError("the file is no mapping")
    return root


def _entry(node: Any, key: str) -> int | None:
    if not isinstance(node, yaml.MappingNode):
        raise EditError(f"there is no mapping to have {key}")
    return next((number for number, (name, _) in enumerate(node.value) if name.value == key), None)


def _insert(text: str, mapping: Any, path: Path, value: str) -> str:
    """After the mapping's last entry, in its own style."""
    if mapping.flow_style:
        entry = _nested(path, value)
        if not mapping.value:
            at = mapping.start_mark.index + 1
            return text[:at] + entry + text[at:]
        at = mapping.value[-1][1].end_mark.index
        return f"{text[:at]}, {entry}{text[at:]}"
    newline = "\r\n" if "\r\n" in text else "\n"
    column = mapping.value[0][0].start_mark.column
    keys = [f"{' ' * (column + _STEP * depth)}{key}:" for depth, key in enumerate(path)]
    lines = newline.join([*keys[:-1], f"{keys[-1]} {value}"]) + newline
    at = _line_after(text, mapping)
    before = text[:at] if at == 0 or text[at - 1] == "\n" else text[:at] + newline
    return before + lines + text[at:]


def _nested(path: Path, value: str) -> str:
    key, *rest = path
    return f"{key}: {{{_nested(tuple(rest), value)}}}" if rest else f"{key}: {value}"


def _line_after(text: str, node: Any) -> int:
    """Where the line after all of a node begins, the end of the text where there is none."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(node, yaml.MappingNode) else last
    end = int(node.end_mark.index)
    if end and text[end - 1] == "\n":  # a block scalar ends with its line
        return end
    newline = text.find("\n", end)
    return len(text) if newline < 0 else newline + 1


def _cut_block(text: str, mapping: Any, entry: int) -> tuple[int, int]:
    key, value = mapping.value[entry]
    start = text.rfind("\n", 0, key.start_mark.index) + 1
    if text[start : key.start_mark.index].strip(" "):
        raise EditError("something else is on the same line")
    return start, _line_after(text, value)


def _cut_flow(text: str, mapping: Any, entry: int) -> tuple[int, int]:
    key, value = mapping.value[entry]
    if entry + 1 < len(mapping.value):
        return key.start_mark.index, mapping.value[entry + 1][0].start_mark.index
    start = mapping.value[entry - 1][1].end_mark.index if entry else key.start_mark.index
    return start, value.end_mark.index
