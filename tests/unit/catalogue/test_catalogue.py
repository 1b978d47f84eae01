"""What Vultr sells, as the file has it: it is whole, each part has a source and a day, and the nearest is found."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from codeb.catalogue import catalogue

FILE = Path(__file__).parents[3] / "codeb" / "data" / "vultr.yaml"
GIB = 1 << 30


def parts(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        document[key] for key in ("plans", "regions", "balancer", "reserved_ip", "file_system", "systems")
    ] + [*document["disks"].values()]


def test_every_part_says_where_it_is_from_and_of_what_day() -> None:
    for part in parts(yaml.safe_load(FILE.read_text())):
        assert len(part["source"]) > 20
        assert date(2025, 1, 1) < part["date"] < date(2027, 1, 1)


def test_the_sizes_of_the_requirements_are_there() -> None:
    known = catalogue()
    app, data, storage = (known.sizes[key] for key in ("vc2-6c-16gb", "vc2-8c-32gb", "vc2-4c-8gb"))
    assert (app.vcpus, app.memory, app.cents) == (6, 16 * GIB, 8000)
    assert (data.vcpus, data.memory, data.cents) == (8, 32 * GIB, 16000)
    assert (storage.memory, storage.cents) == (8 * GIB, 4000)
    assert "vc2-4c-16gb" not in known.sizes


@pytest.mark.parametrize("region", sorted(catalogue().regions))
def test_every_plan_leads_to_one_that_is_sold_and_has_at_least_as_much(region: str) -> None:
    known = catalogue()
    for size in known.sizes.values():
        nearest = known.nearest_size(size.id, region)
        if nearest is None:
            continue
        assert known.sold_in(nearest, region)
        assert (nearest.vcpus, nearest.memory) >= (size.vcpus, 0)
        assert nearest.memory >= size.memory
        if known.sold_in(size, region):
            assert nearest == size


@pytest.mark.parametrize(
    ("wanted", "region", "found"),
    [
        ("vc2-4c-16gb", "icn", "vc2-6c-16gb"),
        ("vc2-4c-16gb", "sao", "vc2-6c-16gb-sc1"),
        ("VC2-6C-16GB", "icn", "vc2-6c-16gb"),
        ("vc2_6c_16gb", "icn", "vc2-6c-16gb"),
        (" vc2-6c-16gb ", "icn", "vc2-6c-16gb"),
        ("vc2-1c-0.5gb", "icn", "vc2-1c-1gb"),
        ("vhf-5c-20gb", "icn", "vhf-6c-24gb"),
        ("vc2-6c-16gb-sc1", "icn", "vc2-6c-16gb"),
        ("vc2-6c-16gb", "hnl", "vhp-8c-16gb-amd"),
        ("vc2-2c-2gb-300s", "icn", "vc2-6c-16gb"),
        ("4c-8gb", "icn", "vc2-4c-8gb"),
        ("vc2-200c-2gb", "icn", None),
        ("", "icn", None),
        ("; rm -rf /", "icn", None),
        ("c" * 1000, "icn", None),
    ],
)
def test_the_nearest_plan_has_at_least_as_much_of_everything_and_is_the_cheapest(
    wanted: str, region: str, found: str | None
) -> None:
    nearest = catalogue().nearest_size(wanted, region)
    assert (nearest.id if nearest else None) == found


@pytest.mark.parametrize(
    ("wanted", "id_"),
    [
        ("2625", 2625),
        ("Debian 13", 2625),
        ("debian 13 x64 (trixie)", 2625),
        ("TRIXIE", 2625),
        ("Ubuntu 24.04 LTS x64", 2284),
        ("ubuntu 26.04", 2760),
        ("debian", None),
        ("x64", None),
        ("", None),
        ("-1", None),
        ("9" * 100, None),
        ("\uff12\uff16\uff12\uff15", None),
    ],
)
def test_a_system_is_found_by_number_or_by_as_much_of_its_name_as_is_plain(
    wanted: str, id_: int | None
) -> None:
    found = catalogue().find_system(wanted)
    assert (found.id if found else None) == id_


def test_only_systems_that_run_our_units_are_fit() -> None:
    """Podman of Ubuntu 24.04 has Quadlet, but not what the units say (5.4): the agent's doctor says the same."""
    known = catalogue()
    assert [system.id for system in known.fit_systems()] == [2625, 2760]
    assert known.default_system == 2625
    assert {known.systems[key].fault is None for key in (387, 1743, 2136, 2284, 477, 2658, 2514)} == {False}


def test_prices_are_rounded_up_to_cents() -> None:
    disks = catalogue().disks
    assert disks["nvme"].cents(200) == 2000
    assert disks["hdd"].cents(200) == 500
    assert disks["hdd"].cents(41) == 103
