"""The program, recorded once for all tests of a module."""

from __future__ import annotations

import pytest

from tests.components.recording import ALL, SUPPLIED, Recording, record


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return record(tmp_path_factory.mktemp("program"), ALL, config=SUPPLIED)
