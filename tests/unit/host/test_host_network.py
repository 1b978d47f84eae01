"""Addresses follow from names; a bridge or an address that is not ours is an error that says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.host.errors import LabError
from lab.host.network import Network, check_free


@pytest.mark.parametrize(
    ("name", "address"), [("codeb1", "10.77.0.2"), ("codeb2", "10.77.0.3"), ("edge-12", "10.77.0.13")]
)
def test_a_host_has_the_address_of_its_number(name: str, address: str) -> None:
    assert Network().address(name) == address


@pytest.mark.parametrize(
    "name",
    [
        "codeb",
        "codeb0",
        "codeb254",
        "codeb01",
        "1codeb",
        "-o1",
        "../x1",
        "a;b1",
        "Codeb1",
        "codeb1\n",
        "averylonghost1",
    ],
)
def test_what_can_be_no_host_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="no name for a lab host"):
        Network().address(name)


def test_an_address_of_the_lab_on_another_interface_is_named() -> None:
    interfaces: list[dict[str, Any]] = [
        {"ifname": "lo", "addr_info": [{"local": "127.0.0.1"}]},
        {"ifname": "vpn0", "addr_info": [{"local": "10.77.0.99"}]},
    ]
    with pytest.raises(LabError, match=r"vpn0 has 10\.77\.0\.99") as error:
        check_free("10.77.0", interfaces)
    assert "vpn0" in error.value.remedy
    check_free("10.77.0", interfaces[:1])


class Held(Network):
    """A network whose bridge another clone has."""

    def holder(self) -> str | None:
        return "/somewhere/else/.lab"


def test_another_clones_bridge_is_left_alone_and_its_folder_named() -> None:
    with pytest.raises(LabError, match="/somewhere/else") as error:
        Held().ensure(Path("/here/.lab"))
    assert "make lab-down" in error.value.remedy
    assert "/somewhere/else" in error.value.remedy
