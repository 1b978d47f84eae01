"""Release and rollback on a host in memory, and what users reach there."""

from __future__ import annotations

from typing import Any

import pytest
from agent_fakes import App, FakeHost, release_document

from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.release.drive import release, rollback

V1, V2, V3 = "reg.lab:5000/shop:1", "reg.lab:5000/shop:2", "reg.lab:5000/shop:3"
JOB = {
    "unit": {
        "name": "codeb-shop-app-job.container",
        "content": "[Container]\nImage=@IMAGE@\n[Service]\nEnvironmentFile=/etc/codeb/projects/shop-app/candidate.image\n",
    },
    "timeout_ms": 60_000,
}
UPSTREAM = "/etc/caddy/upstreams/shop-app"


def new_host() -> FakeHost:
    host = FakeHost(registry={V1: App(), V2: App(), V3: App()})
    host.put("/etc/caddy/Caddyfile", "import /etc/caddy/sites/*.caddy\n")
    host.put("/etc/codeb/hold.nft", "table inet codeb_hold {\n}\n")
    return host


def run(host: FakeHost, image: str = V1, **changes: Any) -> dict[str, object]:
    return release(host.ports(), Reader(release_document(image, **changes), ""), "tester")


def back(host: FakeHost, **changes: Any) -> dict[str, object]:
    return rollback(host.ports(), Reader({"project": "shop-app", **changes}, ""), "tester")


def fails(host: FakeHost, image: str = V2, **changes: Any) -> Failed:
    with pytest.raises(Failed) as caught:
        run(host, image, **changes)
    return caught.value


def serves(host: FakeHost) -> str:
    """The image that users reach."""
    address = host.tell(UPSTREAM)
    image = next(c.image for c in host.running.values() if c.address == address)
    names: list[str] = [name for name in host.images if host.app(image) is host.images[name]]
    return names[0]
