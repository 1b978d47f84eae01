"""What a manifest says of visitors, for the project's site: who gets in, who is sent elsewhere, which headers come along."""

from __future__ import annotations

import base64
import string
from collections.abc import Iterable
from ipaddress import ip_network
from typing import Final

from codeb.model import Redirect, most_specific_first
from codeb.plan import Plan, ProjectPlan

Values = dict[str, object]

_BASE64: Final = f"{string.ascii_uppercase}{string.ascii_lowercase}{string.digits}+/"


def visitors(plan: Plan, project: ProjectPlan) -> Values:
    """Values of the template of a site."""
    features = project.manifest.features
    health = project.manifest.monitoring.health.path
    return {
        "served": (project.domain, *(alias.host for alias in project.aliases if alias.serve)),
        "redirecting": tuple(alias.host for alias in project.aliases if not alias.serve),
        "protect": features.protect,
        "logins": logins(features.protect.users) if features.protect else "",
        "balancers": _balancers(plan, project),
        "redirects": [_redirect(each, health) for each in most_specific_first(features.redirects)],
        "tightened": features.headers.tightened,
        "added": features.headers.added,
        "removed": features.headers.remove,
    }


def logins(users: Iterable[str]) -> str:
    """A pattern of `Authorization` headers that begin with one of these names and a colon, in base64."""
    return f"^(?i:basic) (?:{'|'.join(map(_beginning, sorted(users)))})"


def _beginning(name: str) -> str:
    """The last character has bits of the colon, and of what comes after it: any of some in a row."""
    data = f"{name}:".encode()
    whole, bits = divmod(8 * len(data), 6)
    encoded = base64.b64encode(data + b"\0\0").decode()
    found = encoded[:whole].replace("+", "[+]")
    if not bits:
        return found
    first = _BASE64.index(encoded[whole])
    return f"{found}[{_BASE64[first : first + (1 << 6 - bits)]}]"


def _balancers(plan: Plan, project: ProjectPlan) -> Values | None:
    """The network of a balancer, where allowed addresses are of it: the balancer itself, which may come without saying
    for whom, is none of them."""
    protect = project.manifest.features.protect
    if protect is None or plan.fleet is None or plan.fleet.balancer is None:
        return None
    network = f"{plan.fleet.subnet}/{plan.fleet.subnet_mask}"
    private = ip_network(network)
    if not any(ip.version == 4 and ip.overlaps(private) for ip in map(ip_network, protect.addresses)):
        return None
    return {"network": network, "own": tuple(server.private_address for server in plan.servers)}


def _redirect(redirect: Redirect, health: str) -> Values:
    """`health`: whether the platform's own question for the app's health would be redirected, which it must not be."""
    base, path = redirect.base, health.lower()
    below = redirect.is_below and (path == base.lower() or path.startswith(f"{base.lower()}/"))
    return {
        "base": base,
        "paths": [each for each in (base, f"{base}/*" if redirect.is_below else "") if each],
        "origin": redirect.origin,
        "to": redirect.path + redirect.extra,
        "keeps_query": not redirect.extra,
        "keeps_rest": redirect.keeps_rest,
        "status": redirect.status,
        "health": below or path == base.lower(),
    }
