"""The same manifests on other shapes than production's: one server, split servers, a balancer that ends TLS."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from shaped import Shaped, get

from lab.fleet import shape as shapes

ASK = 'PGPASSWORD=$(cat /run/secrets/postgres-admin) exec psql -h 127.0.0.1 -U postgres -Atqd "$1" -c "$2"'
ECHO = Path(__file__).with_name("echo.py").read_bytes()


@pytest.mark.slow
def test_one_server_keeps_address_and_data_when_it_is_replaced(shape: Callable[..., Shaped]) -> None:
    fleet = shape("single")
    begun = time.monotonic()
    fleet.up()
    print(f"up {time.monotonic() - begun:.0f} s")
    address = fleet.address("app-1")
    fleet.answers(address)
    fleet.unchanged()
    database = fleet.outputs()["registry"]["projects"]["blog"]["database"]["name"]
    ask = ("podman", "exec", "postgres", "sh", "-c", ASK, "sh", database)
    fleet.on("app-1", *ask, "create table kept (word text); insert into kept values ('here')")
    instance = fleet.instance("app-1")
    begun = time.monotonic()
    fleet.codeb("fleet", "replace", "app-1", "--yes")
    print(f"replace {time.monotonic() - begun:.0f} s")
    assert fleet.instance("app-1") != instance
    assert fleet.address("app-1") == address
    assert fleet.on("app-1", *ask, "select word from kept") == "here"
    fleet.answers(address)
    fleet.unchanged()
    fleet.destroy()


@pytest.mark.slow
def test_apps_and_data_on_servers_of_their_own(shape: Callable[..., Shaped]) -> None:
    fleet = shape("split")
    begun = time.monotonic()
    fleet.up()
    print(f"up {time.monotonic() - begun:.0f} s")
    fleet.answers(fleet.address("app-1"))
    fleet.unchanged()
    fleet.destroy()


@pytest.mark.slow
def test_a_balancer_ends_tls_and_apps_see_their_visitors(
    shape: Callable[..., Shaped], tmp_path: Path
) -> None:
    fleet = shape("terminate")
    ca = shapes.certify(fleet.stack, tmp_path)
    begun = time.monotonic()
    fleet.up()
    print(f"up {time.monotonic() - begun:.0f} s")
    entry = fleet.balancer()
    fleet.answers(entry, ca)
    fleet.unchanged()
    answer, _ = get("https://blog.lab.test/api/health", entry, ca)
    assert answer.status == 200
    assert answer.getheader("Strict-Transport-Security") == "max-age=31536000"
    redirect, _ = get("http://blog.lab.test/some?page=1", entry)
    assert (redirect.status, redirect.getheader("Location")) == (308, "https://blog.lab.test/some?page=1")
    _stand_in(fleet)
    _, seen = get("https://blog.lab.test/", entry, ca)
    told = {
        name.lower(): value for name, value in (line.split(": ", 1) for line in seen.strip().splitlines())
    }
    assert told["x-forwarded-proto"] == "https"
    assert told["x-forwarded-host"] == "blog.lab.test"
    visitor = fleet.machines.ground.lab.network.gateway
    assert (told["x-forwarded-for"], told["x-real-ip"]) == (visitor, visitor)
    fleet.destroy()


def _stand_in(fleet: Shaped) -> None:
    """From now on the blog's visitors meet a program that says what it is told of them."""
    for name in ("app-1", "app-2"):
        server = fleet.server(name)
        if server.run(["test", "-e", "/etc/caddy/upstreams/blog"]).returncode != 0:
            continue
        assert server.run(["tee", "/root/echo.py"], ECHO).returncode == 0
        fleet.on(name, "systemd-run", "--quiet", "python3", "/root/echo.py")
        fleet.on(name, "sh", "-c", "printf 127.0.0.1:9999 > /etc/caddy/upstreams/blog")
