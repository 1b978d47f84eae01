"""Interfaces of this machine carry the names of machines, whichever lab they are of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.host import commands
from lab.host.network import PORT, Network

NAME = "unplug9"


@pytest.fixture
def other() -> Iterator[str]:
    """The bridge of another lab, with a machine's interface on it."""
    bridge = "codeb-unplug"
    commands.output(["ip", "link", "add", bridge, "type", "bridge"])
    try:
        commands.output(
            [
                "ip",
                "link",
                "add",
                f"{PORT}{NAME}",
                "master",
                bridge,
                "type",
                "veth",
                "peer",
                "name",
                "ve-unplug9",
            ]
        )
        yield bridge
    finally:
        Network(bridge).unplug(NAME)
        commands.output(["ip", "link", "delete", bridge])


def test_another_labs_machine_of_the_same_name_keeps_its_interface(other: str) -> None:
    interface = Path("/sys/class/net", f"{PORT}{NAME}")
    Network("codeb-mine", "10.79.81").unplug(NAME)
    assert interface.exists()
    Network(other).unplug(NAME)
    assert not interface.exists()
