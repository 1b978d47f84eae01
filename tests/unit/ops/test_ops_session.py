"""Sessions from the operator's side: which server, what it is sent, and what `ssh` is given."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ops_servers import HOST_KEY, KEY, server

from codeb.ssh import SshTarget
from ops import cli, terminal
from ops.access import Server, app_servers
from ops.cli import main
from ops.session import Begun, SessionError, Wanted, begin
from ops.ssh import Answer, SshError

TOKEN = "0123456789abcdef" * 2
PASSWORD = "hunter2-hunter2"
LOGIN = {"host": "10.1.0.4", "port": 5432, "user": "shop", "place": "shop_db", "password": PASSWORD}


class Fleet:
    """Servers by address: their project's status, and what they answer to `session`."""

    def __init__(self, **states: str) -> None:
        self.states = states
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str, Mapping[str, Any]]] = []

    def __call__(self, target: SshTarget, verb: str, document: Mapping[str, Any]) -> Answer:
        name = f"app{target.address.rpartition('.')[2]}"
        self.asked.append((name, verb, document))
        state = self.states.get(name, "healthy")
        if state == "down":
            raise SshError(f"{target.where}: no route to host")
        if verb == "status":
            return Answer(0, {"ok": True, "projects": [{"project": document["project"], "status": state}]})
        return self.answers.get(name, Answer(0, {"ok": True, "token": TOKEN, "what": "in shop r1\x1b[2J"}))

    def sessions(self) -> list[str]:
        return [name for name, verb, _ in self.asked if verb == "session"]


def wanted(kind: str = "exec", **changes: Any) -> Wanted:
    return Wanted(
        **{
            "kind": kind,
            "project": "shop",
            "stack": "live",
            "by": "ann@laptop",
            "command": ("ls",),
            **changes,
        }
    )


def begun(fleet: Fleet, *numbers: int, data: tuple[Server, ...] = (), **changes: Any) -> Begun:
    return begin(wanted(**changes), [server(n) for n in numbers], lambda: data, fleet)


def test_the_only_server_is_asked_at_once() -> None:
    fleet = Fleet()
    found = begun(fleet, 1, why="ticket 7", terminal=True, idle_minutes=5)
    assert (found.server.name, found.token) == ("app1", TOKEN)
    ((_, verb, document),) = fleet.asked
    assert verb == "session"
    assert document == {
        "version": 1, "kind": "exec", "project": "shop", "command": ["ls"], "terminal": True, "idle_minutes": 5,
        "by": "ann@laptop", "why": "ticket 7",
    }  # fmt: skip
    assert "\x1b" not in found.what


@pytest.mark.parametrize(
    ("states", "chosen"),
    [
        ({}, "app1"),
        ({"app1": "unhealthy"}, "app2"),
        ({"app1": "down"}, "app2"),
        ({"app1": "unknown", "app2": "stopped"}, "app3"),
        ({"app1": "stopped", "app2": "unhealthy", "app3": "unhealthy"}, "app2"),
    ],
)
def test_the_first_healthy_replica_is_chosen(states: dict[str, str], chosen: str) -> None:
    fleet = Fleet(**states)
    assert begun(fleet, 1, 2, 3).server.name == chosen
    assert fleet.sessions() == [chosen]


def test_a_server_can_be_named() -> None:
    fleet = Fleet(app2="unhealthy")
    assert begun(fleet, 1, 2, server="app2").server.name == "app2"
    with pytest.raises(SessionError, match="no server app9 runs shop; there are app1, app2"):
        begun(fleet, 1, 2, server="app9")


def test_servers_that_do_not_answer_are_said() -> None:
    with pytest.raises(SessionError, match=r"app1: root@10\.0\.0\.1 port 22: no route to host") as caught:
        begun(Fleet(app1="down", app2="unknown"), 1, 2)
    assert "shop" in str(caught.value).splitlines()[-1]


def test_a_refusal_is_said_with_its_remedy() -> None:
    fleet = Fleet()
    fleet.answers["app1"] = Answer(
        1, {"ok": False, "phase": "session", "cause": "it is\x1b[0m off", "remedy": "look"}
    )
    with pytest.raises(SessionError) as caught:
        begun(fleet, 1)
    assert "app1: session: it is" in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_login_goes_to_servers_with_data_alone() -> None:
    fleet = Fleet()
    fleet.answers["app1"] = Answer(0, {"ok": True, "project": "shop", "login": LOGIN})
    fleet.answers["app8"] = Answer(1, {"ok": False, "phase": "session", "cause": "nothing listens"})
    found = begun(fleet, 1, 2, kind="db", command=(), data=(server(8), server(9)))
    assert found.server.name == "app9"
    assert fleet.sessions() == ["app1", "app8", "app9"]
    assert fleet.asked[-1][2]["login"] == LOGIN
    assert PASSWORD not in repr(found) + found.what
    with pytest.raises(SessionError, match="app8: session: nothing listens"):
        begun(fleet, 1, kind="db", command=(), data=(server(8),))
    with pytest.raises(
        SessionError, match=r"no server of the stack holds what is at 10\.1\.0\.4:5432"
    ) as caught:
        begun(fleet, 1, kind="db", command=())
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("token", [None, "", "a; reboot", "$(x)", "-h", 7])
def test_a_token_that_is_none_reaches_no_command_line(token: object) -> None:
    fleet = Fleet()
    fleet.answers["app1"] = Answer(0, {"ok": True, "token": token})
    with pytest.raises(SessionError, match="prepared no session"):
        begun(fleet, 1)


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `ssh` that notes its arguments and its key's file, says what it is sent, and ends as the test says."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    program = tmp_path / "ssh"
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, os, sys\n"
        "key = next(w for w in sys.argv if w.startswith('IdentityFile=')).partition('=')[2]\n"
        f"open({str(tmp_path / 'seen')!r}, 'w').write(json.dumps([sys.argv[1:], os.stat(key).st_mode, key]))\n"
        "sys.stdout.write('out ' + sys.stdin.read() + 'x' * int(os.environ.get('MORE', '0')))\n"
        "sys.stderr.write('err')\n"
        "sys.exit(int(os.environ.get('STATUS', '0')))\n"
    )
    program.chmod(0o755)
    return tmp_path / "seen"


def test_ssh_gets_the_token_and_nothing_secret(ssh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATUS", "7")
    for interactive, option in ((True, "-t"), (False, "-T")):
        with open(os.devnull) as nothing:
            monkeypatch.setattr(sys, "stdin", nothing)
            assert terminal.attached(server(1).target, TOKEN, terminal=interactive) == 7
        argv, mode, key = json.loads(ssh.read_text())
        assert argv[0] == option
        assert argv[-1] == f"codeb-agent attach {TOKEN}"
        assert stat.S_IMODE(mode) == 0o600
        assert not Path(key).exists(), "the key is gone with the session"
        assert KEY.splitlines()[1] not in " ".join(argv)


def test_what_a_command_writes_is_captured_up_to_a_limit(ssh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "KEPT_BYTES", 100)
    monkeypatch.setenv("MORE", "3000000")
    monkeypatch.setenv("STATUS", "3")
    found = terminal.captured(server(1).target, TOKEN)
    assert (found.exit, len(found.out), found.err, found.truncated) == (3, 100, "err", True)


def test_a_terminal_that_is_closed_leaves_no_key_behind(tmp_path: Path) -> None:
    (tmp_path / "ssh").write_text("#!/bin/sh\nkill -HUP $PPID\nsleep 5\n")
    (tmp_path / "ssh").chmod(0o755)
    script = (
        "from codeb.ssh import SshTarget\nfrom ops import terminal\n"
        f"terminal.attached(SshTarget('10.0.0.1', 22, 'root', {HOST_KEY!r}, 'KEY'), {TOKEN!r}, terminal=True)\n"
    )
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, check=False, timeout=20)
    assert done.returncode == 129
    assert list(tmp_path.glob("codeb-*/*")) == []


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    key = tmp_path / "key"
    key.write_text(KEY)
    key.chmod(0o600)
    servers = "".join(
        f"    - {{name: {name}, address: 10.0.0.{n}, roles: [{roles}], hostKey: {HOST_KEY}}}\n"
        for name, n, roles in (("app1", 1, "app"), ("data1", 2, "data"))
    )
    (tmp_path / "Pulumi.live.yaml").write_text(
        f"config:\n  codeb:domain: x.test\n  codeb:sshPrivateKeyFile: key\n  codeb:servers:\n{servers}"
    )
    return tmp_path


def test_the_settings_say_who_holds_data(stack: Path) -> None:
    every = app_servers(stack, "live", every=True)
    assert [(each.name, each.holds_data) for each in every] == [("app1", False), ("data1", True)]


def test_the_command_prints_what_a_program_can_read(
    stack: Path, ssh: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = Fleet()
    monkeypatch.setattr("ops.ssh.ask", fleet)
    monkeypatch.setenv("STATUS", "3")
    assert (
        main(["exec", "shop", "--stack", "live", "--json", "--", "sh", "-c", "x", "--", "--stack", "y"]) == 1
    )
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], found["exit"], found["err"], found["server"]) == (False, 3, "err", "app1")
    assert "token" not in found
    assert fleet.asked[0][2]["command"] == ["sh", "-c", "x", "--", "--stack", "y"], (
        "another's words are not ours"
    )
    assert fleet.asked[0][2]["terminal"] is False
    fleet.answers["app1"] = Answer(1, {"ok": False, "phase": "session", "cause": "no", "remedy": "r"})
    assert main(["exec", "shop", "--stack", "live", "--json", "--", "ls"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


@pytest.mark.parametrize(
    "arguments",
    [
        ["exec", "shop", "--stack", "live"],
        ["exec", "shop", "--stack", "live", "--"],
        ["exec", "shop", "--stack", "live", "--", ""],
        ["exec", "shop", "--stack", "live", "ls"],
        ["exec", "shop; reboot", "--stack", "live", "--", "ls"],
        ["run", "../x", "--stack", "live", "--", "ls"],
        ["run", "shop", "--stack", "live", "--idle", "0", "--", "ls"],
        ["run", "shop", "--stack", "live", "--idle", "9999", "--", "ls"],
        ["run", "shop", "--stack", "live", "--why", "", "--", "ls"],
        ["console", "shop", "--stack", "live"],
        ["console", "shop", "root", "--stack", "live"],
        ["console", "-oProxyCommand=x", "db", "--stack", "live"],
    ],
)
def test_wrong_usage_asks_nobody(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(arguments)
    except SystemExit as error:
        code = int(str(error.code))
    assert code == 2
    assert capsys.readouterr().err


def test_words_of_ours_are_not_split(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli._split(["status", "--", "shop"]) == (["status", "--", "shop"], [])
    assert cli._split(["exec", "shop", "--", "a", "--", "b"]) == (["exec", "shop"], ["a", "--", "b"])


def test_of_servers_that_say_nothing_nothing_is_said() -> None:
    with pytest.raises(SessionError) as stopped:
        begun(Fleet(app1="down", app2="down"), 1, 2)
    assert "no route to host" in str(stopped.value)
    assert "has no release" not in str(stopped.value)


@pytest.mark.parametrize("verb", [["exec"], ["run"], ["console"]])
@pytest.mark.parametrize("why", ["", "a\nb", "\x1b[2J", "x" * 501])
def test_a_reason_is_one_line(verb: list[str], why: str) -> None:
    words = [
        *verb,
        "shop",
        *(["db"] if verb == ["console"] else []),
        "--stack",
        "live",
        "--why",
        why,
        "--",
        "ls",
    ]
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
