"""Who gets in at a project's site (`features.protect`): the part of its text that a rollback leaves as it is. Pure.

It stands between two comments in the block by which visitors come to the app, as `codeb.render` writes it.
"""

from __future__ import annotations

from agent.edge import names

_BEGINS, _ENDS = "\t# Who gets in.", "\t# That is who gets in."


def kept(text: str, now: str) -> str:
    """The site `text` with those who get in at the site `now`, whatever it says itself.

    A site without visitors of its own, on a server that is no edge, says nothing of them.
    """
    if not names.public(now):
        return text
    _, guard, _ = _parts(now)
    before, _, after = _parts(text)
    lines = [*before, *after]
    place = next((n + 1 for n, line in enumerate(lines) if names.public(line)), None)
    if place is None:
        return text
    return "".join(f"{line}\n" for line in [*lines[:place], *guard, *lines[place:]])


def asking(text: str, path: str, other: str) -> str:
    """The same where the app is asked for its health by another path: that question is let in."""
    before, guard, after = _parts(text)
    words = {f"path {path}": f"path {other}"}
    moved = [line.replace(line.strip(), words.get(line.strip(), line.strip())) for line in guard]
    return "".join(f"{line}\n" for line in [*before, *moved, *after])


def _parts(text: str) -> tuple[list[str], list[str], list[str]]:
    """The lines before it, its own, and those after it."""
    lines = text.splitlines()
    if _BEGINS not in lines or _ENDS not in lines:
        return lines, [], []
    begins, ends = lines.index(_BEGINS), lines.index(_ENDS) + 1
    return lines[:begins], lines[begins:ends], lines[ends:]
