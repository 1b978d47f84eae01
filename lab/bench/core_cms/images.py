"""Images and starts on the host: what an app's image takes, and how long a container needs until it is well."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lab.bench.core_cms.apps import Subject
from lab.bench.core_cms.stack import Beside
from lab.bench.releases.ways import wait_until_serving
from lab.images.store import IMAGES
from lab.load.samples import percentile

BASE: Final = next(image.reference for image in IMAGES if image.name == "node")
"""The image that both stand on; hosts have it once."""
_STARTING: Final = (Path(__file__).parent / "starting.py").read_bytes()
Tell = Callable[[str], object]


@dataclass(frozen=True)
class Started:
    """An app's image and its starts: bytes unpacked of the whole image and of its base; seconds of each start."""

    image_bytes: int
    base_bytes: int
    starts: Sequence[float]
    with_systemd: Sequence[float]

    def figures(self) -> dict[str, float]:
        """Megabytes (a million bytes) and the medians of seconds."""
        return {
            "image, MB": self.image_bytes / 1e6,
            "image without its base, MB": (self.image_bytes - self.base_bytes) / 1e6,
            "start until healthy, s": percentile(self.starts, 50),
            "the same from `systemctl start` on, s": percentile(self.with_systemd, 50),
        }

    def as_json(self) -> dict[str, Any]:
        """The medians, and each start."""
        return {**self.figures(), "starts": [*self.starts], "with_systemd": [*self.with_systemd]}


def measure(stack: Beside, subjects: Sequence[Subject], times: int, tell: Tell) -> dict[str, Started]:
    """By the subjects' names; they take turns, and are served from again afterwards. Raises BenchError."""
    containers = {each.name: stack.container(each) for each in subjects}
    found: dict[str, list[dict[str, float]]] = {each.name: [] for each in subjects}
    for number in range(times):
        tell(f"bench: start {number + 1} of {times} of each app")
        for each in subjects:
            line = ["python3", "-", containers[each.name], each.released.surface.who]
            found[each.name].append(json.loads(stack.said(line, _STARTING)))
    for each in subjects:
        wait_until_serving(stack.of(each))
    return {each.name: _started(stack, each, found[each.name]) for each in subjects}


def _started(stack: Beside, subject: Subject, starts: Sequence[dict[str, float]]) -> Started:
    return Started(
        _size(stack, subject.image),
        _size(stack, BASE),
        [each["seconds"] for each in starts],
        [each["with_systemd"] for each in starts],
    )


def _size(stack: Beside, reference: str) -> int:
    """Bytes of an image on the host, unpacked, with those below it. Raises BenchError."""
    return int(stack.said(["podman", "image", "inspect", "--format", "{{.Size}}", reference]))
