"""What a load asks of an app, and how the app's answers tell what runs."""

from __future__ import annotations

from dataclasses import dataclass, replace

ITEM = 1
"""What is ordered: the only item of an app that takes orders."""


@dataclass(frozen=True)
class Get:
    """A path that is asked by GET, and what every right answer holds."""

    path: str
    mark: str


@dataclass(frozen=True)
class Events:
    """A path of server-sent events. `tells`: its first data is a JSON document with `version` and `colour`.

    A stream that hears nothing for `silent` seconds counts as broken.
    """

    path: str
    tells: bool = True
    silent: int = 10


@dataclass(frozen=True)
class Surface:
    """Paths of an app; None where it has nothing of the kind.

    `who` answers a GET with JSON that has `version` and `colour`. A POST to `orders` is answered 201 the first time and 200
    when its reference is known; `sockets` greets with `version` and `colour` and sends back what it gets; a POST to
    `upload` is answered with the body's `sha256` and the `colour`.
    """

    who: str
    gets: tuple[Get, ...]
    orders: str | None = None
    events: Events | None = None
    sockets: str | None = None
    upload: str | None = None

    @property
    def marks(self) -> dict[str, str]:
        """What the answers to GETs hold, by path."""
        return {get.path: get.mark for get in self.gets}


@dataclass(frozen=True)
class Shape:
    """How much: requests a second, WebSockets, event streams, seconds that one upload takes (0: none)."""

    rate: int = 200
    sockets: int = 20
    events: int = 5
    upload_seconds: float = 12

    def on(self, surface: Surface) -> Shape:
        """The same without what the app does not have."""
        return replace(
            self,
            sockets=self.sockets if surface.sockets else 0,
            events=self.events if surface.events else 0,
            upload_seconds=self.upload_seconds if surface.upload else 0,
        )


PROBE = Surface(
    who="/api/version",
    gets=(Get("/api/version", '"colour"'),),
    orders="/api/orders",
    events=Events("/api/events"),
    sockets="/api/live",
    upload="/api/upload",
)
"""Of `examples/bench-app`."""

CORE_CMS = Surface(
    who="/api/health",
    gets=(Get("/api/restaurants", '"cached"'), Get("/api/health", '"colour"')),
    events=Events("/api/events", tells=False, silent=60),
)
"""Of Core CMS with the dataset `restaurants`: what anybody may ask. Its events say nothing of who sends them."""
