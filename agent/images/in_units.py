"""How units name an image: by its repository and a digest that stands in a file beside them.

So a release that brings nothing but another image changes no unit, and systemd needn't read them all again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from agent.host import paths
from agent.host.ports import Files
from agent.project.record import Image
from agent.project.spec import IMAGE_TOKEN, UnitText

_NAME: Final = "CODEB_IMAGE_DIGEST"
_VARIABLE: Final = f"${{{_NAME}}}"
_IMAGE: Final = re.compile(r"^Image=(.+)$", re.MULTILINE)
_DIGEST_FILE: Final = re.compile(r"^EnvironmentFile=(.+\.image)$", re.MULTILINE)


def filled_in(unit: UnitText, image: Image) -> bytes:
    """The unit's content with the image in the place of its token.

    The whole reference stands there when the unit reads no digest, or the image has none because it came from no
    registry.
    """
    repository, pinned, _ = image.reference.partition("@")
    by_digest = pinned and _DIGEST_FILE.search(unit.content)
    return unit.content.replace(
        IMAGE_TOKEN, f"{repository}@{_VARIABLE}" if by_digest else image.reference
    ).encode()


def digest_file(image: Image) -> bytes:
    """What systemd reads the digest from (`EnvironmentFile=` of the service)."""
    return f"{_NAME}={image.digest}\n".encode()


def named(files: Files) -> Iterator[str]:
    """Every image that a container's unit names, the platform's services and cron jobs among them."""
    for name in files.listing(paths.QUADLET):
        if name.endswith(".container"):
            text = (files.read(paths.quadlet(name)) or b"").decode("utf-8", "replace")
            digests = [_digest(files, path) for path in _DIGEST_FILE.findall(text)]
            for image in _IMAGE.findall(text):
                yield image.strip().replace(_VARIABLE, digests[-1] if digests else "")


def _digest(files: Files, path: str) -> str:
    content = (files.read(path) or b"").decode("utf-8", "replace")
    return content.partition(f"{_NAME}=")[2].strip()
