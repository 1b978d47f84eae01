"""`codeb:adminAddresses`: what is taken, how it is written on, and what is refused with a place and a remedy."""

from __future__ import annotations

from typing import Any

import pytest

from codeb.model import SettingsErrors, parse_settings
from codeb.model.addresses import collapsed

SERVER = {"name": "one", "address": "10.0.0.1", "knownHostsFile": "known_hosts"}


def parsed(value: Any) -> tuple[str, ...]:
    return parse_settings({"domain": "a.b", "servers": [SERVER], "adminAddresses": value}).admin_addresses


def refused(value: Any) -> str:
    with pytest.raises(SettingsErrors) as caught:
        parse_settings({"domain": "a.b", "servers": [SERVER], "adminAddresses": value}, "dev")
    (problem,) = caught.value.problems
    assert problem.remedy.endswith(".")
    return str(problem)


def test_nobody_is_trusted_unless_he_is_named() -> None:
    assert parse_settings({"domain": "a.b", "servers": [SERVER]}).admin_addresses == ()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7/32", "203.0.113.7"),
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("2001:db8::7", "2001:db8::7"),
        ("2001:0DB8:0000::7/128", "2001:db8::7"),
        ("2001:DB8:7::/48", "2001:db8:7::/48"),
        ("fe80::1", "fe80::1"),
    ],
)
def test_addresses_and_networks_of_both_kinds_in_their_shortest_form(text: str, written: str) -> None:
    assert parsed([text]) == (written,)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("203.0.113.7/24", "Write 203.0.113.0/24 for the network, or 203.0.113.7."),
        ("2001:db8::7/48", "Write 2001:db8::/48 for the network, or 2001:db8::7."),
        ("0.0.0.0/0", "too much of the internet"),
        ("::/0", "too much of the internet"),
        ("128.0.0.0/1", "too much of the internet"),
        ("0.0.0.0", "is nobody's address"),
        ("::", "is nobody's address"),
        ("224.0.0.1", "is nobody's address"),
        ("::ffff:203.0.113.7", "Write 203.0.113.7."),
        ("::ffff:203.0.113.7/128", "Write 203.0.113.7."),
        ("::ffff:203.0.113.0/120", "Write 203.0.113.0/24."),
        ("::ffff:203.0.113.7/120", "Write 203.0.113.0/24 for the network, or 203.0.113.7."),
        ("::ffff:0:0/96", "too much of the internet"),
        ("::ffff:128.0.0.0/97", "too much of the internet"),
        ("::ffff:0:0/90", "has all of IPv4 in it"),
        ("fc00::/7", "too much of everybody's private addresses"),
        ("fd00::/8", "too much of everybody's private addresses"),
        ("fe80::/10", "too much of everybody's private addresses"),
        ("2000::/3", "too much of the internet"),
        ("203.0.113.0/255.255.255.0", "is neither an IP address nor a network"),
        ("203.0.113.256", "is neither"),
        ("203.0.113.7/33", "is neither"),
        ("010.0.0.1", "is neither"),
        ("203.0.113", "is neither"),
        ("fe80::1%eth0", "is neither"),
        ("office.example.com", "is neither"),
        ("203.0.113.7 0.0.0.0/0", "is neither"),
        ("203.0.113.7\nbantime = 0", "is neither"),
        ("203.0.113.7,10.0.0.1", "is neither"),
        ("203.0.113.7\u0000", "is neither"),
        ("٢٠٣.0.113.7", "is neither"),
        ("%(ignorecommand)s", "is neither"),
        ("@{secret:platform/ca}", "is neither"),
        ("", "is neither"),
        (" 203.0.113.7", "is neither"),
        (5, "is not text"),
        (None, "has no value"),
        ({"address": "203.0.113.7"}, "is not text"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(text: Any, said: str) -> None:
    message = refused(["198.51.100.7", text])
    assert message.startswith("Pulumi.dev.yaml: codeb:adminAddresses[1]: ")
    assert said in message


def test_the_same_address_twice_is_seen_through_its_spelling() -> None:
    assert "codeb:adminAddresses[1]" in refused(["2001:db8::7", "2001:0db8::7/128"])


@pytest.mark.parametrize("value", ["203.0.113.7", 7, {"0": "203.0.113.7"}])
def test_it_is_a_list(value: Any) -> None:
    assert "codeb:adminAddresses: " in refused(value)
    assert "is not a list" in refused(value)


@pytest.mark.parametrize(
    ("ranges", "networks"),
    [
        ([], []),
        (["203.0.113.7", "203.0.113.0/24"], ["203.0.113.0/24"]),
        (["203.0.113.128/25", "203.0.113.0/25"], ["203.0.113.0/24"]),
        (
            ["198.51.100.10", "198.51.100.9", "198.51.100.200"],
            ["198.51.100.9/32", "198.51.100.10/32", "198.51.100.200/32"],
        ),
        (
            ["2001:db8:7::/48", "10.0.0.1", "9.0.0.0/8", "2001:db8:7::1"],
            ["9.0.0.0/8", "10.0.0.1/32", "2001:db8:7::/48"],
        ),
    ],
)
def test_ranges_collapse_to_the_fewest_networks_in_order_of_address(
    ranges: list[str], networks: list[str]
) -> None:
    assert [str(network) for network in collapsed(parsed(ranges))] == networks
    assert [str(network) for network in collapsed(parsed(ranges[::-1]))] == networks
