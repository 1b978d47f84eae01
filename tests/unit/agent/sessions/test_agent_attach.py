"""`attach` and `end`: first who cleans up, then what there is to clean up; and each way in which a session ends."""

from __future__ import annotations

import json
import signal
from contextlib import suppress

import pytest

from agent.cli import main
from agent.documents.reader import Reader
from agent.host.ports import Result
from agent.removal.remove import remove_project
from agent.removal.retire import retire
from agent.sessions.attach import attach
from agent.sessions.end import end, end_all
from agent.sessions.programs import removed
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.sessions.sitting import (
    CGROUP,
    PASSWORD,
    TOKEN,
    FakeProgram,
    FakeSeat,
    asked,
    inspected,
    serving_host,
)

NAMESPACE = {"/proc/self/ns/pid": "pid:[1]", "/proc/77/ns/pid_for_children": "pid:[2]"}


@pytest.fixture
def host() -> FakeHost:
    host = serving_host()
    host.links |= NAMESPACE
    return host


def watcher(token: str) -> str:
    return f"codeb.session.{token}.service"


def begun(host: FakeHost, seat: FakeSeat, kind: str, *command: str, **changes: object) -> tuple[int, str]:
    """The exit status of a session, and its token."""
    token = asked(host, kind, *command, **changes)["token"]
    words = f"systemctl show --property=MainPID --value {watcher(token)}"
    host.answers[words] = Result(0, out="77\n")
    return attach(host.ports(), seat, token), token


def place(host: FakeHost, *words: str) -> int:
    """When a program with these words was run, in order of all calls."""
    return next(n for n, call in enumerate(host.calls) if set(words) <= set(call))


@pytest.mark.parametrize("kind", ["exec", "run", "db"])
def test_a_session_has_its_watcher_before_anything_and_until_the_end(host: FakeHost, kind: str) -> None:
    seat = FakeSeat(FakeProgram(host, code=7))
    code, token = begun(host, seat, kind, *([] if kind == "db" else ["ls"]))
    assert code == 7
    began = place(host, "systemd-run", f"--unit={watcher(token)}")
    assert began < place(host, "systemctl", "stop", watcher(token))
    call = host.calls[began]
    assert f"--property=ExecStopPost=/usr/local/bin/codeb-agent end {token}" in call
    assert call[-4:] == ["flock", "--exclusive", f"/run/codeb/sessions/{token}.lock", "true"]
    assert ("unshare" in call) == (kind != "exec")
    (started,) = seat.started
    assert started[:2] == ["setpriv", "--pdeathsig=KILL"]
    assert f"--property=BindsTo={watcher(token)}" in started
    assert f"/run/codeb/sessions/{token}.wanted" not in host.files


def test_exec_enters_a_control_group_of_its_own(host: FakeHost) -> None:
    seat = FakeSeat(FakeProgram(host))
    _, token = begun(host, seat, "exec", "sh")
    group = f"/sys/fs/cgroup{CGROUP}/codeb.session.{token}"
    assert place(host, "mkdir", group)
    process = f"/run/codeb/sessions/{token}.process"
    assert seat.started[0][-4:] == ["exec", f"--cgroup=codeb.session.{token}", f"--process={process}", "c1"]
    assert seat.files[process].mode == 0o600
    assert json.loads(seat.files[process].content)["env"] == ["A=1", "TERM=screen"]
    runs = json.loads(seat.files[f"/run/codeb/sessions/{token}.runs"].content)
    assert runs == {"project": "shop-app", "kind": "exec", "by": "ann@laptop", "cgroup": group}


def test_a_console_has_its_password_in_the_environment_alone(host: FakeHost) -> None:
    seat = FakeSeat(FakeProgram(host))
    begun(host, seat, "db")
    assert seat.environment["PGPASSWORD"] == PASSWORD
    assert "--env=PGPASSWORD" in seat.started[0]
    assert "--pid=ns:/proc/77/ns/pid_for_children" in seat.started[0]
    left = {
        path: entry.content.decode() for path, entry in host.files.items() if path.startswith("/run/codeb")
    }
    assert PASSWORD not in json.dumps([seat.started, host.calls, host.journal, left])


def test_a_token_is_good_once_and_for_a_minute(host: FakeHost) -> None:
    seat = FakeSeat(FakeProgram(host))
    _, token = begun(host, seat, "run", "ls")
    assert attach(host.ports(), seat, token) == 125
    late = asked(host, "run", "ls")["token"]
    host.time += 61
    assert attach(host.ports(), seat, late) == 125
    assert attach(host.ports(), seat, TOKEN) == 125
    assert len(seat.started) == 1
    assert "run the command again" in seat.said[-1]


@pytest.mark.parametrize("word", ["../../etc/shadow", "", "x", TOKEN + "\n", "-h", TOKEN.upper()])
def test_no_other_text_is_a_token(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("attach", "end"):
        assert main([verb, word]) == 2
    assert "no token" in capsys.readouterr().err


def test_without_its_watcher_nothing_begins(host: FakeHost) -> None:
    token = asked(host, "exec", "ls")["token"]
    host.leaves_at = ""
    seat = FakeSeat(FakeProgram(host))
    original = host.systemd.systemd_run
    host.systemd.systemd_run = lambda words: Result(1, err="Failed to start transient unit")  # type: ignore[method-assign]
    assert attach(host.ports(), seat, token) == 125
    assert not seat.started
    assert "Failed to start transient unit" in seat.said[0]
    host.systemd.systemd_run = original  # type: ignore[method-assign]


@pytest.mark.parametrize("kind", ["exec", "run"])
@pytest.mark.parametrize("stubborn", [False, True])
def test_who_has_left_takes_his_session_along(host: FakeHost, kind: str, stubborn: bool) -> None:
    def leave(look: int) -> None:
        host.gone = "the terminal was closed"

    seat = FakeSeat(FakeProgram(host, looks=99, stubborn=stubborn, at_look=leave))
    real_listing = host.put
    token = asked(host, kind, "sleep", "600")["token"]
    host.answers[f"systemctl show --property=MainPID --value {watcher(token)}"] = Result(0, out="77\n")
    real_listing(f"/sys/fs/cgroup{CGROUP}/codeb.session.{token}/cgroup.procs", "41\n42\n")
    assert attach(host.ports(), seat, token) == 129
    if kind == "exec":
        assert seat.signals == [((41, 42), signal.SIGHUP), ((41, 42), signal.SIGTERM)]
    else:
        assert seat.program.signals == [signal.SIGHUP, signal.SIGTERM]
    assert place(host, "systemctl", "stop", watcher(token))


def test_a_terminal_at_which_nothing_happens_is_ended(host: FakeHost) -> None:
    seat = FakeSeat(FakeProgram(host, looks=99), quiet=5 * 60 + 1)
    code, token = begun(host, seat, "run", "sh", idle_minutes=5)
    assert code == 124
    assert "nothing happened in it for 5 minutes" in seat.said[-1]
    assert place(host, "systemctl", "stop", watcher(token))
    patient = FakeSeat(FakeProgram(host, looks=9), quiet=4 * 60)
    assert begun(host, patient, "run", "sh", idle_minutes=5)[0] == 0
    script = FakeSeat(FakeProgram(host, looks=9), quiet=9999, terminal=False)
    assert begun(host, script, "run", "sh", idle_minutes=5, terminal=False)[0] == 0, (
        "a script may take its time"
    )


def test_a_release_that_ends_the_container_is_said(host: FakeHost) -> None:
    seat = FakeSeat(
        FakeProgram(
            host, code=137, at_look=lambda _: inspected(host, "codeb-shop-app-blue", running=False, Id="c1")
        )
    )
    code, _ = begun(host, seat, "exec", "sleep", "600")
    assert code == 137
    assert "the container that it was in shop-app r1 (blue, reg.lab:5000/shop:1) has stopped" in seat.said[-1]
    quiet = FakeSeat(FakeProgram(host, code=137))
    inspected(
        host,
        "codeb-shop-app-blue",
        Id="c1",
        OCIConfigPath="/var/lib/containers/app/config.json",
        OCIRuntime="crun",
    )
    assert begun(host, quiet, "exec", "sleep", "600")[0] == 137
    assert quiet.said == []


def test_a_command_that_the_runtime_does_not_find_has_a_shell_s_status(host: FakeHost) -> None:
    seat = FakeSeat(FakeProgram(host, code=255))

    def write(_: int) -> None:
        (path,) = [name for name in host.files if name.endswith(".runs")]
        host.put(path.replace(".runs", ".said"), "2026 executable file `nosuch` not found in $PATH\n")

    seat.program.at_look = write
    assert begun(host, seat, "exec", "nosuch")[0] == 127
    assert seat.said == [], "the runtime has said it"
    assert begun(host, FakeSeat(FakeProgram(host, code=255)), "exec", "false")[0] == 255


def test_the_end_of_a_session_leaves_nothing_of_it(host: FakeHost) -> None:
    group = f"/sys/fs/cgroup{CGROUP}/codeb.session.{TOKEN}"
    for kind in ("process", "said", "lock"):
        host.put(f"/run/codeb/sessions/{TOKEN}.{kind}", "x", 0o600)
    host.put(f"/run/codeb/sessions/{TOKEN}.runs", json.dumps({"project": "shop-app", "cgroup": group}))
    host.put(f"{group}/cgroup.procs", "41\n")
    remaining = [Result(1, err="busy"), Result(1, err="busy"), Result(0)]
    removals = [Result(125, err="it could not be stopped"), Result(0)]
    programs: list[list[str]] = []

    def ran(words: list[str]) -> None:
        programs.append(words)

    ports = host.ports()
    original = ports.runner.run

    def run(argv: list[str], **options: object) -> Result:
        ran(list(argv))
        if argv[0] == "rmdir":
            return remaining.pop(0)
        if argv[0] == "podman":
            return removals.pop(0)
        return Result(0) if argv[0] in ("tee", "systemctl") else original(argv, **options)

    ports.runner.run = run  # type: ignore[method-assign,assignment]
    assert end(ports, TOKEN) == 0
    assert programs[0] == ["systemctl", "kill", "--signal=SIGKILL", f"codeb.session.{TOKEN}.scope"]
    assert programs.count(["tee", f"{group}/cgroup.kill"]) == 3
    assert not removals, "podman may have to be told twice"
    assert programs[-1] == [
        "podman",
        "rm",
        "--force",
        "--ignore",
        "--time=0",
        "--volumes",
        f"codeb.session.{TOKEN}",
    ]
    assert not [name for name in host.files if name.startswith("/run/codeb")]


def test_what_can_not_be_removed_is_said_and_remembered(host: FakeHost) -> None:
    host.put(f"/run/codeb/sessions/{TOKEN}.runs", "{}")
    host.answers[" ".join(removed(TOKEN))] = Result(125, err="Error: it is in use")
    assert end(host.ports(), TOKEN) == 1
    assert TOKEN in host.journal[-1]
    assert f"/run/codeb/sessions/{TOKEN}.runs" in host.files


def test_the_next_session_ends_what_is_left_of_others(host: FakeHost) -> None:
    running = "f" * 32
    for token in (TOKEN, running):
        host.put(f"/run/codeb/sessions/{token}.runs", json.dumps({"project": "shop-app"}))
        host.answers[" ".join(removed(token))] = Result(0)
    host.held.add(f"/run/codeb/sessions/{running}.lock")
    asked(host, "run", "ls")
    assert f"/run/codeb/sessions/{TOKEN}.runs" not in host.files
    assert f"/run/codeb/sessions/{running}.runs" in host.files


def test_a_project_s_sessions_end_with_it(host: FakeHost) -> None:
    others = "f" * 32
    host.put(f"/run/codeb/sessions/{TOKEN}.runs", json.dumps({"project": "shop-app"}))
    host.put(f"/run/codeb/sessions/{others}.runs", json.dumps({"project": "blog"}))
    host.put("/run/codeb/sessions/x.runs", json.dumps({"project": "shop-app"}))
    end_all(host.ports(), "shop-app")
    assert [call for call in host.calls if call[:2] == ["systemctl", "stop"] and "session" in call[2]] == [
        ["systemctl", "stop", watcher(TOKEN)]
    ]
    host.calls.clear()
    remove_project(host.ports(), "shop-app", "")
    assert ["systemctl", "stop", watcher(TOKEN)] in host.calls
    retire(host.ports(), Reader({}, ""), "root")
    assert ["systemctl", "stop", watcher(others)] in host.calls, "and all with the platform"


@pytest.mark.parametrize("kind", ["exec", "run"])
def test_killed_at_any_line_nothing_runs_unwatched(kind: str) -> None:
    """Whatever was started before the kill is bound to a watcher that had begun before it."""
    for number in range(1, 40):
        host = serving_host()
        host.links |= NAMESPACE
        token = asked(host, kind, "sleep", "600")["token"]
        host.answers[f"systemctl show --property=MainPID --value {watcher(token)}"] = Result(0, out="77\n")
        seat = FakeSeat(FakeProgram(host))
        host.calls.clear()
        host.operations, host.kill_at = 0, number
        with suppress(Killed):
            attach(host.ports(), seat, token)
        watched = any(f"--unit={watcher(token)}" in call for call in host.calls)
        made = any(call[0] == "mkdir" for call in host.calls)
        assert watched or not (seat.started or made), number
        if made or seat.started:
            known = (seat.files if seat.started else host.files).keys()
            ended = removed(token) in host.calls  # in here a kill doesn't keep `finally` from its work
            assert ended or f"/run/codeb/sessions/{token}.runs" in known, "the end knows what to end"
        if number > host.operations:
            break
