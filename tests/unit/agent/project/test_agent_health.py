"""When an answer is healthy."""

from __future__ import annotations

import pytest

from agent.host.ports import Reply
from agent.project.health import judge


@pytest.mark.parametrize(
    ("body", "healthy"),
    [
        (b"", True),
        (b"not json", True),
        (b"[]", True),
        (b'{"database": "ok"}', True),
        (b'{"database": true, "x": 1}', True),
        (b'{"database": {"status": "UP"}}', True),
        (b'{"checks": {"database": "connected"}}', True),
        (b'{"database": null}', True),
        (b'{"database": "error"}', False),
        (b'{"database": false}', False),
        (b'{"database": {"status": "down"}}', False),
        (b'{"database": {}}', False),
        (b'{"checks": {"database": "timeout"}}', False),
    ],
)
def test_a_database_that_is_reported_has_to_be_ok(body: bytes, healthy: bool) -> None:
    assert judge(Reply(200, body, 1, {}), 500).healthy is healthy


@pytest.mark.parametrize(
    ("status", "elapsed", "healthy"), [(200, 500, True), (200, 501, False), (204, 1, False)]
)
def test_status_and_time_count(status: int, elapsed: float, healthy: bool) -> None:
    assert judge(Reply(status, b"", elapsed, {}), 500).healthy is healthy
