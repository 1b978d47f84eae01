"""The server's tools, asked once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.mcp.mcp_world import Place
from tests.unit.roles.served import Tool, tools


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Tool]]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield tools(Place.make(tmp_path_factory.mktemp("roles"), monkeypatch))
