"""`command:local:Command`: a command on the machine that Pulumi runs on."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from typing import IO, ClassVar, Final

from lab.providers.command.resource import Captured, CommandResource, environment, failure
from lab.providers.protocol import REMEDY, CheckResult, Properties, ProviderError

TYPE: Final = "command:local:Command"
_SHELL: Final = ("/bin/sh", "-c")
_UNSUPPORTED: Final = ("assetPaths", "archivePaths")


class LocalCommand(CommandResource):
    """Runs commands as children, each in a session of its own so that a Ctrl-C reaches the CLI first."""

    fields: ClassVar = {
        "triggers": list,
        "create": str,
        "update": str,
        "delete": str,
        "stdin": str,
        "logging": str,
        "interpreter": list,
        "dir": str,
        "environment": dict,
        "addPreviousOutputInEnv": bool,
    }

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._cancelled = False

    def check(self, name: str, olds: Properties, news: Properties, random_seed: bytes) -> CheckResult:
        checked = super().check(name, olds, news, random_seed)
        refused = tuple((key, _refusal(key)) for key in _UNSUPPORTED if news.get(key) is not None)
        return CheckResult(checked.inputs, checked.failures + refused)

    def run(self, command: str, inputs: Properties, previous: Properties) -> Captured:
        process = self._start([*(inputs.get("interpreter") or _SHELL), command], command, inputs, previous)
        try:
            stdout, stderr, both = _communicate(process, str(inputs.get("stdin") or "").encode())
        finally:
            with self._lock:
                self._running.discard(process)
        if process.returncode != 0:
            raise ProviderError(failure(_reason(process.returncode), command, both.decode(errors="replace")))
        return Captured.of(stdout, stderr)

    def cancel(self) -> None:
        """Kill what is running, with its children; nothing starts any more."""
        with self._lock:
            self._cancelled = True
            running = list(self._running)
        for process in running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)

    def _start(
        self, argv: Sequence[str], command: str, inputs: Properties, previous: Properties
    ) -> subprocess.Popen[bytes]:
        asked, carried = environment(inputs, previous)
        with self._lock:
            if self._cancelled:
                raise ProviderError(failure("cancelled", command, ""))
            try:
                process = subprocess.Popen(
                    argv,
                    stdin=subprocess.PIPE if inputs.get("stdin") else subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=inputs.get("dir"),
                    env={**os.environ, **asked, **carried},
                    start_new_session=True,
                )
            except OSError as error:
                raise ProviderError(failure(_start_failure(argv[0], inputs, error), command, "")) from error
            self._running.add(process)
        return process


def _refusal(key: str) -> str:
    return f"the lab has no stand-in for '{key}' of {TYPE}; {REMEDY}"


def _communicate(process: subprocess.Popen[bytes], stdin: bytes) -> tuple[bytes, bytes, bytes]:
    """Feed and drain a process until it has closed its outputs: stdout, stderr, and both as they came."""
    stdout, stderr, both = bytearray(), bytearray(), bytearray()
    lock = threading.Lock()

    def drain(stream: IO[bytes], own: bytearray) -> None:
        while chunk := os.read(stream.fileno(), 65536):
            with lock:
                own.extend(chunk)
                both.extend(chunk)

    streams = [
        (stream, own) for stream, own in ((process.stdout, stdout), (process.stderr, stderr)) if stream
    ]
    readers = [threading.Thread(target=drain, args=pair, daemon=True) for pair in streams]
    for reader in readers:
        reader.start()
    if process.stdin is not None:
        _feed(process.stdin, stdin)
    for reader in readers:
        reader.join()
    process.wait()
    for stream, _ in streams:
        stream.close()
    return bytes(stdout), bytes(stderr), bytes(both)


def _feed(stream: IO[bytes], data: bytes) -> None:
    try:
        stream.write(data)
        stream.close()
    except BrokenPipeError:
        return  # a command that does not read its input is no error


def _reason(returncode: int) -> str:
    if returncode >= 0:
        return f"exit status {returncode}"
    return f"signal: {(signal.strsignal(-returncode) or str(-returncode)).lower()}"


def _start_failure(program: str, inputs: Properties, error: OSError) -> str:
    cause = (error.strerror or str(error)).lower()
    directory = inputs.get("dir")
    if directory is not None and not os.path.isdir(directory):
        return f"chdir {directory}: {cause}"
    if "/" not in program:
        return f'exec: "{program}": executable file not found in $PATH'
    return f"fork/exec {program}: {cause}"
