"""What curl does for the load: server-sent events that stay open, and a slow upload again and again."""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab.load.streams import CLEAN, UNKNOWN, Life
from lab.load.surface import Events

# curl's status when the server ends an answer as it should: nothing.
_OK = 0
_ENDED = "stream ended: "


@dataclass(frozen=True)
class Upload:
    """One upload: begin and end (seconds since the epoch), the colour that took it, and what was wrong, if anything."""

    began: float
    ended: float
    colour: str
    wrong: str | None


@dataclass
class Uploader:
    """Sends a file slowly, checks what the app says it got, and begins anew until told to stop."""

    line: Sequence[str]
    body: Path
    uploads: list[Upload] = field(default_factory=list)
    _end: threading.Event = field(default_factory=threading.Event)
    _child: subprocess.Popen[str] | None = None
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin in the background."""
        self._thread = threading.Thread(target=self._work, name="upload", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the upload in flight finish, and begin no other."""
        self._end.set()
        if self._thread:
            self._thread.join()

    def kill(self) -> None:
        """End the upload in flight as well."""
        self._end.set()
        if self._child and self._child.poll() is None:
            self._child.kill()

    def _work(self) -> None:
        digest = hashlib.sha256(self.body.read_bytes()).hexdigest()
        turn = 0
        while not self._end.is_set():
            began = time.time()
            line = [*self.line, ("--http1.1", "--http2")[turn % 2]]
            with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
                self._child = child
                out, said = child.communicate()
            done = subprocess.CompletedProcess(line, child.returncode, out, said)
            self.uploads.append(judge_upload(began, time.time(), done, digest))
            turn += 1
            self._end.wait(0.2)


def judge_upload(began: float, ended: float, done: subprocess.CompletedProcess[str], digest: str) -> Upload:
    """What became of an upload: curl's status, the answer's status, and the digest that the app made."""
    body, _, status = done.stdout.rpartition("\n")
    if done.returncode != _OK:
        return Upload(began, ended, "", f"curl {done.returncode}: {done.stderr.strip()[-120:]}")
    if status != "200":
        return Upload(began, ended, "", f"status {status}")
    answer = json.loads(body)
    wrong = None if answer["sha256"] == digest else "another body arrived"
    return Upload(began, ended, str(answer.get("colour")), wrong)


@dataclass
class EventStream:
    """One reader of server-sent events, a curl that asks for the next stream when one has ended.

    A stream is open once its first data `tells` whose it is, or with its first line, and is of an unknown colour then.
    """

    line: Sequence[str]
    tells: bool = True
    lives: list[Life] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    _end: threading.Event = field(default_factory=threading.Event)
    _child: subprocess.Popen[str] | None = None
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin in the background."""
        self._thread = threading.Thread(target=self._work, name="events", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the stream; its end does not count."""
        self._end.set()
        if self._child:
            self._child.terminate()
        if self._thread:
            self._thread.join()

    @property
    def open(self) -> bool:
        """Whether the stream is open now."""
        return bool(self.lives) and self.lives[-1].ended is None

    def _work(self) -> None:
        with subprocess.Popen(self.line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
            self._child = child
            for line in child.stdout or ():
                if line.startswith(_ENDED):
                    if not self._end.is_set():
                        self._ended(line.removeprefix(_ENDED).strip())
                elif not self.open and (first := self._first(line)):
                    self.lives.append(first)
            said = child.stderr.read().strip() if child.stderr else ""
        if not self._end.is_set():
            self.troubles.append(f"events: curl ended with status {child.returncode}: {said[-120:]}")

    def _first(self, line: str) -> Life | None:
        """The life that begins with a line, if one does."""
        if not self.tells:
            return Life("events", UNKNOWN, UNKNOWN, time.time()) if line.strip() else None
        if not line.startswith("data: "):
            return None
        found = json.loads(line.removeprefix("data: "))
        return Life("events", str(found["colour"]), found["version"], time.time())

    def _ended(self, words: str) -> None:
        status, _, said = words.partition(" ")
        how = CLEAN if int(status) == _OK else f"curl {status}: {said[-120:]}"
        if self.open:
            self.lives[-1] = replace(self.lives[-1], ended=time.time(), how=how)
        else:
            self.troubles.append(f"events never opened: {how}")


def event_stream(line: Sequence[str], base: str, asked: Events) -> EventStream:
    """A reader that asks for `asked` again and again with `line`, a curl with its options, but at most once a second."""
    silent = ["--speed-limit", "1", "--speed-time", str(asked.silent)]
    again = ["--no-buffer", "--fail", *silent, "--rate", "1/s"]
    told = ["--write-out", f"\n{_ENDED}%{{exitcode}} %{{errormsg}}\n"]
    return EventStream([*line, *again, *told, f"{base}{asked.path}?stream=[1-100000]"], asked.tells)
