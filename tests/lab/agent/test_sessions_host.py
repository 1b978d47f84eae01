"""`codeb exec`, `run` and `console` on a real host: what they do, and that no end of theirs leaves anything behind."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
import yaml
from agent_documents import REDIS_ADMIN, release
from agent_lab import NAME, AgentHost
from seated import Terminal, left, nothing_left, piped, seated, sleeping

pytestmark = pytest.mark.lab

APP = "localhost/agent/app:"
STUBBORN = ("sh", "-c", "trap '' HUP TERM INT; setsid sleep 54321 & echo up; sleep 54322; sleep 54322")
CACHE = {
    "host": "127.0.0.1", "port": 6379, "index": 2, "user": "agent_one", "password": "cache-password-of-agent-one",
    "rules": ["~*", "resetchannels", "-@all", "+@string", "+@connection", "+acl|whoami", "-select", "+select|2"],
}  # fmt: skip


@pytest.fixture
def stack(host: AgentHost, tmp_path: Path) -> Path:
    """A folder with the settings of a stack whose one server is the lab host."""
    info = host.lab.info(NAME)
    server = {
        "name": NAME,
        "address": info.address,
        "roles": ["app", "data", "edge"],
        "hostKey": info.host_key,
    }
    config = {
        "codeb:domain": "lab.test",
        "codeb:servers": [server],
        "codeb:sshPrivateKeyFile": str(host.lab.ssh_key_path()),
    }
    (tmp_path / "Pulumi.lab.yaml").write_text(yaml.safe_dump({"config": config}))
    return tmp_path


@pytest.fixture(scope="module")
def begun(host: AgentHost) -> str:
    """The project's id; nothing was left of it when these tests began."""
    host.agent("remove", {"project": "agent-one"})
    return "agent-one"


@pytest.fixture
def app(host: AgentHost, begun: str) -> str:
    """The project, with a release that serves: that of the test before, where it is as it was."""
    environment = {
        "SECRET_TOKEN": "sekret-token-of-the-app", "REDIS_HOST": "127.0.0.1", "REDIS_PORT": "6379", "REDIS_DB": "2",
        "REDIS_USERNAME": "agent_one", "REDIS_PASSWORD": CACHE["password"],
    }  # fmt: skip
    document = release(f"{APP}v1", environment=environment, cache={**CACHE, "admin_password": REDIS_ADMIN})
    answer = host.agent("release", document)
    assert answer.code == 0, answer.err
    assert left(host) == []
    return begun


def test_a_command_runs_in_the_container_that_serves(host: AgentHost, app: str, stack: Path) -> None:
    done = piped(
        stack,
        "exec",
        app,
        "--why",
        "a look",
        "--",
        "sh",
        "-c",
        'echo "$VERSION $0"; cat; echo no >&2; exit 7',
        "a 'b\" $c",
        text="in\n",
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "v1 a 'b\" $c\nin\n", "no\n")
    own = piped(stack, "exec", app, "--", "cat", "/proc/1/cmdline").stdout
    assert own.startswith("node\0/server.cjs"), "it is the app's own container"
    said = json.loads(piped(stack, "exec", app, "--json", "--", "sh", "-c", "echo out; echo err >&2").stdout)
    assert (said["ok"], said["exit"], said["out"], said["err"]) == (True, 0, "out\n", "err\n")
    last = [json.loads(line) for line in host.sh("cat", "/var/log/codeb/audit.log").splitlines()][-3]
    assert (last["outcome"], last["why"], last["command"][0]) == ("exec", "a look", "sh")
    nothing_left(host)


@pytest.mark.slow
def test_a_command_that_is_not_there_says_so(host: AgentHost, app: str, stack: Path) -> None:
    for verb in ("exec", "run"):
        done = piped(stack, verb, app, "--", "no-such-program")
        assert done.returncode == 127, done.stderr
        assert "no-such-program" in done.stderr
    nothing_left(host)


@pytest.mark.slow
def test_a_one_off_container_is_a_fresh_one_of_the_same_release(
    host: AgentHost, app: str, stack: Path
) -> None:
    script = 'echo "$VERSION $SECRET_TOKEN"; cat /proc/self/uid_map >/dev/null; ls /proc/1/root/ 2>&1 | head -1; exit 3'
    done = piped(stack, "run", app, "--", "sh", "-c", script)
    assert done.returncode == 3, done.stderr
    version, watcher = done.stdout.splitlines()
    assert version == "v1 sekret-token-of-the-app"
    assert "Permission denied" in watcher, (
        "process 1 of its namespace is the host's: nobody in there gets at it"
    )
    assert host.version(app) == "v1"
    nothing_left(host)


@pytest.mark.parametrize("verb", ["exec", pytest.param("run", marks=pytest.mark.slow)])
def test_at_a_terminal_ctrl_c_goes_to_the_command(host: AgentHost, app: str, stack: Path, verb: str) -> None:
    with seated(
        stack, verb, app, "--", "sh", "-c", "tty; sleep 1; stty size; sleep 54323; echo after $?"
    ) as terminal:
        terminal.wait_for("/dev/pts/")
        terminal.wait_for("33 99")
        while not sleeping(host, "54323"):
            time.sleep(0.1)
        terminal.type("\x03")
        assert terminal.ended() == 130
    with seated(stack, verb, app, "--", "sleep", "54324") as terminal:
        while not sleeping(host, "54324"):
            time.sleep(0.1)
        terminal.type("\x03")
        assert terminal.ended() == 130, "also when the command is the container's first process"
    nothing_left(host, "54323", "54324")


def close_the_terminal(host: AgentHost, terminal: Terminal) -> None:
    terminal.close()


def kill_ssh(host: AgentHost, terminal: Terminal) -> None:
    os.kill(terminal.ssh(), signal.SIGKILL)


def kill_sshd(host: AgentHost, terminal: Terminal) -> None:
    host.sh("pkill", "-KILL", "-f", "^sshd-session: root")


def kill_the_agent(host: AgentHost, terminal: Terminal) -> None:
    host.sh("pkill", "-KILL", "-f", "codeb-agent attach")


def kill_the_watcher(host: AgentHost, terminal: Terminal) -> None:
    host.sh("systemctl", "kill", "--signal=KILL", "codeb.session.*.service")


def type_nothing(host: AgentHost, terminal: Terminal) -> None:
    host.sh("sh", "-c", "touch -d '2 hours ago' $(readlink /proc/$(pgrep -o -f 'codeb-agent attach')/fd/0)")


ENDS = (close_the_terminal, kill_ssh, kill_sshd, kill_the_agent, kill_the_watcher, type_nothing)
QUICK = (("exec", kill_the_agent), ("run", close_the_terminal))
"""One of each; the others are for `make test-slow`."""


@pytest.mark.parametrize(
    ("verb", "end"),
    [
        pytest.param(
            verb, end, id=f"{verb}-{end.__name__}", marks=() if (verb, end) in QUICK else pytest.mark.slow
        )
        for verb in ("exec", "run")
        for end in ENDS
    ],
)
def test_no_end_leaves_a_process_or_a_container_behind(
    host: AgentHost, app: str, stack: Path, verb: str, end: object
) -> None:
    with seated(stack, verb, app, "--", *STUBBORN) as terminal:
        terminal.wait_for("up\r\n")
        while not (sleeping(host, "54321") and sleeping(host, "54322")):
            time.sleep(0.1)
        assert left(host)
        end(host, terminal)  # type: ignore[operator]
        nothing_left(host, "54321", "54322")
        if end is type_nothing:
            terminal.wait_for("nothing happened in it for 60 minutes")
            assert terminal.ended() == 124
    assert host.version(app) == "v1", "the app goes on"


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["exec", "run"])
def test_a_lost_connection_without_a_terminal_leaves_nothing_behind(
    host: AgentHost, app: str, stack: Path, verb: str
) -> None:
    token = host.agent(
        "session", {"kind": verb, "project": app, "command": STUBBORN, "terminal": False}
    ).document["token"]
    with host.session(f"codeb-agent attach {token}") as ssh:
        while not sleeping(host, "54322"):
            time.sleep(0.1)
        ssh.kill()
        nothing_left(host, "54321", "54322")


@pytest.mark.slow
def test_exec_ends_with_its_release_and_run_goes_on(host: AgentHost, app: str, stack: Path) -> None:
    with (
        seated(stack, "exec", app, "--", "sleep", "54325") as inside,
        seated(stack, "run", app, "--", "sh", "-c", "sleep 54326; echo over") as beside,
    ):
        while not (sleeping(host, "54325") and sleeping(host, "54326")):
            time.sleep(0.1)
        assert host.agent("release", release(f"{APP}v2", standby_minutes=0)).code == 0
        inside.wait_for("has stopped, most likely because another release serves")
        assert inside.ended() == 137
        assert sleeping(host, "54326"), "the one-off container goes on"
        host.agent("remove", {"project": app})
        assert beside.ended() != 0, "until its project is removed"
    nothing_left(host, "54325", "54326")


@pytest.mark.slow
def test_a_console_is_the_projects_own_user_and_shows_no_password(
    host: AgentHost, app: str, stack: Path
) -> None:
    done = piped(stack, "console", app, "cache", text="set a b\nacl whoami\nget a\nconfig get dir\n")
    assert done.stdout.splitlines()[:3] == ["OK", "agent_one", "b"], done.stdout + done.stderr
    assert "NOPERM" in done.stdout
    with seated(stack, "console", app, "cache") as terminal:
        terminal.wait_for("127.0.0.1:6379[2]> ")
        arguments = host.sh("sh", "-c", "cat /proc/*/cmdline 2>/dev/null | tr '\\0' ' '")
        assert "redis-cli" in arguments
        units = host.sh("systemctl", "show", "codeb.session.*")
        journal = host.sh("journalctl", "--no-pager", "--since=-1min")
        audit = host.sh("cat", "/var/log/codeb/audit.log")
        for text in (arguments, units, journal, audit, terminal.seen):
            assert str(CACHE["password"]) not in text
        assert "set a b" not in journal + audit
        terminal.type("\x04")
        assert terminal.ended() == 0
    nothing_left(host)
