"""The operator's command against a real host: how long until users get the old version, and what is said of it."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from agent_documents import release
from agent_lab import NAME, AgentHost

from lab import paths

pytestmark = pytest.mark.lab

APP = "localhost/agent/app:"
LONGEST_S = 60


@pytest.fixture
def stack(host: AgentHost, tmp_path: Path) -> Path:
    """A folder with the settings of a stack whose one server is the lab host."""
    server = {
        "name": NAME,
        "address": host.lab.info(NAME).address,
        "roles": ["app", "data", "edge"],
        "hostKey": host.lab.info(NAME).host_key,
    }
    config = {
        "codeb:domain": "lab.test",
        "codeb:servers": [server],
        "codeb:sshPrivateKeyFile": str(host.lab.ssh_key_path()),
    }
    (tmp_path / "Pulumi.lab.yaml").write_text(yaml.safe_dump({"config": config}))
    return tmp_path


def codeb(stack: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [str(paths.CODEB), *arguments, "--stack", "lab"]
    return subprocess.run(argv, cwd=stack, capture_output=True, text=True, timeout=LONGEST_S, check=False)


class Users:
    """Somebody who asks for the version every few milliseconds, on a fresh connection each time."""

    def __init__(self, address: str, project: str, ca: str) -> None:
        self.seen: list[tuple[float, str]] = []
        self._address, self._domain = address, f"{project}.lab.test"
        self._context = ssl.create_default_context(cadata=ca)
        self._context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        self._over = threading.Event()

    def first(self, version: str, since: float) -> float:
        """Seconds until the first answer of this version."""
        return next(at for at, seen in self.seen if seen == version and at > since) - since

    @contextmanager
    def asking(self) -> Iterator[None]:
        thread = threading.Thread(target=self._ask)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _ask(self) -> None:
        end = time.monotonic() + LONGEST_S
        while not self._over.wait(0.01) and time.monotonic() < end:
            try:
                version = self._version()
            except (OSError, ValueError) as error:
                version = f"failed: {error}"
            self.seen.append((time.monotonic(), version))

    def _version(self) -> str:
        with (
            socket.create_connection((self._address, 443), 5) as plain,
            self._context.wrap_socket(plain, server_hostname=self._domain) as secure,
        ):
            connection = http.client.HTTPConnection(self._domain, timeout=5)
            connection.sock = secure
            connection.request("GET", "/api/health")
            return str(json.loads(connection.getresponse().read())["version"])


def test_a_rollback_reaches_users_and_goes_forward_again(
    host: AgentHost, project: str, stack: Path, ca: tuple[str, str]
) -> None:
    for version in ("v1", "v2"):
        answer = host.agent("release", release(f"{APP}{version}"))
        assert answer.code == 0, answer.err
    users = Users(host.lab.info(NAME).address, project, ca[0])
    with users.asking():
        time.sleep(0.5)
        started = time.monotonic()
        back = codeb(stack, "rollback", project)
        ended = time.monotonic()
        time.sleep(0.3)
        status = codeb(stack, "status", project, "--json")
        forward_at = time.monotonic()
        forward = codeb(stack, "rollback", project, "--forward")
        time.sleep(0.3)
    assert back.returncode == 0, back.stderr
    assert f"({APP}v2) by " in back.stdout
    assert f"it serves {APP}v1" in back.stdout
    found = json.loads(status.stdout)["servers"][0]["projects"][0]
    assert (found["image"], found["withdrawn"]["image"]) == (f"{APP}v1", f"{APP}v2")
    assert found["standby_until"] > found["released_at"], "the withdrawn release stands by"
    assert forward.returncode == 0, forward.stderr
    assert {version for _, version in users.seen} == {"v1", "v2"}, "nobody's request failed"
    print(
        f"first old-version answer after {users.first('v1', started):.2f} s, command ended after {ended - started:.2f} s, "
        f"forward again after {users.first('v2', forward_at):.2f} s"
    )


def test_after_its_standby_has_ended_the_old_release_is_started_again(
    host: AgentHost, project: str, stack: Path
) -> None:
    for version in ("v1", "v2"):
        assert host.agent("release", release(f"{APP}{version}", standby_minutes=0)).code == 0
    status = codeb(stack, "status", project)
    assert "r1 has stopped: a rollback to it starts it again first" in status.stdout
    started = time.monotonic()
    back = codeb(stack, "rollback", project)
    assert back.returncode == 0, back.stderr
    assert host.version(project) == "v1"
    print(f"rollback to a stopped release: {time.monotonic() - started:.2f} s")


def test_a_project_that_is_not_there_fails_in_words(stack: Path, host: AgentHost) -> None:
    done = codeb(stack, "rollback", "nobody-here")
    assert done.returncode == 1
    assert f"nobody-here on {NAME}: not done: observe: nobody-here has no release on this host" in done.stderr


def test_another_host_key_than_the_pinned_one_is_refused(stack: Path, host: AgentHost) -> None:
    settings = stack / "Pulumi.lab.yaml"
    key = host.lab.info(NAME).host_key
    other = f"ssh-ed25519 {key.split()[1][:-8]}AAAAAAAA"
    settings.write_text(settings.read_text().replace(key, other))
    done = codeb(stack, "status")
    assert done.returncode == 1
    assert "the server's key is not the pinned one" in done.stderr
