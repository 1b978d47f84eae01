"""The machine itself behind the ports of `agent.host`, one module a port. Only the command line takes them from here."""

from __future__ import annotations

from agent.host.ports import Ports
from agent.real.asker import RealAsker
from agent.real.clock import RealClock
from agent.real.files import RealFiles
from agent.real.http import RealHttp
from agent.real.journal import RealJournal
from agent.real.pipes import RealPipes
from agent.real.redis import RealRedis
from agent.real.runner import RealRunner
from agent.real.s3 import RealS3
from agent.real.seat import RealSeat


def ports() -> Ports:
    """The ports of the host this runs on."""
    return Ports(
        RealRunner(),
        RealFiles(),
        RealClock(),
        RealHttp(),
        RealRedis(),
        RealJournal(),
        RealAsker(),
        RealPipes(),
        RealS3(),
    )


def seat() -> RealSeat:
    """Where whoever asks sits."""
    return RealSeat()
