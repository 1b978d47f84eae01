"""An agent that tells as it goes, over a real `ssh` that is a script here: what is heard, and what ends it."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest
from ops_servers import server

from ops import ssh
from ops.ssh import LoginRefused, SshError

TARGET = server(1).target


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands in for ssh; its text is a test's."""
    path = tmp_path / "bin" / "ssh"
    path.parent.mkdir()
    path.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(path.parent))
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    return path


def write(script: Path, *lines: str) -> None:
    script.write_text("\n".join([f"#!{sys.executable} -S", "import sys, time", *lines]) + "\n")


def heard() -> list[object]:
    with ssh.tell(TARGET, "logs", {"project": "shop"}) as told:
        return list(told)


def test_documents_come_as_they_are_told_and_the_answer_is_the_last(script: Path) -> None:
    write(
        script,
        'assert sys.stdin.read() == \'{"project": "shop"}\'',
        'print(\'{"at": 1}\\nnoise\\n[]\\n{"ok": true}\')',
    )
    assert heard() == [{"at": 1}, {"ok": True}]


@pytest.mark.parametrize(
    ("lines", "error", "words"),
    [
        (["sys.stderr.write('Permission denied')", "sys.exit(255)"], LoginRefused, "authorized_keys"),
        (["sys.stderr.write('Connection refused')", "sys.exit(255)"], SshError, "Connection refused"),
        (["sys.exit(127)"], SshError, "has no codeb-agent"),
        (["sys.stderr.write('usage: codeb-agent apply')", "sys.exit(2)"], SshError, "older than this program"),
        (["print('{\"at\": 1}')", "sys.exit(137)"], SshError, "ended early"),
    ],
)  # fmt: skip
def test_why_nothing_more_comes_is_said(
    script: Path, lines: list[str], error: type[Exception], words: str
) -> None:
    write(script, *lines)
    with pytest.raises(error, match=words):
        heard()


def test_an_agent_that_refuses_the_document_answers(script: Path) -> None:
    write(script, 'print(\'{"ok": false, "cause": "lines"}\')', "sys.exit(2)")
    assert heard() == [{"ok": False, "cause": "lines"}]


def test_whoever_leaves_ends_ssh_and_leaves_no_key_behind(script: Path, tmp_path: Path) -> None:
    write(script, "print('{\"at\": 1}', flush=True)", "time.sleep(60)")
    began = time.monotonic()
    with ssh.tell(TARGET, "logs", {}) as told:
        lines = iter(told)
        assert next(lines) == {"at": 1}
        threading.Timer(0.1, told.end).start()
        with pytest.raises(SshError):
            next(lines)
    assert time.monotonic() - began < 30, "it waited for the minute"
    assert not list((tmp_path / "run").rglob("key"))


def test_an_ssh_that_does_not_end_when_it_is_asked_is_killed(script: Path) -> None:
    write(
        script,
        "import signal",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "print('{}', flush=True)",
        "time.sleep(60)",
    )
    began = time.monotonic()
    with ssh.tell(TARGET, "logs", {}):
        pass
    assert time.monotonic() - began < 30, "it waited for the minute"


def test_a_machine_without_ssh_is_told(script: Path) -> None:
    script.unlink()
    with pytest.raises(SshError, match="not installed"):
        heard()
