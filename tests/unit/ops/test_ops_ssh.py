"""The one SSH call: pinned host key, nothing secret in an argument, and words for what goes wrong."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from ops_servers import HOST_KEY, KEY, server

from codeb.ssh import SshTarget, find_host_key, known_hosts
from ops import ssh
from ops.ssh import Ended, LoginRefused, SshError, ask

TARGET = server(1).target
REFUSED = "ssh: connect to host 10.0.0.1 port 22: Connection refused"


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered of earlier logins."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


class Recorder:
    """Stands in for OpenSSH: remembers the call, and what its key and known-hosts files hold meanwhile."""

    def __init__(self, code: int = 0, out: str = '{"ok": true}', err: str = "") -> None:
        self.ended = Ended(code, out, err)
        self.argv: list[str] = []
        self.text = ""
        self.files: dict[str, tuple[str, int]] = {}

    def __call__(self, argv: Sequence[str], text: str, timeout: float | None) -> Ended:
        self.argv, self.text = list(argv), text
        for option in ("IdentityFile", "UserKnownHostsFile"):
            path = Path(self.option(option))
            self.files[option] = (path.read_text(), stat.S_IMODE(path.stat().st_mode))
            self.folder = path.parent
        return self.ended

    def option(self, name: str) -> str:
        return next(word.partition("=")[2] for word in self.argv if word.startswith(f"{name}="))


def test_the_call_pins_the_host_key_and_reads_no_configuration() -> None:
    recorder = Recorder()
    answer = ask(TARGET, "status", {"version": 1}, connect_seconds=3, run=recorder)
    assert (answer.code, answer.document) == (0, {"ok": True})
    assert recorder.argv[:3] == ["ssh", "-F", "none"]
    assert recorder.option("StrictHostKeyChecking") == "yes"
    assert recorder.option("BatchMode") == "yes"
    assert recorder.option("ConnectTimeout") == "3"
    assert recorder.argv[-3:] == ["--", "10.0.0.1", "codeb-agent status"]
    assert recorder.files["UserKnownHostsFile"][0] == known_hosts(TARGET) == f"codeb-server {HOST_KEY}\n"


def test_key_and_document_are_in_no_argument_and_the_key_file_goes() -> None:
    recorder = Recorder()
    ask(TARGET, "rollback", {"project": "shop", "by": "ann@laptop"}, run=recorder)
    line = " ".join(recorder.argv)
    assert "the-private-key" not in line
    assert "shop" not in line
    assert json.loads(recorder.text) == {"project": "shop", "by": "ann@laptop"}
    assert recorder.files["IdentityFile"] == (KEY, 0o600)
    assert not recorder.folder.exists()
    assert "the-private-key" not in repr(TARGET)


def test_the_key_file_goes_when_the_call_is_interrupted() -> None:
    folders: list[Path] = []

    def interrupted(argv: Sequence[str], text: str, timeout: float | None) -> Ended:
        folders.append(Path(next(w for w in argv if w.startswith("IdentityFile=")).partition("=")[2]).parent)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(TARGET, "status", {}, run=interrupted)
    assert not folders[0].exists()


@pytest.mark.parametrize(
    ("recorder", "said"),
    [
        (Recorder(255, "", "Host key verification failed."), "is not the pinned one"),
        (Recorder(255, "", "root@10.0.0.1: Permission denied (publickey)."), "authorized_keys"),
        (Recorder(255, "", REFUSED), "check that the server is up"),
        (Recorder(255, "", REFUSED), "fail2ban-client set sshd unbanip ADDRESS"),
        (
            Recorder(255, "", "kex_exchange_identification: read: Connection reset by peer"),
            "Wait a minute and run again",
        ),
        (Recorder(255, "", "ssh: connect to host 10.0.0.1 port 22: No route to host"), "server is up"),
        (Recorder(255, "", ""), "ended without a word"),
        (Recorder(127, "", "sh: codeb-agent: not found"), "run `pulumi up`"),
        (Recorder(0, "hello", ""), "answered unreadably"),
        (Recorder(0, '{"a":' * 100_000, ""), "answered unreadably"),
        (Recorder(0, "[1]", "strange\nthings"), "said: strange"),
        (Recorder(2, "", "usage: codeb-agent apply|release"), "said: usage: codeb-agent apply"),
    ],
)
def test_what_goes_wrong_is_said_with_a_remedy(recorder: Recorder, said: str) -> None:
    with pytest.raises(SshError) as failure:
        ask(TARGET, "status", {}, run=recorder)
    assert said in str(failure.value)
    assert "root@10.0.0.1 port 22" in str(failure.value)


def refusal(known: bool = False, target: SshTarget = TARGET) -> str:
    with pytest.raises(SshError) as failure:
        ask(target, "status", {}, known=known, run=Recorder(255, "", REFUSED))
    return str(failure.value)


def test_a_refused_connection_after_an_earlier_login_is_a_ban_most_likely() -> None:
    assert "check that the server is up" in refusal()
    ask(TARGET, "status", {}, run=Recorder())
    said = refusal()
    assert "check that the server is up" not in said
    assert "Fail2Ban has shut this machine's address out" in said
    assert "codeb:adminAddresses" in said
    assert "check that the server is up" in refusal(target=server(2).target), "another server"
    assert "check that the server is up" not in refusal(known=True, target=server(2).target)


def test_a_login_counts_as_one_whatever_the_agent_says() -> None:
    with pytest.raises(SshError):
        ask(TARGET, "status", {}, run=Recorder(127, "", "sh: codeb-agent: not found"))
    assert "check that the server is up" not in refusal()


def test_a_refused_key_is_told_from_all_else_and_warns_of_the_ban() -> None:
    with pytest.raises(LoginRefused, match="five refused logins in ten minutes"):
        ask(TARGET, "status", {}, run=Recorder(255, "", "root@10.0.0.1: Permission denied (publickey)."))
    with pytest.raises(SshError) as failure:
        ask(TARGET, "status", {}, run=Recorder(255, "", "Host key verification failed."))
    assert not isinstance(failure.value, LoginRefused)


def test_a_failure_of_the_agent_is_an_answer() -> None:
    answer = ask(TARGET, "rollback", {}, run=Recorder(1, '{"ok": false, "phase": "switch"}'))
    assert (answer.code, answer.document["phase"]) == (1, "switch")


def test_the_real_runner_ends_when_its_time_is_over() -> None:
    with pytest.raises(SshError, match=r"no answer within 0\.2 s"):
        ssh.run([sys.executable, "-c", "import time; time.sleep(5)"], "", 0.2)
    with pytest.raises(SshError, match="ssh is not installed"):
        ssh.run(["/no/such/ssh"], "", None)
    assert ssh.run([sys.executable, "-c", "print(input())"], "a document", 5).out == "a document\n"


def test_a_folder_that_others_can_enter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = tmp_path / f"codeb-{os.getuid()}"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    with pytest.raises(SshError, match="only you can enter"):
        ask(TARGET, "status", {}, run=Recorder())


def test_a_known_hosts_file_is_read_by_address_and_port() -> None:
    text = f"# comment\n10.0.0.1,app1 {HOST_KEY} note\n[10.0.0.1]:2222 ssh-rsa BBBB\n"
    assert find_host_key(text, "10.0.0.1", 22) == HOST_KEY
    assert find_host_key(text, "10.0.0.1", 2222) == "ssh-rsa BBBB"
    assert find_host_key(text, "10.0.0.9", 22) is None


def test_another_server_s_key_does_not_fit() -> None:
    other = SshTarget("10.0.0.2", 22, "root", "ssh-ed25519 OTHER", KEY)
    assert HOST_KEY not in known_hosts(other)
