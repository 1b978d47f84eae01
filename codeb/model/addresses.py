"""Addresses and networks, IPv4 and IPv6, that somebody logs in from; and the private network of a fleet."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_network
from typing import Annotated, Final

from pydantic import AfterValidator

from codeb.model.problems import refusal, shown

Network = IPv4Network | IPv6Network

_FORM: Final = re.compile(r"[0-9A-Fa-f:.]{2,45}(?:/[0-9]{1,3})?", re.ASCII)
_REMEDY: Final = "Write for example 203.0.113.7, 203.0.113.0/24 or 2001:db8:1::/48."
_WIDEST: Final = {4: 8, 6: 16}
"""Fewest bits that a network names: with less it is half the internet."""
_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_OURS: Final = (IPv6Network("fc00::/7"), IPv6Network("fe80::/10"))
"""Private and link-local: wide ones are not the internet, but everybody's."""

_PRIVATE: Final = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_SHARED: Final = IPv4Network("100.64.0.0/10")
_PODMAN: Final = tuple(
    map(
        IPv4Network,
        ("10.88.0.0/16", "10.89.0.0/16", "10.90.0.0/15", "10.92.0.0/14", "10.96.0.0/11", "10.128.0.0/9"),
    )
)
"""Podman's own network, and the pools that it takes the networks of projects from (containers.conf(5))."""
_LONGEST_PREFIX, _SHORTEST_PREFIX = 28, 16
_SUBNET_REMEDY: Final = "Write for example 10.64.0.0/20."


def _address_range(text: str) -> str:
    """The shortest text for the same addresses."""
    network = _network(text)
    if isinstance(network, IPv6Network) and network.overlaps(_MAPPED):
        _refuse_mapped(text, network)
    single = network.num_addresses == 1
    if not single and "/" in text and _host_bits(text, network):
        host = text.partition("/")[0]
        raise refusal(
            f"{shown(text)} is both an address and a network", f"Write {network} for the network, or {host}."
        )
    if network.prefixlen < _WIDEST[network.version]:
        everybodys = isinstance(network, IPv6Network) and any(map(network.subnet_of, _OURS))
        whose = "of everybody's private addresses" if everybodys else "of the internet"
        raise refusal(f"{shown(text)} is too much {whose} to be trusted", _REMEDY)
    if network.is_multicast or network.network_address.is_unspecified:
        raise refusal(f"{shown(text)} is nobody's address", _REMEDY)
    return str(network.network_address) if single else str(network)


def _refuse_mapped(text: str, network: IPv6Network) -> None:
    """IPv4 addresses as IPv6 writes them: what to write instead follows the same rules."""
    bits = network.prefixlen - _MAPPED.prefixlen
    if bits < 0:
        if network.prefixlen >= _WIDEST[6]:  # with less, the next rule says more
            raise refusal(f"{shown(text)} has all of IPv4 in it", _REMEDY)
        return
    cause = f"{shown(text)} is an IPv4 address in IPv6's clothes"
    meant = IPv4Network((int(network.network_address) & 0xFFFFFFFF, bits))
    host = IPv6Address(text.partition("/")[0]).ipv4_mapped
    if bits < _WIDEST[4]:
        raise refusal(f"{cause}, and too much of the internet to be trusted", _REMEDY)
    if meant.num_addresses == 1 or meant.network_address == host:
        raise refusal(cause, f"Write {host if meant.num_addresses == 1 else meant}.")
    raise refusal(f"{cause}, and both an address and a network", f"Write {meant} for the network, or {host}.")


def _network(text: str) -> Network:
    if _FORM.fullmatch(text):
        try:
            return ip_network(text, strict=False)
        except ValueError:
            pass
    raise refusal(f"{shown(text)} is neither an IP address nor a network", _REMEDY)


def _host_bits(text: str, network: Network) -> bool:
    return ip_network(text.partition("/")[0]).network_address != network.network_address


AddressRange = Annotated[str, AfterValidator(_address_range)]
"""An address, or a network as `address/bits`."""


def collapsed(ranges: Iterable[str]) -> tuple[Network, ...]:
    """The fewest networks that hold exactly these addresses, IPv4 first, in order of address."""
    networks = [ip_network(text) for text in ranges]
    found: list[Network] = []
    found += collapse_addresses(network for network in networks if isinstance(network, IPv4Network))
    found += collapse_addresses(network for network in networks if isinstance(network, IPv6Network))
    return tuple(found)


def is_private(address: str) -> bool:
    """Whether an IPv4 address is one that the internet does not carry: RFC 1918, or a VPN's (RFC 6598)."""
    network = IPv4Network(address)
    return any(map(network.subnet_of, (*_PRIVATE, _SHARED)))


def _private_subnet(text: str) -> str:
    """A network for servers among themselves, as `address/bits`."""
    network = _network(text)
    if not isinstance(network, IPv4Network) or "/" not in text:
        raise refusal(f"{shown(text)} is not an IPv4 network", _SUBNET_REMEDY)
    if _host_bits(text, network):
        raise refusal(f"{shown(text)} is an address in a network", f"Write {network}.")
    if not any(map(network.subnet_of, _PRIVATE)):
        cause = f"{shown(text)} is not private: others on the internet have these addresses"
        raise refusal(cause, _SUBNET_REMEDY)
    if not _SHORTEST_PREFIX <= network.prefixlen <= _LONGEST_PREFIX:
        limits = f"Write /{_SHORTEST_PREFIX} to /{_LONGEST_PREFIX}, for example 10.64.0.0/20."
        size = "small" if network.prefixlen > _LONGEST_PREFIX else "large"
        raise refusal(f"{shown(text)} is too {size}", limits)
    taken = next((pool for pool in _PODMAN if pool.overlaps(network)), None)
    if taken is not None:
        cause = f"{shown(text)} overlaps {taken}, which Podman takes for containers on each server"
        raise refusal(cause, "Write a network below 10.88.0.0, for example 10.64.0.0/20.")
    return str(network)


PrivateSubnet = Annotated[str, AfterValidator(_private_subnet)]
"""A private IPv4 network as `address/bits`, /16 to /28, that containers don't use."""
