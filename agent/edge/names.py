"""Which host names a site's text answers to, and the same text for other names. Pure.

A site is a piece of Caddyfile as `codeb.render` writes it: blocks whose addresses stand on one line at the left margin.
The first block that visitors meet is the app's, the others redirect to it. By names with a port only the stack itself comes:
by the inner one, `shop.inner:8100`, its edges ask for the app on this server, by `shop.metrics:2020` Prometheus for figures.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

_OPENS, _CLOSES, _BETWEEN = " {", "}", ", "
_PLAIN = "http://"
_ANY = "*."
_FIGURES = ".metrics"
_PASSES = "reverse_proxy"


def addresses(text: str) -> tuple[str, ...]:
    """The names of a site, in the order of its text."""
    return tuple(name for line in text.splitlines() if _opens(line) for name in _of(line))


def public(text: str) -> tuple[str, ...]:
    """The names by which visitors come."""
    return tuple(name for name in addresses(text) if not _is_own(name))


def inner(text: str) -> str | None:
    """The name by which edges ask, with its port; None when they don't."""
    return next((name for name in addresses(text) if _is_inner(name)), None)


def without_tls(text: str) -> bool:
    """Whether visitors are served without TLS: it ends before Caddy."""
    return any(
        line.startswith(_PLAIN) and not _is_own(_of(line)[0]) for line in text.splitlines() if _opens(line)
    )


def is_wildcard(name: str) -> bool:
    """Whether it stands for many names, none of which is it."""
    return name.startswith(_ANY)


def doors(text: str) -> tuple[str, ...]:
    """Where a site sends its visitors on to (`10.1.0.2:8100`); nowhere where the app is behind this very site."""
    lines = [line.split() for line in text.splitlines()]
    found = [word for words in lines if words[:1] == [_PASSES] for word in words[1:] if _is_door(word)]
    return tuple(dict.fromkeys(found))


def overlap(one: str, other: str) -> bool:
    """Whether somebody may come by both names: they are the same, or one is a wildcard that the other falls under."""
    return one == other or one == _wildcard_over(other) or other == _wildcard_over(one)


def without(names: Iterable[str], others: Collection[str]) -> list[str]:
    """The names by which nobody comes who comes by one of the others."""
    return [name for name in names if not any(overlap(name, other) for other in others)]


def _wildcard_over(name: str) -> str | None:
    return None if is_wildcard(name) else _ANY + name.partition(".")[2]


def composed(text: str, names: Collection[str]) -> str:
    """The site for these names alone: those that it doesn't have come to the app's block, blocks without any go."""
    more = [name for name in sorted(names) if name not in addresses(text)]
    lines: list[str] = []
    for header, body in _blocks(text):
        kept = [name for name in _of(header) if name in names] + more if header else []
        if header and not kept:
            continue
        more = [] if header else more
        scheme = _PLAIN if header.startswith(_PLAIN) else ""
        lines += [f"{_BETWEEN.join(f'{scheme}{name}' for name in kept)}{_OPENS}", *body] if header else body
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
    return [name.removeprefix(_PLAIN) for name in header.removesuffix(_OPENS).split(_BETWEEN)]


def _is_own(name: str) -> bool:
    """Whether only the stack itself comes by this name."""
    return ":" in name


def _is_inner(name: str) -> bool:
    host, port, _ = name.partition(":")
    return bool(port) and not host.endswith(_FIGURES)


def _is_door(word: str) -> bool:
    """Not a matcher, nor what Caddy fills in at each request."""
    return ":" in word and word[0] not in "@{"
