"""`codeb:monitoring` and the role monitoring: what is taken, what is refused and why."""

from __future__ import annotations

from typing import Any

import pytest

from codeb.model import SettingsErrors, parse_settings
from codeb.model.settings import Monitoring, Settings

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"


def server(name: str, number: int, *roles: str) -> dict[str, Any]:
    return {"name": name, "address": f"10.0.0.{number}", "roles": list(roles), "hostKey": KEY}


def settings(*roles: str, **more: Any) -> Settings:
    servers = [server("one", 1, "app", "data", "edge"), server("two", 2, *(roles or ("app",)))]
    return parse_settings({"domain": "example.com", "tlsIssuer": "internal", "servers": servers, **more})


def refused(**more: Any) -> str:
    with pytest.raises(SettingsErrors) as caught:
        settings(**more)
    return str(caught.value)


def test_nothing_watches_a_stack_that_gives_no_server_the_role() -> None:
    assert not settings().watched
    assert settings().monitoring == Monitoring()
    assert set(settings().platform_hosts) == {"minio", "s3", "metrics"}


def test_a_server_with_the_role_watches_and_takes_the_names_of_what_it_shows() -> None:
    found = settings("monitoring")
    assert found.watched
    assert set(found.own_hosts) == {
        f"{label}.example.com" for label in ("minio", "s3", "metrics", "console", "grafana")
    }
    assert "grafana" not in settings("monitoring", monitoring={"grafana": "false"}).platform_hosts


def test_switched_off_it_is_as_if_no_server_had_the_role() -> None:
    found = settings("monitoring", monitoring={"enabled": "false"})
    assert not found.watched
    assert set(found.platform_hosts) == {"minio", "s3", "metrics"}


def test_texts_of_pulumi_are_numbers_and_truths() -> None:
    texts = {
        "retentionDays": "30",
        "retentionSize": "8",
        "logDays": "60",
        "tracePercent": "0",
        "memory": "2000",
    }
    found = settings("monitoring", monitoring={**texts, "grafana": "true", "runbooks": ""}).monitoring
    assert (found.retention_days, found.retention_size, found.log_days, found.trace_percent) == (30, 8, 60, 0)
    assert (found.memory, found.grafana, found.runbooks) == (2000, True, None)


def test_two_servers_that_watch_are_refused() -> None:
    servers = [server("one", 1, "app", "data", "edge", "monitoring"), server("two", 2, "monitoring")]
    said = refused(servers=servers)
    assert "2 servers have the role monitoring" in said
    assert "Give the role monitoring to one server." in said


def test_a_pool_of_two_that_watch_is_refused_where_it_says_two() -> None:
    pools = [
        {"name": "default", "roles": ["app", "edge"], "plan": "vc2-2c-4gb"},
        {"name": "data", "roles": ["data"], "plan": "vc2-2c-4gb"},
        {"name": "eye", "roles": ["monitoring"], "count": 2, "plan": "vc2-2c-4gb"},
    ]
    with pytest.raises(SettingsErrors) as caught:
        parse_settings(
            {"domain": "example.com", "provider": "vultr", "pools": pools, "tlsIssuer": "internal"}
        )
    assert "codeb:pools[2].count" in str(caught.value)
    assert "2 servers have the role monitoring" in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"memory": 599}, "codeb:monitoring.memory"),
        ({"retentionDays": 0}, "codeb:monitoring.retentionDays"),
        ({"retentionSize": "two"}, "codeb:monitoring.retentionSize"),
        ({"tracePercent": 101}, "codeb:monitoring.tracePercent"),
        ({"tracePercent": True}, "codeb:monitoring.tracePercent"),
        ({"logDays": -1}, "codeb:monitoring.logDays"),
        ({"logStore": "elastic"}, "codeb:monitoring.logStore"),
        ({"runbooks": 'https://wiki.example.com/"}\n - evil'}, "codeb:monitoring.runbooks"),
        ({"runbooks": "https://wiki.example.com/{{ .Labels }}"}, "codeb:monitoring.runbooks"),
        ({"runbooks": "javascript:alert(1)"}, "codeb:monitoring.runbooks"),
        ({"retention": 3}, "codeb:monitoring.retention"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(wrong: dict[str, Any], where: str) -> None:
    assert where in refused(monitoring=wrong)
