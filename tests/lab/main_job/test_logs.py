"""`codeb logs` on a real host: what is shown and masked, several servers as one stream, nothing left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import demo
import pytest
from stack import ADDRESS, HOST, Stack, get, new_project

from lab import paths

pytestmark = [pytest.mark.lab, pytest.mark.slow]

TALK = (
    "console.log('the key is ' + process.env.NEXTAUTH_SECRET); console.log('at ' + process.env.DATABASE_URL)"
)
URL = "https://talker.lab.test/api/version"


@pytest.fixture(scope="module")
def talker(stack: Stack) -> Iterator[Stack]:
    """The stack with a project whose release command tells its secrets."""
    manifest = new_project("talker")
    manifest["features"] = {"release_command": ["node", "-e", TALK]}
    stack.write("talker", manifest)
    added = stack.up()
    assert added.status == 0, added.text
    yield stack
    manifest["project"]["lifecycle"] = "destroy"
    stack.write("talker", manifest)
    assert stack.up().status == 0
    stack.remove("talker")
    assert stack.up().status == 0


def shown(stack: Stack, *arguments: str) -> list[dict[str, Any]]:
    done = stack.codeb("logs", "talker", "--json", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["entries"]
    return found


def until(true: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def running(stack: Stack) -> str:
    """What of ours runs on the host, but for what ships WAL and what reads for the log store all the time."""
    listing = stack.on_host("ps", "axww", "-o", "pid,args").stdout.decode().splitlines()
    ours = ("agent.pyz", "codeb-agent", "journalctl", "tail --lines=0")
    found = [line for line in listing if any(each in line for each in ours)]
    always = ("codeb-agent ship", "--directory /var/log/journal ")
    return "\n".join(line for line in found if not any(each in f"{line} " for each in always))


def heeds_ctrl_c() -> None:
    """As in a terminal: a shell's background jobs ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def following(stack: Stack, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    argv = [str(paths.CODEB), "logs", "talker", "-f", "--json", "--stack", paths.STACK, *arguments]
    with subprocess.Popen(
        argv,
        cwd=stack.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heeds_ctrl_c,
    ) as process:
        try:
            until(lambda: "--follow" in running(stack), 15, "nobody follows")
            yield process
        finally:
            process.kill()


def heard(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


def test_what_a_release_command_tells_is_masked(talker: Stack) -> None:
    texts = [each["text"] for each in shown(talker, "--kind", "job")]
    assert "the key is *****" in texts
    assert any(text.startswith("at postgresql://talker:*****@") for text in texts), texts
    assert shown(talker, "--kind", "job", "--grep", "THE KEY IS")[0]["name"] == "release"


def test_requests_and_the_audit_log_are_the_project_s_own(talker: Stack) -> None:
    assert get(URL).status == get(f"https://blog.lab.test{demo.ALIVE}").status == 200
    until(
        lambda: shown(talker, "--kind", "access", "--since", "1m", "--grep", "/api/version"),
        10,
        "no request is shown",
    )
    requests = shown(talker, "--kind", "access", "--since", "1m")
    assert all(" talker.lab.test/" in each["text"] for each in requests)
    assert "released" in shown(talker, "--kind", "audit")[-1]["text"]
    app = shown(talker, "--kind", "app")
    assert {each["kind"] for each in app} == {"app"}
    assert app == sorted(app, key=lambda each: str(each["at"]))


def test_what_comes_is_shown_and_ctrl_c_ends_everything(talker: Stack) -> None:
    with following(talker, "--kind", "access", "--lines", "0") as process:
        assert get(URL).status == 200
        assert " talker.lab.test/api/version 200 " in heard(process)["text"]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
    until(lambda: not running(talker), 5, running(talker))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_closed_terminal_ends_everything(talker: Stack, number: signal.Signals) -> None:
    with following(talker) as process:
        process.send_signal(number)
        assert process.wait(10) == 128 + number
    until(lambda: not running(talker), 5, running(talker))


def test_a_killed_command_leaves_nothing_on_the_host(talker: Stack) -> None:
    with following(talker) as process:
        process.kill()
    until(lambda: not running(talker), 40, running(talker))


def test_a_killed_agent_is_said_and_leaves_nothing(talker: Stack) -> None:
    with following(talker) as process:
        agents = [line.split()[0] for line in running(talker).splitlines() if "codeb-agent logs" in line]
        talker.on_host("kill", "-KILL", *agents)
        _, err = process.communicate(timeout=20)
        assert (process.returncode, "codeb1: " in err) == (1, True), err
    until(lambda: not running(talker), 5, running(talker))


def test_several_servers_are_one_stream_and_a_silent_one_is_said(talker: Stack) -> None:
    entry = {
        "privateAddress": ADDRESS,
        "roles": ["app", "data", "edge"],
        "knownHostsFile": ".lab/ssh/known_hosts",
    }
    twice = [{**entry, "name": name, "address": ADDRESS} for name in (HOST, "again")]
    talker.configure(servers=twice)
    try:
        found = shown(talker, "--kind", "job")
        one, again = ([each["text"] for each in found if each["server"] == name] for name in (HOST, "again"))
        assert one == again != []
        assert found == sorted(found, key=lambda each: str(each["at"]))
        with following(talker, "--kind", "access", "--lines", "0") as process:
            time.sleep(2)
            assert get(URL).status == 200
            assert {heard(process)["server"], heard(process)["server"]} == {HOST, "again"}
        gone = {**twice[1], "name": "gone", "hostKey": "ssh-ed25519 " + "A" * 68}
        del gone["knownHostsFile"]
        talker.configure(servers=[twice[0], gone])
        done = talker.codeb("logs", "talker", "--kind", "job")
        assert (done.returncode, "the key is" in done.stdout, "gone: " in done.stderr) == (1, True, True)
    finally:
        talker.configure()
    until(lambda: not running(talker), 40, running(talker))
