"""What a deployment asks of a stack beyond its manifests, as the text that the program reads (docs/previews.md)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from codeb import names

VARIABLE: Final = names.REQUEST_VARIABLE
"""The environment variable in which the Pulumi program and everything that previews looks for a request."""


def request_text(
    images: Mapping[str, str],
    open: Mapping[str, Mapping[str, object]],
    close: Sequence[str],
    unpin: Sequence[str] = (),
    pools: Mapping[str, Mapping[str, object]] | None = None,
) -> str:
    """A request as canonical JSON: the same request is the same text, whoever writes it and in whichever order.

    `images` maps projects to image digests, `open` ids of preview environments to project, pull, image and until, `close`
    names those that are to end, `unpin` projects that run their manifest's image again, `pools` maps pools to count, at and
    reason. Whether it may be so is for the program to say: nothing is checked here.
    """
    previews = {"open": {name: dict(entry) for name, entry in open.items()}, "close": sorted(set(close))}
    document: dict[str, object] = {"version": 1, "images": dict(images), "previews": previews}
    if unpin:
        document["unpin"] = sorted(set(unpin))
    if pools:
        document["pools"] = {name: dict(entry) for name, entry in pools.items()}
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


@contextmanager
def asking(request: str) -> Iterator[None]:
    """Runs get the request meanwhile, and the hash of what they read has it; "" asks for nothing."""
    before = os.environ.pop(VARIABLE, None)
    if request:
        os.environ[VARIABLE] = request
    try:
        yield
    finally:
        os.environ.pop(VARIABLE, None)
        if before is not None:
            os.environ[VARIABLE] = before
