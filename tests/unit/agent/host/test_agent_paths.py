"""Places and names on a host."""

from __future__ import annotations

import pytest

from agent.host.paths import unit_of


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("/etc/containers/systemd/a.container", "a.service"),
        ("/etc/containers/systemd/a.network", "a-network.service"),
        ("/etc/systemd/system/a.timer", "a.timer"),
        ("/etc/systemd/system/a.service", "a.service"),
        ("/etc/systemd/system/a.service.d/drop-in.conf", None),
        ("/etc/systemd/system/a", None),
        ("/etc/caddy/a.service", None),
    ],
)
def test_unit_files_make_units(path: str, unit: str | None) -> None:
    assert unit_of(path) == unit
