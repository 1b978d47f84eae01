"""Reads a file of series as strictly as Prometheus' exposition format is written down."""

from __future__ import annotations

import re

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]

_LINE = re.compile(r"([a-z_]+[a-z0-9_]*)(?:\{(.*)\})? (\S+)", re.DOTALL)
_LABEL = re.compile(r'([a-z_][a-z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def read(content: bytes) -> Series:
    """The series of a file, as strictly as the format is written down; AssertionError for what breaks it."""
    found: Series = {}
    said = content.decode("utf-8")
    assert said == "" or said.endswith("\n")
    for line in said.split("\n")[:-1]:
        if line.startswith("# "):
            continue
        match = _LINE.fullmatch(line)
        assert match, line
        inside, pairs, at = match[2] or "", [], 0
        while at < len(inside):
            label = _LABEL.match(inside, at)
            assert label, f"{line}: label at {at}"
            pairs.append((label[1], re.sub(r'\\[\\"n]', lambda each: _ESCAPES[each[0]], label[2])))
            at = label.end()
        key = (match[1], tuple(pairs))
        assert key not in found, f"{key} comes twice: the node exporter would drop everything"
        found[key] = float(match[3])
    return found
