"""Tags that are made to move: what runs under them is another thing from one release to the next."""

from __future__ import annotations


def moves(image: str) -> bool:
    """Whether a reference has no digest and a tag that is no version: no digit is in it (`latest`, `main`, `stable`)."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return not digest and not any(letter.isdigit() for letter in tag)
