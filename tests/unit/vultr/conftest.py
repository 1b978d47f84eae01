"""A simulator for each test, in this process, and a client of its account `main`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.vultr.simulator import Simulator
from tests.vultr_api import Api, Notebook


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def machines() -> Notebook:
    return Notebook()


@pytest.fixture
def vultr(tmp_path: Path, machines: Notebook, clock: Clock) -> Iterator[Simulator]:
    with Simulator(tmp_path / "vultr", machines, clock=clock) as started:
        yield started


@pytest.fixture
def api(vultr: Simulator) -> Api:
    return Api(vultr)
