"""Tags that are made to move: what runs under them is another thing from one release to the next."""

from __future__ import annotations

from codeb.model.manifest import Manifest


def moves(image: str) -> bool:
    """Whether a reference has no digest and a tag that is no version: no digit is in it (`latest`, `main`, `stable`)."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return not digest and not any(letter.isdigit() for letter in tag)


def hint(manifest: Manifest) -> str | None:
    """What to know of a manifest whose image has such a tag."""
    image = manifest.environment.image
    if not moves(image):
        return None
    return (
        f"{manifest.id}: {image} is a tag that moves: a release takes what it points at then, and nothing is released "
        "when it is pushed again. Give each build a tag of its own in environment.image."
    )
