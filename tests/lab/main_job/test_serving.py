"""What `make lab` leaves running: apps behind TLS with data of their own, and nothing else reachable."""

from __future__ import annotations

import shlex
import socket
import ssl
import subprocess
from uuid import uuid4

import demo
import pytest
from stack import ADDRESS, Stack, get

from lab import paths
from lab.host.processes import wait_until

pytestmark = pytest.mark.lab

APPS = {"food-delivery-app": "food.lab.test", "real-estate-app": "estate.lab.test", "blog": "blog.lab.test"}


def test_make_lab_ends_with_the_registry_and_lines_that_work_as_printed(first_up: str) -> None:
    for project in APPS:
        assert any(line.startswith(project) and line.endswith("healthy") for line in first_up.splitlines())
    lines = [line.split("  ", 1)[1].strip() for line in first_up.splitlines() if " curl " in line]
    assert len(lines) == len(APPS) + 1, "and the console"
    for line in lines:
        done = subprocess.run(
            [*shlex.split(line), "-sSf"], cwd=paths.REPO, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert ("<title>" if "console." in line else '"status":"ok"') in done.stdout


def test_a_second_make_lab_changes_nothing(stack: Stack) -> None:
    again = stack.up()
    assert again.status == 0, again.text
    assert again.changes == {}


@pytest.mark.parametrize("host", APPS.values())
def test_the_second_request_is_cached_and_signed_urls_download(stack: Stack, host: str) -> None:
    _, second = (demo.rows(get, host) for _ in range(2))
    assert second.cached is True
    for url in second.images:
        image = get(url)
        assert image.status == 200
        assert image.body
    unsigned = second.images[0].partition("?")[0]
    assert get(unsigned).status == 403, "a private object must not be served without a signature"


def test_only_tls_1_3_is_spoken(stack: Stack) -> None:
    with pytest.raises(ssl.SSLError):
        get("https://blog.lab.test/", highest=ssl.TLSVersion.TLSv1_2)


def test_headers_are_as_required(stack: Stack) -> None:
    answer = get(demo.rows_url("food.lab.test"), headers={"Accept-Encoding": "gzip"})
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-encoding"] == "gzip"
    assert "server" not in answer.headers


def test_metrics_are_not_served_to_the_outside(stack: Stack) -> None:
    assert get("https://food.lab.test/api/metrics").status == 404


def test_access_lines_reach_a_journald_that_was_restarted_under_caddy(stack: Stack) -> None:
    stack.on_host("systemctl", "restart", "systemd-journald.service")
    browser = f"test/{uuid4()}"
    for _ in range(5):
        assert get("https://blog.lab.test/", headers={"User-Agent": browser}).status == 200
    shown = ("journalctl", "-u", "caddy", "-o", "cat", "--no-pager", "-n", "200")
    assert wait_until(lambda: stack.on_host(*shown).stdout.decode().count(browser) == 5, 10)


def test_the_console_answers_on_its_own_host(stack: Stack) -> None:
    assert get("https://minio.lab.test/").status == 200


@pytest.mark.parametrize("port", [5432, 6379, 9000, 9001, 2019, 3001, 3003])
def test_nothing_but_ssh_and_web_is_reachable_from_outside(stack: Stack, port: int) -> None:
    with pytest.raises(OSError), socket.create_connection((ADDRESS, port), 2):  # noqa: PT011 any refusal
        pass


def test_the_doctor_finds_nothing_wrong(stack: Stack) -> None:
    done = stack.on_host("codeb-agent", "doctor", stdin="{}")
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def test_nothing_of_ours_stays_resident_on_the_host(stack: Stack) -> None:
    listing = stack.on_host("ps", "axww", "-o", "args").stdout.decode()
    assert "agent.pyz" not in listing
