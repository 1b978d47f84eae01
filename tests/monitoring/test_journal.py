"""Lines go from a host's journal to the log store once each, whatever ends in between.

The collector calls the host's own journalctl in the host's own root, as in production; the journal is a real one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.monitoring.journal import Collecting, Host, booted, counted, numbers
from tests.monitoring.processes import eventually, filled, stored, victorialogs
from tests.plugins.processes import end
from tests.ports import free_port

SYNCHRONOUS = "--feature-gates=stanza.synchronousLogEmitter"
"""Each line is queued on disk before the next one is read. Without, a hundred milliseconds' lines are in memory only."""


@pytest.fixture
def port() -> int:
    """Where the log store answers, each time it is started."""
    return free_port()


@pytest.fixture
def collecting(tmp_path: Path, port: int) -> Iterator[Callable[[Host], Collecting]]:
    """Starts a collector on a boot of the host, with the state of those before; none outlives the test."""
    values: dict[str, object] = {"STORE": f"http://127.0.0.1:{port}", "STATE": tmp_path / "state"}
    values |= {name: free_port() for name in ("HEALTH", "TELEMETRY")}
    configuration = Path(__file__).with_name("configurations") / "journal.yaml"

    def start(host: Host) -> Collecting:
        given = filled(configuration, tmp_path, ROOT=host.root, **values)
        started.append(Collecting(host, given, tmp_path / "collector.log", SYNCHRONOUS))
        return started[-1]

    started: list[Collecting] = []
    yield start
    for collector in started:
        end(collector.process)


def arrives(url: str, last: int) -> list[int]:
    """All numbers in the log store, when the last one is there."""
    eventually(f"line {last}", lambda: stored(url, f'{{kind="counter"}} "{last}"'))
    time.sleep(0.5)  # what is doubled comes late
    return numbers(stored(url, '{kind="counter"}'))


def test_no_line_is_lost_or_doubled_over_ends_of_collector_and_store_and_a_reboot(
    tmp_path: Path, port: int, collecting: Callable[[Host], Collecting]
) -> None:
    with victorialogs(tmp_path, port=port):
        with booted(tmp_path / "host") as host:
            counter = host.count(0)
            collector = collecting(host)
            time.sleep(1)
            collector.stop()
            time.sleep(0.5)
            collector = collecting(host)
            time.sleep(1.5)
            collector.stop()
            time.sleep(0.5)
            rebooted_at = counted(counter)  # nobody has read the last lines of this boot
        boots = ExitStack()
        host = boots.enter_context(booted(tmp_path / "host"))
        counter = host.count(rebooted_at)
        collector = collecting(host)
        time.sleep(1.5)
    with boots:
        time.sleep(1)  # the store is off
        with victorialogs(tmp_path, port=port) as url:
            count = counted(counter)
            found = arrives(url, count - 1)
            collector.stop()
    assert found == list(range(count))


def test_a_killed_collector_loses_one_line_at_most(
    tmp_path: Path, port: int, collecting: Callable[[Host], Collecting]
) -> None:
    kills = 3
    with victorialogs(tmp_path, port=port) as url, booted(tmp_path / "host") as host:
        counter = host.count(0)
        collector = collecting(host)
        for _ in range(kills):
            time.sleep(1.3)
            collector.kill()
        count = counted(counter)
        found = arrives(url, count - 1)
        collector.stop()
    assert count - len(set(found)) <= kills
    assert count > 100


def test_a_collector_that_reads_its_configuration_anew_loses_and_doubles_no_line(
    tmp_path: Path, port: int, collecting: Callable[[Host], Collecting]
) -> None:
    with victorialogs(tmp_path, port=port) as url, booted(tmp_path / "host") as host:
        counter = host.count(0)
        collector = collecting(host)
        for number in range(1, 5):
            time.sleep(1)
            eventually(f"begin {number}", lambda number=number: collector.begins() >= number)
            collector.reload()
        count = counted(counter)
        found = arrives(url, count - 1)
        collector.stop()
    assert found == list(range(count))
    assert count > 100
