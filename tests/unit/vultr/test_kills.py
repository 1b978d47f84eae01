"""kill -9 at any moment: what was answered is there, what is noted is done, nothing is torn."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lab.paths import REPO
from lab.vultr.simulator import Folder, InUseError, Process
from tests.vultr_api import Api

CUT = (http.client.HTTPException, OSError)
SLOW_MACHINES = """
import sys, time
from pathlib import Path
from lab.vultr.nowhere import Nowhere
from lab.vultr.simulator import Simulator

class Slow(Nowhere):
    def boot(self, instance):
        with open(sys.argv[2], "a") as file: file.write(f"begin {instance.id}\\n")
        time.sleep(0.3)
        with open(sys.argv[2], "a") as file: file.write(f"boot {instance.id}\\n")
        return super().boot(instance)
    def destroy(self, instance_id):
        with open(sys.argv[2], "a") as file: file.write(f"destroy {instance_id}\\n")

with Simulator(Path(sys.argv[1]), Slow(), port=int(sys.argv[3])) as vultr:
    print(vultr.port, flush=True)
    time.sleep(3600)
"""


def test_what_was_answered_survives_kills(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311
    vultr, answered, asked = Process(tmp_path), set(), 0
    for _ in range(6):
        vultr.start()
        api, ended = (
            Api(vultr),
            threading.Timer(chance.uniform(0.05, 0.25), os.kill, (vultr.pid, signal.SIGKILL)),
        )
        ended.start()
        with contextlib.suppress(*CUT):
            while True:
                asked += 1
                answered.add(api.instance()["id"])
        ended.join()
        vultr.kill()
        json.loads((tmp_path / "store.json").read_text())
        vultr.accounts.ensure("main", limit=100_000)
    with vultr:
        found = [one["id"] for one in Api(vultr).get("/instances?per_page=500")["instances"]]
    assert answered <= set(found)
    assert len(answered) <= len(found) <= asked
    assert vultr.content()["todo"] == []


def _slow(folder: Path, told: Path, port: int) -> tuple[subprocess.Popen[str], Folder]:
    arguments = [sys.executable, "-c", SLOW_MACHINES, str(folder), str(told), str(port)]
    process = subprocess.Popen(arguments, cwd=REPO, stdout=subprocess.PIPE, text=True)
    found = Folder(folder)
    assert process.stdout is not None
    found.port = int(process.stdout.readline())
    return process, found


def test_a_boot_that_a_kill_came_into_is_made_after_the_start(tmp_path: Path) -> None:
    told = tmp_path / "told"
    told.touch()
    process, vultr = _slow(tmp_path / "v", told, 0)
    vultr.set(instance_s=0.001)
    kept, gone = (Api(vultr).instance()["id"] for _ in range(2))
    threading.Thread(target=_ignored, args=(vultr, gone), daemon=True).start()
    while len(vultr.content()["instances"]) > 1:
        time.sleep(0.01)
    with process:
        process.kill()
    assert {"begin", "boot", "destroy"} >= {line.split()[0] for line in told.read_text().splitlines()}
    process, vultr = _slow(tmp_path / "v", told, vultr.port)
    try:
        Api(vultr).does("POST", f"/instances/{kept}/start")
        _until(lambda: vultr.content()["todo"] == [])
        assert Api(vultr).get(f"/instances/{kept}")["instance"]["status"] == "active"
    finally:
        with process:
            process.kill()
    lines = told.read_text().splitlines()
    assert lines.count(f"boot {kept}") == 1
    assert lines[-1] == f"destroy {gone}" or f"destroy {gone}" in lines
    assert f"boot {gone}" not in lines[lines.index(f"destroy {gone}") :]


def _ignored(vultr: Folder, server: str) -> None:
    with contextlib.suppress(*CUT):
        Api(vultr).call("DELETE", f"/instances/{server}")


def _until(true: object) -> None:
    deadline = time.monotonic() + 90
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_process_keeps_its_port_and_says_when_it_can_not_start(tmp_path: Path) -> None:
    with Process(tmp_path) as vultr:
        port = vultr.port
        with pytest.raises(InUseError):
            Process(tmp_path).start()
        key = Api(vultr).ssh_key()["id"]
    with vultr:
        assert vultr.port == port
        assert Api(vultr).get(f"/ssh-keys/{key}")


def test_the_certificate_is_good_for_vultr_s_name_and_stays_the_same(tmp_path: Path) -> None:
    with Process(tmp_path) as vultr:
        authority = vultr.ca.read_bytes()
        for name in ("api.vultr.com", "localhost", "127.0.0.1"):
            context = ssl.create_default_context(cafile=str(vultr.ca))
            context.verify_flags |= ssl.VERIFY_X509_STRICT  # Python's default from 3.13 on
            with (
                _connected(vultr.port) as raw,
                context.wrap_socket(raw, server_hostname=name) as secured,
            ):
                assert secured.version() == "TLSv1.3"
        with pytest.raises(ssl.SSLCertVerificationError), _connected(vultr.port) as raw:
            context.wrap_socket(raw, server_hostname="example.com")
        assert Api(vultr).get("/account")
    with vultr:
        assert vultr.ca.read_bytes() == authority


def _connected(port: int) -> object:
    return socket.create_connection(("127.0.0.1", port), timeout=90)


def test_a_client_that_says_nothing_is_in_nobody_s_way(tmp_path: Path) -> None:
    with Process(tmp_path) as vultr, _connected(vultr.port):
        assert Api(vultr).get("/account")


def test_many_at_once(tmp_path: Path) -> None:
    made: list[str] = []

    def make() -> None:
        for _ in range(5):
            made.append(Api(vultr).instance()["id"])
            Api(vultr).block()

    with Process(tmp_path) as vultr:
        vultr.accounts.ensure("main", limit=100)
        threads = [threading.Thread(target=make) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        servers = Api(vultr).get("/instances?per_page=500")["instances"]
        assert sorted(made) == sorted(one["id"] for one in servers)
        assert len({one["main_ip"] for one in servers}) == 30
