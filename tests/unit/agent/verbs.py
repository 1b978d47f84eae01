"""Verbs on a host in memory, and what users reach there."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from agent.cli import run as run_verb
from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.edge import sites
from agent.host import paths
from agent.host.ports import Ports
from agent.release.drive import release, rollback
from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.podman import App

V1, V2, V3 = "reg.lab:5000/shop:1", "reg.lab:5000/shop:2", "reg.lab:5000/shop:3"
JOB = {
    "unit": {
        "name": "codeb-shop-app-job.container",
        "content": "[Container]\nImage=@IMAGE@\n[Service]\nEnvironmentFile=/etc/codeb/projects/shop-app/candidate.image\n",
    },
    "timeout_ms": 60_000,
}
UPSTREAM = "/etc/caddy/upstreams/shop-app"


LISTED = "import sites.list\n"
"""A Caddyfile that imports sites as it is rendered now."""
GLOBBED = "import sites/*.caddy\n"
"""One that an older program rendered."""


def with_caddyfile(host: FakeHost, text: str = LISTED) -> FakeHost:
    """The host with Caddy's files as a bundle leaves them."""
    host.put(paths.CADDYFILE, text)
    if text == LISTED:
        host.put(paths.SITES_LIST, sites.imports(()).decode())
    return host


def new_host() -> FakeHost:
    host = with_caddyfile(FakeHost(registry={V1: App(), V2: App(), V3: App()}))
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
    image = next(c.image for c in host.systemd.running.values() if c.address == address)
    names: list[str] = [
        name for name in host.podman.images if host.podman.app(image) is host.podman.images[name]
    ]
    return names[0]


def call(ports: Ports, verb: str, document: object = None) -> tuple[int, dict[str, Any], str]:
    """What the command line makes of a verb and its document (text is sent as it is): status, answer, errors."""
    out, err = io.StringIO(), io.StringIO()
    text = document if isinstance(document, str) else json.dumps(document or {})
    code = run_verb(ports, verb, text, out, err, "tester")
    assert out.getvalue().count("\n") == 1, "standard output is one document on one line"
    return code, json.loads(out.getvalue()), err.getvalue()
