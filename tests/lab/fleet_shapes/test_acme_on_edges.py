"""Two edges behind the balancer order their certificates of a real CA, together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from shaped import Shaped

from lab.acme import pebble
from lab.acme.pebble import Pebble, Where
from lab.host import Lab
from lab.host.processes import wait_until
from tests.ports import free_port

SHARE = "/srv/codeb-shared"
CUT = 2
"""Orders that a reload may cut short between the CA's signature and the certificate: the new Caddy orders once more."""


@pytest.fixture
def ca(lab: Lab, tmp_path: Path) -> Iterator[Pebble]:
    """A CA on this machine, which hosts reach and which comes back through the balancer."""
    gateway = lab.network.gateway
    first = f"{lab.network.prefix}.200"
    where = Where(free_port(), free_port(), free_port(), 80, 443, first, gateway, free_port())
    found = Pebble(pebble.build(lab), tmp_path, where)
    found.start()
    try:
        assert wait_until(lambda: _tells(found), 20, pause=0.2), found.log.read_text()
        yield found
    finally:
        found.stop()


@pytest.mark.slow
def test_two_edges_order_each_certificate_once(
    shape: Callable[..., Shaped], ca: Pebble, tmp_path: Path
) -> None:
    fleet = shape("balanced", tlsIssuer="acme", acmeDirectory=ca.directory, acmeCa=ca.ca + ca.root())
    begun = time.monotonic()
    fleet.up()
    print(f"up {time.monotonic() - begun:.0f} s")
    entry = fleet.balancer()
    assert entry == ca.where.address, "the CA asks elsewhere"
    root = tmp_path / "root.crt"
    root.write_text(ca.root())
    fleet.answers(entry, root)
    print(f"answers {time.monotonic() - begun:.0f} s")
    for edge in ("app-1", "app-2"):
        fleet.on(edge, "mountpoint", SHARE)
        fleet.answers(fleet.address(edge), root)
    names = fleet.on("app-1", "sh", "-c", f"find {SHARE} -name '*.crt' | xargs -n1 basename").split()
    print(names, len(ca.issued()), ca.asked())
    assert len(names) == len(set(names))
    assert len(names) <= len(ca.issued()) <= len(names) + CUT, "each edge ordered for itself"
    fleet.unchanged()
    fleet.destroy()


def _tells(ca: Pebble) -> bool:
    try:
        return bool(ca.root())
    except OSError:
        return False
