"""The distribution of tests to workers, played through with workers that only take notes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import HOSTS_AT_ONCE, SharedHosts, _has_hosts

FOLDERS = (
    "agent/test_a.py",
    "agent/test_b.py",
    "main_job/test_c.py",
    "host/test_d.py",
    "fleet/test_e.py",
    "vultr/test_f.py",
)


class Worker:
    """Runs a test once it knows the next one or that there is none, as xdist's workers do."""

    def __init__(self, number: int) -> None:
        self.gateway = SimpleNamespace(id=f"gw{number}", spec=f"popen//{number}")
        self.shutting_down = False
        self.waiting: list[int] = []
        self.ran: list[int] = []

    def send_runtest_some(self, indices: list[int]) -> None:
        self.waiting += indices

    def shutdown(self) -> None:
        self.shutting_down = True

    @property
    def able(self) -> bool:
        return len(self.waiting) >= (1 if self.shutting_down else 2)

    def step(self) -> int:
        self.ran.append(self.waiting.pop(0))
        return self.ran[-1]


def played(collection: list[str], count: int, choose: Any) -> list[Worker]:
    """The workers after a run; which of those that can go on does so next, `choose` says."""
    workers = [Worker(number) for number in range(count)]
    option = SimpleNamespace(loadscopereorder=True)
    config = SimpleNamespace(getvalue=lambda _: ["popen"] * count, option=option)
    scheduler = SharedHosts(config, None)  # type: ignore[arg-type]
    for worker in workers:
        scheduler.add_node(worker)  # type: ignore[arg-type]
        scheduler.add_node_collection(worker, collection)  # type: ignore[arg-type]
    scheduler.schedule()
    while True:
        able = [worker for worker in workers if worker.able]
        if not able:
            return workers
        worker = choose(able)
        scheduler.mark_test_complete(worker, worker.step())
        busy = [each for each in workers if any(_has_hosts(collection[index]) for index in each.waiting)]
        assert len(busy) <= HOSTS_AT_ONCE
        if scheduler.tests_finished:
            for each in workers:
                each.shutdown()


@settings(deadline=None)
@given(
    lab=st.lists(st.tuples(st.sampled_from(FOLDERS), st.integers(1, 5)), unique_by=lambda each: each[0]),
    rest=st.integers(0, 12),
    count=st.integers(1, 5),
    data=st.data(),
)
def test_every_test_runs_once_and_hosts_of_two_workers_at_most(
    lab: list[tuple[str, int]], rest: int, count: int, data: st.DataObject
) -> None:
    collection = [f"tests/lab/{path}::test_{number}" for path, tests in lab for number in range(tests)]
    collection += [f"tests/unit/test_u.py::test_{number}" for number in range(rest)]
    workers = played(collection, count, lambda able: data.draw(st.sampled_from(able)))
    assert sorted(index for worker in workers for index in worker.ran) == list(range(len(collection)))
