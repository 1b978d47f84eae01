"""The real ports: one module each."""

from __future__ import annotations

from agent.ports import Ports
from agent.real.clock import RealClock
from agent.real.files import RealFiles
from agent.real.http import RealHttp
from agent.real.journal import RealJournal
from agent.real.redis import RealRedis
from agent.real.runner import RealRunner


def ports() -> Ports:
    """The ports of the host this runs on."""
    return Ports(RealRunner(), RealFiles(), RealClock(), RealHttp(), RealRedis(), RealJournal())
