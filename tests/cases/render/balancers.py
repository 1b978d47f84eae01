"""A case's servers behind a balancer, what it says, and what an app hears of its visitors."""

from __future__ import annotations

import json
from dataclasses import replace

from codeb.plan import Balancer, Fleet, ForwardingRule, Plan

from .caddies import Answer
from .case import Case

BALANCER = "127.0.3.7"
_PRIVATE = ("127.0.3.0", 24)


def balanced(case: Case, tls: str) -> Plan:
    """The case's servers behind a balancer."""
    rule = ForwardingRule("tcp", 443, "tcp", 443)
    balancer = Balancer(("web1", "web2"), tls, tls == "passthrough", (rule,))  # type: ignore[arg-type]
    return replace(case.plan(), fleet=Fleet("icn", *_PRIVATE, (), (), balancer))


def proxy(visitor: str) -> bytes:
    """What a balancer says first on a connection."""
    return f"PROXY TCP4 {visitor} 203.0.113.5 40000 443\r\n".encode()


def received(answer: Answer) -> dict[str, str]:
    """The headers that an app got, from its answer to `/headers`."""
    return {name.lower(): value for name, value in json.loads(answer.body)}
