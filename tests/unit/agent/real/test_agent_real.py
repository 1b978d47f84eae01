"""The real ports, against this machine: files, locks, programs, HTTP, Redis's protocol."""

from __future__ import annotations

import os
import signal
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from typing import ClassVar

import pytest

from agent.host.ports import Busy, NoReply, RedisRefused
from agent.real.files import RealFiles
from agent.real.http import RealHttp
from agent.real.redis import RealRedis
from agent.real.runner import RealRunner

OWNER = f"{os.getuid()}:{os.getgid()}"


def test_a_file_is_replaced_with_mode_and_without_leftovers(tmp_path: Path) -> None:
    files, path = RealFiles(), tmp_path / "folder" / "file"
    files.write(str(path), b"one", 0o600, OWNER)
    files.write(str(path), b"two", 0o640, OWNER)
    entry = files.entry(str(path))
    assert entry
    assert (entry.content, entry.mode) == (b"two", 0o640)
    assert os.listdir(path.parent) == ["file"]


def test_a_secret_file_is_never_readable_by_others_on_the_way(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    RealFiles().write(str(path), b"x", 0o600, OWNER)
    assert path.stat().st_mode & 0o077 == 0


def test_missing_files_and_folders_are_none_and_empty(tmp_path: Path) -> None:
    files = RealFiles()
    assert files.read(str(tmp_path / "a" / "b")) is None
    assert files.link_target(str(tmp_path / "a")) is None
    assert files.listing(str(tmp_path / "a")) == []
    files.remove(str(tmp_path / "a" / "b"))
    files.remove_tree(str(tmp_path / "a"))


def test_links_are_replaced_in_one_step(tmp_path: Path) -> None:
    files, path = RealFiles(), str(tmp_path / "link")
    files.link(path, "/one")
    files.link(path, "/two")
    assert files.link_target(path) == "/two"


def test_folders_get_mode_once(tmp_path: Path) -> None:
    files, path = RealFiles(), str(tmp_path / "a" / "b")
    assert files.directory(path, 0o750, OWNER) is True
    assert files.directory(path, 0o750, OWNER) is False
    assert files.directory(path, 0o700, OWNER) is True


def test_audit_lines_are_added(tmp_path: Path) -> None:
    path = tmp_path / "log" / "audit.log"
    RealFiles().append(str(path), "one", 0o600)
    RealFiles().append(str(path), "two", 0o600)
    assert path.read_text() == "one\ntwo\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_lock_excludes_others_and_ends_with_its_holder(tmp_path: Path) -> None:
    files, path = RealFiles(), str(tmp_path / "lock")
    with files.lock(path, 0), pytest.raises(Busy), files.lock(path, 0.1):
        raise AssertionError("two holders")
    with files.lock(path, 0):
        assert Path(path).exists()


def test_a_lock_whose_file_is_removed_excludes_those_who_waited_for_it(tmp_path: Path) -> None:
    """They got a lock on a file that has no name any more, while others lock the new one."""
    files, path = RealFiles(), str(tmp_path / "lock")
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(20):
            with files.lock(path, 20):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()
                files.remove(path)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(most), max(most)) == (160, 1)
    assert not Path(path).exists()


def test_a_lock_that_is_held_is_seen_with_its_moment_and_never_made(tmp_path: Path) -> None:
    files, path = RealFiles(), str(tmp_path / "lock")
    assert files.held_since(path) is None
    assert not Path(path).exists()
    Path(path).touch()
    os.utime(path, (1, 1))
    assert files.held_since(path) is None
    with files.lock(path, 0):
        since = files.held_since(path)
        assert since is not None
        assert abs(since - time.time()) < 300, "not 1970"
        with pytest.raises(Busy), files.lock(path, 0):
            raise AssertionError("to look took the lock away")
    assert files.held_since(path) is None


def test_programs_end_in_results_never_in_exceptions() -> None:
    runner = RealRunner()
    assert runner.run(["cat"], stdin="text").out == "text"
    assert runner.run(["no-such-program"]).code == 127
    assert runner.run(["sleep", "5"], timeout_s=0.1).code == 124
    assert runner.run(["sh", "-c", "echo no >&2; exit 3"]).text == "no"


def test_programs_see_none_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET", "x")
    assert "SOME_SECRET" not in RealRunner().run(["env"]).out


def test_a_key_pressed_for_the_agent_is_not_for_its_programs() -> None:
    program = "import os; print(os.getpgid(0), os.getsid(0))"
    group, session = RealRunner().run([sys.executable, "-c", program]).out.split()
    assert int(group) != os.getpgid(0)
    assert int(session) == os.getsid(0)


@contextmanager
def served(handler: type[socketserver.BaseRequestHandler]) -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class App(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(302 if self.path == "/go" else 200)
        self.send_header("X-Thing", "a")
        self.end_headers()
        self.wfile.write(str(self.headers["Host"]).encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_http_asks_with_the_host_and_follows_nothing() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), App)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{server.server_port}"
    reply = RealHttp().get(address, "/x", host="shop.test", timeout_ms=2000)
    assert (reply.status, reply.body, reply.headers["x-thing"]) == (200, b"shop.test", "a")
    assert RealHttp().get(address, "/go", host="shop.test", timeout_ms=2000).status == 302
    assert RealHttp().accepts(address, 1000)
    server.shutdown()
    server.server_close()
    with pytest.raises(NoReply, match="refused the connection"):
        RealHttp().get(address, "/", host="x", timeout_ms=500)
    assert not RealHttp().accepts(address, 500)


class Mute(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        threading.Event().wait(1)


def test_a_server_that_says_nothing_is_given_up() -> None:
    with served(Mute) as address, pytest.raises(NoReply, match="in time"):
        RealHttp().get(address, "/", host="x", timeout_ms=200)


class FakeRedisServer(socketserver.StreamRequestHandler):
    """Answers AUTH and ACL like Redis does."""

    seen: ClassVar[list[list[bytes]]] = []

    def handle(self) -> None:
        while words := read_command(self.rfile):
            FakeRedisServer.seen.append(words)
            if words[:2] == [b"ACL", b"LIST"]:
                self.wfile.write(b"*2\r\n$7\r\nuser ab\r\n+x\r\n")
            elif words[:2] == [b"ACL", b"SETUSER"]:
                self.wfile.write(b"-ERR Error in ACL SETUSER modifier '" + words[3] + b"': Syntax error\r\n")
            elif words[0] == b"GET":
                self.wfile.write(b"$-1\r\n")
            else:
                self.wfile.write(b":1\r\n" if words[0] == b"DEL" else b"+OK\r\n")


def read_command(stream: BufferedIOBase) -> list[bytes]:
    head = stream.readline()
    if not head:
        return []
    words = []
    for _ in range(int(head[1:])):
        size = int(stream.readline()[1:])
        words.append(stream.read(size + 2)[:-2])
    return words


def test_redis_speaks_resp_and_authenticates_first() -> None:
    with served(FakeRedisServer) as address:
        host, port = address.split(":")
        replies = RealRedis().call(host, int(port), "päss", [["ACL", "LIST"], ["GET", "k"], ["DEL", "k"]])
    assert replies == [["user ab", "x"], None, 1]
    assert FakeRedisServer.seen[0] == [b"AUTH", "päss".encode()]


def test_a_refusal_by_redis_names_no_password() -> None:
    with served(FakeRedisServer) as address:
        host, port = address.split(":")
        with pytest.raises(RedisRefused) as caught:
            RealRedis().call(host, int(port), "admin", [["ACL", "SETUSER", "u", ">the-password"]])
    assert "ACL SETUSER" in str(caught.value)
    assert "the-password" not in str(caught.value)


def test_an_unreachable_redis_is_refused_in_words() -> None:
    with pytest.raises(RedisRefused, match="can't be reached"):
        RealRedis().call("127.0.0.1", 1, "x", [["PING"]])


def test_a_program_is_ended_when_nobody_waits_for_it_any_more() -> None:
    looks: list[float] = []

    def unless() -> bool:
        looks.append(time.monotonic())
        return len(looks) == 2

    start = time.monotonic()
    result = RealRunner().run(["sleep", "60"], unless=unless)
    assert (result.code, len(looks)) == (130, 2)
    assert time.monotonic() - start < 50, "it waited for the minute"
    assert RealRunner().run(["cat"], stdin="x" * 200_000, unless=unless).out == "x" * 200_000
    assert RealRunner().run(["sleep", "60"], timeout_s=0.2, unless=lambda: False).code == 124


def test_a_program_that_takes_more_than_a_second_gets_all_that_it_is_sent() -> None:
    text = "x" * 200_000
    assert RealRunner().run(["sh", "-c", "sleep 2.2; cat"], stdin=text).out == text


ASKED = """
import sys, time
from agent.real.asker import RealAsker
asker = RealAsker()
asker.watch()
print("watches", flush=True)
for _ in range(100):
    if asker.gone():
        open(sys.argv[1], "w").write(asker.gone())
        break
    time.sleep(0.05)
"""


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("outputs", "has ended"),
        ("errors", "has ended"),
        ("SIGINT", "Ctrl-C"),
        ("SIGTERM", "SIGTERM"),
        ("SIGHUP", "terminal"),
        ("", "nothing"),
    ],
)
def test_whoever_asked_is_missed(how: str, said: str, tmp_path: Path) -> None:
    """As sshd does it: the other ends of the outputs are closed, and no signal comes."""
    note = tmp_path / "note"
    argv = [sys.executable, "-c", ASKED, str(note)]
    repository = Path(__file__).parents[4]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=repository) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        if how == "outputs":
            process.stdout.close()
            process.stderr.close()
        elif how == "errors":
            process.stderr.close()
        elif how:
            process.send_signal(signal.Signals[how])
        process.wait(20)
    assert said in (note.read_text() if note.exists() else "nothing")
