"""Addresses and networks, IPv4 and IPv6, that somebody logs in from."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Final

from pydantic import AfterValidator

from codeb.model.problems import refusal, shown

_FORM: Final = re.compile(r"[0-9A-Fa-f:.]{2,45}(?:/[0-9]{1,3})?", re.ASCII)
_REMEDY: Final = "Write for example 203.0.113.7, 203.0.113.0/24 or 2001:db8:1::/48."
_WIDEST: Final = {4: 8, 6: 16}
"""Fewest bits that a network names: with less it is half the internet."""


def _address_range(text: str) -> str:
    """The shortest text for the same addresses."""
    network = _network(text)
    single = network.num_addresses == 1
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is not None:
        raise refusal(f"{shown(text)} is an IPv4 address in IPv6's clothes", f"Write {mapped}.")
    if not single and "/" in text and _host_bits(text, network):
        host = text.partition("/")[0]
        raise refusal(
            f"{shown(text)} is both an address and a network", f"Write {network} for the network, or {host}."
        )
    if network.prefixlen < _WIDEST[network.version]:
        raise refusal(f"{shown(text)} is too much of the internet to be trusted", _REMEDY)
    if network.is_multicast or network.network_address.is_unspecified:
        raise refusal(f"{shown(text)} is nobody's address", _REMEDY)
    return str(network.network_address) if single else str(network)


def _network(text: str) -> IPv4Network | IPv6Network:
    if _FORM.fullmatch(text):
        try:
            return ip_network(text, strict=False)
        except ValueError:
            pass
    raise refusal(f"{shown(text)} is neither an IP address nor a network", _REMEDY)


def _host_bits(text: str, network: IPv4Network | IPv6Network) -> bool:
    return ip_network(text.partition("/")[0]).network_address != network.network_address


AddressRange = Annotated[str, AfterValidator(_address_range)]
"""An address, or a network as `address/bits`."""
