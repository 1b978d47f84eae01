"""How long a release waits for a lull, against a processor that is more or less busy."""

from __future__ import annotations

import pytest
from agent_fakes import EPOCH, FakeHost
from agent_verbs import V2, back, new_host, run

from agent import lull


class Processor:
    """A processor that is `idle` (share) until `busy_until`; before that nothing is."""

    def __init__(self, host: FakeHost, idle: float, busy_until: float = EPOCH) -> None:
        self.host, self.idle, self.busy_until = host, idle, busy_until
        self.ticks, self.free, self.at = 0.0, 0.0, host.time
        host.after = self.tell
        self.tell()

    def tell(self) -> None:
        passed = (self.host.time - self.at) * 200
        self.at = self.host.time
        self.ticks += passed
        self.free += passed * (self.idle if self.at > self.busy_until + 0.01 else 0)
        busy, free = round(self.ticks - self.free), round(self.free)
        self.host.put(lull.STAT, f"cpu  {busy} 0 0 {free} 0 0 0 0 0 0\ncpu0 1 2 3\n")


def waited(host: FakeHost) -> float:
    began = host.time
    lull.wait(host.ports())
    return round(host.time - began, 1)


@pytest.mark.parametrize(
    ("idle", "busy_s", "expected"),
    [(1.0, 0, 0.2), (0.4, 0, 0.2), (0.4, 0.6, 0.8), (0.3, 0, 2.0), (1.0, 60, 2.0)],
)
def test_it_waits_until_a_third_is_idle_but_not_for_ever(idle: float, busy_s: float, expected: float) -> None:
    host = FakeHost()
    Processor(host, idle, EPOCH + busy_s)
    assert waited(host) == expected


@pytest.mark.parametrize("text", [None, "", "cpu", "cpu  1 2 x 4 5\n", "nonsense\n1 2 3 4 5 6"])
def test_a_kernel_that_does_not_say_is_not_waited_for(text: str | None) -> None:
    host = FakeHost()
    if text is not None:
        host.put(lull.STAT, text)
    assert waited(host) == 0


def test_releases_wait_and_rollbacks_do_not() -> None:
    """Even when the release to go back to has to be started first."""
    took = {}
    for busy in (False, True):
        host = new_host()
        run(host)
        if busy:
            Processor(host, 0, EPOCH + 1e6)
        began = host.time
        run(host, V2)
        released = host.time
        host.advance(2 * 3600)
        stopped = host.time
        back(host)
        took[busy] = (round(released - began, 1), round(host.time - stopped, 1))
    assert took[True][0] - took[False][0] == pytest.approx(lull.MOST_S)
    assert took[True][1] == took[False][1]
