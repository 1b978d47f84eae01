"""Which PostgreSQL an image has: files of one major version are no other's."""

from __future__ import annotations

import re
from typing import Final

from agent.documents.errors import Failed
from agent.host import commands
from agent.host.ports import Ports
from agent.images.pull import pull

_SAYS: Final = re.compile(r"postgres \(PostgreSQL\) ([0-9]+)")
_VERSION_FILE: Final = re.compile(r"([0-9]{1,3})(?:\.[0-9]+)?\n?")
_ASK_S: Final = 120
_LOCAL: Final = "localhost/"


def major_of(ports: Ports, image: str, *, may_pull: bool = True) -> int:
    """The major version of an image, which is pulled when it isn't here. Raises Failed."""
    if not ports.runner.run(commands.image_exists(image)).ok:
        if not may_pull or image.startswith(_LOCAL):
            raise Failed("pull", f"{image} is not on this host", "build it, or name an image of a registry")
        pull(ports, image)
    said = ports.runner.run(version(image), timeout_s=_ASK_S)
    found = _SAYS.search(said.out)
    if not said.ok or found is None:
        lines = said.text.splitlines() or ["no output"]
        raise Failed("image", f"{image} has no PostgreSQL: {lines[0][:300]}", "name an image of PostgreSQL")
    return int(found[1])


def version(image: str) -> list[str]:
    """What an image says of its PostgreSQL."""
    return [
        *("podman", "run", "--rm", "--pull=never", "--network=none", "--user=70:70", "--read-only"),
        *("--image-volume=ignore", "--cap-drop=all", "--security-opt=no-new-privileges", "--log-driver=none"),
        *("--entrypoint=postgres", image, "--version"),
    ]


def major_of_files(ports: Ports, folder: str) -> int | None:
    """The major version whose files a folder has; None when it has no cluster. Raises Failed."""
    content = ports.files.read(f"{folder}/PG_VERSION")
    if content is None:
        return None
    found = _VERSION_FILE.fullmatch(content.decode("utf-8", "replace"))
    if found is None:
        raise Failed("observe", f"{folder}/PG_VERSION has no version", "see what else is in that folder")
    return int(found[1])
