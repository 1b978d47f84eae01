"""Which host names a site's text answers to, and the same text for other names. Pure.

A site is a piece of Caddyfile as `codeb.render` writes it: blocks whose addresses stand on one line at the left margin.
The first block is the app's, the others redirect to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

_OPENS, _CLOSES, _BETWEEN = " {", "}", ", "


def addresses(text: str) -> tuple[str, ...]:
    """The names of a site, in the order of its text."""
    return tuple(name for line in text.splitlines() if _opens(line) for name in _of(line))


def composed(text: str, names: Collection[str]) -> str:
    """The site for these names alone: those that it doesn't have come to the app's block, blocks without any go."""
    more = [name for name in sorted(names) if name not in addresses(text)]
    lines: list[str] = []
    for header, body in _blocks(text):
        kept = [name for name in _of(header) if name in names] + more if header else []
        if header and not kept:
            continue
        more = [] if header else more
        lines += [f"{_BETWEEN.join(kept)}{_OPENS}", *body] if header else body
    return "".join(f"{line}\n" for line in lines)


def _blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each block as its first line and the rest; lines between blocks come with "" as the first."""
    header, body = "", list[str]()
    for line in text.splitlines():
        if _opens(line):
            yield header, body
            header, body = line, []
        elif header and line == _CLOSES:
            yield header, [*body, line]
            header, body = "", []
        else:
            body.append(line)
    yield header, body


def _opens(line: str) -> bool:
    return line.endswith(_OPENS) and not line[0].isspace() and line[0] not in "#({"


def _of(header: str) -> list[str]:
    return header.removesuffix(_OPENS).split(_BETWEEN)
