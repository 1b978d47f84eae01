"""What the cloud's machines decide without touching any: addresses, device names, what the metadata service says."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.vultr.machines import metadata
from lab.vultr.machines.balancers import configuration
from lab.vultr.machines.book import Book, DiskNote, NetworkNote, Notes, private_address
from lab.vultr.ports import BalancerSpec, ForwardingRule, HealthCheck, MachineError

PREFIX = "10.77.0"
HEALTH = HealthCheck("http", 80, "/api/health", interval_s=15, timeout_s=5, unhealthy=3, healthy=2)


def test_addresses_are_kept_by_their_owner_and_free_after_it() -> None:
    notes = Notes()
    first, second = (notes.add_server(key, key, None, PREFIX).main for key in ("a", "b"))
    assert (first, second) == ("10.77.0.100", "10.77.0.101")
    assert notes.add_server("a", "a", None, PREFIX).main == first
    del notes.servers["a"]
    assert notes.add_server("c", "c", None, PREFIX).main == first
    assert notes.add_server("d", "d", "10.77.0.210", PREFIX).main == "10.77.0.210"


def test_reserved_addresses_are_no_servers_own() -> None:
    notes = Notes()
    notes.reserved["r"] = notes.special(PREFIX)
    balancer = notes.add_balancer("b", None, PREFIX)
    assert (notes.reserved["r"], balancer.address) == ("10.77.0.200", "10.77.0.201")


def test_the_first_addresses_of_a_private_network_are_the_networks() -> None:
    note = NetworkNote("cv1", "10.64.0.0", 29)
    assert [private_address(note, key) for key in "abca"] == [
        "10.64.0.3",
        "10.64.0.4",
        "10.64.0.5",
        "10.64.0.3",
    ]
    private_address(note, "d")
    with pytest.raises(MachineError, match="no address is left"):
        private_address(note, "e")


def test_a_disk_takes_the_first_free_device_and_twenty_characters_of_its_number() -> None:
    notes = Notes(disks={key: DiskNote() for key in ("one", "two")})
    for key in ("a", "b"):
        notes.add_server(key, key, None, PREFIX)
    notes.place("one", "a", "icn-0123456789abcdef0123")
    notes.place("two", "a", "icn-2")
    assert (notes.disks["one"].device, notes.disks["one"].serial) == ("vdb", "icn-0123456789abcdef")
    assert notes.disks["two"].device == "vdc"
    with pytest.raises(MachineError, match="on instance a"):
        notes.place("one", "b", "icn-1")
    with pytest.raises(MachineError, match="no disk three"):
        notes.place("three", "a", "icn-3")


def test_the_book_is_as_it_was_when_a_change_fails(tmp_path: Path) -> None:
    book = Book(tmp_path / "machines.json")
    with book.change() as notes:
        notes.add_server("a", "app1", None, PREFIX).private["v"] = "10.64.0.3"
    before = book.read()
    with pytest.raises(MachineError):
        _forget_and_fail(book)
    assert book.read() == before
    assert (tmp_path / "machines.json").stat().st_mode & 0o077 == 0, (
        "tells of user data's servers to everybody"
    )


def _forget_and_fail(book: Book) -> None:
    with book.change() as notes:
        notes.servers.clear()
        notes.server("a")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/latest/user-data", "#cloud-config"),
        ("/v1/hostname", "app1"),
        ("/v1/interfaces/0/ipv4/address", "10.77.0.100"),
        ("/v1/interfaces/", "0/"),
        ("/v1/public-keys", "one\ntwo"),
        ("/v1/hostname/more", None),
        ("/v2/hostname", None),
        ("/", None),
    ],
)
def test_the_metadata_service_answers_paths(path: str, said: str | None) -> None:
    document = {
        "hostname": "app1",
        "interfaces": {"0": {"ipv4": {"address": "10.77.0.100"}}},
        "public-keys": ["one", "two"],
        "user-data": "#cloud-config",
    }
    assert metadata.answer(document, path) == said


def test_health_checks_go_to_their_own_port_without_a_proxy_header() -> None:
    rules = (ForwardingRule("tcp", 443, "tcp", 443),)
    text = configuration(BalancerSpec("b", rules, HEALTH, ("10.64.0.3",), proxy_protocol=True), "10.77.0.200")
    assert "default-server check port 80 inter 15s fall 3 rise 2" in text
    assert "default-server send-proxy" in text
    assert "check-send-proxy" not in text
    assert "server 10.64.0.3 10.64.0.3:443" in text
