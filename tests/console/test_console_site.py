"""Who gets what of the console's site, as Caddy itself reads it."""

from __future__ import annotations

import json
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from codeb.render.quote import QuoteError
from tests.console.conftest import HOST, Console, caddyfile

BALANCED = {"balancer": True, "private": "10.0.0.0/8", "own": ("10.0.0.3", "10.0.0.4")}


def adapted(text: str, folder: Path) -> dict[str, Any]:
    """The configuration that Caddy makes of it."""
    (folder / "Caddyfile").write_text(text)
    command = [str(Path(sys.executable).parent / "caddy"), "adapt", "--config", str(folder / "Caddyfile")]
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=home)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def steps(value: Any) -> list[dict[str, Any]]:
    """Routes in the order in which Caddy goes through them, however deep."""
    if isinstance(value, list):
        return [each for entry in value for each in steps(entry)]
    if not isinstance(value, dict):
        return []
    mine = [value] if "handle" in value else []
    return mine + [each for entry in value.values() for each in steps(entry)]


def handlers(found: dict[str, Any]) -> list[tuple[str, Any]]:
    """Name and status of each handler of the site, errors' aside."""
    [server] = found["apps"]["http"]["servers"].values()
    every = [handler for route in steps(server["routes"]) for handler in route["handle"]]
    return [(each["handler"], each.get("status_code")) for each in every if each["handler"] != "subroute"]


@pytest.mark.parametrize("balanced", [{}, BALANCED], ids=["alone", "balanced"])
def test_refusals_come_before_prometheus_and_before_files(
    tmp_path: Path, balanced: dict[str, object]
) -> None:
    found = adapted(caddyfile("/etc/caddy", "console.example.com", "10.0.0.9:9090", **balanced), tmp_path)
    refused, asked, served = ("static_response", 403), ("reverse_proxy", None), ("file_server", None)
    order = [each for each in handlers(found) if each in (refused, asked, served)]
    assert order == [*[refused] * (3 if balanced else 2), asked, served]


@pytest.mark.parametrize("path", ["/", "/api/v1/query?query=up", "/queries.json"])
def test_containers_are_no_internal_clients(console: Console, path: str) -> None:
    def status(source: str) -> int:
        connection = HTTPConnection("127.0.0.1", console.port, timeout=10, source_address=(source, 0))
        connection.request("GET", path, headers={"Host": f"{HOST}:{console.port}"})
        return connection.getresponse().status

    assert (status("127.0.0.9"), status("127.0.0.1")) == (403, 200)


def test_nobody_s_login_reaches_prometheus(tmp_path: Path) -> None:
    text = json.dumps(adapted(caddyfile("/etc/caddy", "console.example.com", "10.0.0.9:9090"), tmp_path))
    assert '"delete": ["Authorization", "Cookie"]' in text


@pytest.mark.parametrize("behind", ["10.0.0.9:9090 {", "10.0.0.9:9090\n\treverse_proxy /* x:1", "{env.HOME}"])
def test_an_address_that_would_be_more_than_one_is_refused_by_the_site(behind: str) -> None:
    with pytest.raises(QuoteError):
        caddyfile("/etc/caddy", "console.example.com", behind)
