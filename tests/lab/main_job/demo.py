"""What the apps of `manifests/` answer, for tests that ask these. When the app changes, all that changes for tests is here.

Whatever a test can ask of any app it asks of one of its own (`stack.new_project`), which runs `examples/bench-app`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

ALIVE = "/robots.txt"
"""Answered 200 while the process serves, whatever became of its database, cache and storage."""
TITLE = "APP_TITLE"
"""The variable with the heading of a site's first page."""
ROWS = {
    "food.lab.test": ("/api/restaurants", "restaurants"),
    "estate.lab.test": ("/api/listings", "listings"),
    "blog.lab.test": ("/api/posts", "posts"),
}
"""Where each site has its rows, by database, cache and signed URLs, and what they are called in the answer."""


class Answer(Protocol):
    """As much of an answer as is looked at here."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The document in the body."""


Get = Callable[[str], Answer]


@dataclass(frozen=True)
class Rows:
    """What a site lists, whether it had it in its cache, and a signed URL of each row's image."""

    cached: bool
    images: tuple[str, ...]


def rows_url(host: str) -> str:
    """Where a site lists its rows: JSON of more than a few hundred bytes."""
    return f"https://{host}{ROWS[host][0]}"


def rows(get: Get, host: str) -> Rows:
    """What a site lists, which has rows. AssertionError when it does not answer."""
    answer = get(rows_url(host))
    assert answer.status == 200, f"{host}: {answer.status}"
    document = answer.json()
    images = tuple(row["image_url"] for row in document[ROWS[host][1]])
    assert images, f"{host} has no rows"
    return Rows(document["cached"], images)


def shows(get: Get, host: str, title: str) -> bool:
    """Whether a site's first page has this heading."""
    answer = get(f"https://{host}/")
    assert answer.status == 200, f"{host}: {answer.status}"
    return title in answer.body.decode()
