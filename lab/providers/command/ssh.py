"""Commands over SSH for many threads: one event loop, few connections to a host, many sessions on each."""

from __future__ import annotations

import asyncio
import json
import shlex
import threading
from collections.abc import AsyncIterator, Coroutine, Mapping
from concurrent.futures import CancelledError as FutureCancelledError
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import asyncssh

from lab.providers.command.dial import dial
from lab.providers.command.resource import Captured, failure
from lab.providers.protocol import ProviderError

SESSIONS_PER_CONNECTION: Final = 8
"""sshd's own limit, MaxSessions, is 10 where nobody raised it."""

CONNECTIONS_PER_HOST: Final = 4
_SIGNAL_BASE: Final = 128
_SIGNALS: Final = {"HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "ABRT": 6, "FPE": 8, "KILL": 9, "SEGV": 11,
                   "PIPE": 13, "ALRM": 14, "TERM": 15}  # fmt: skip

Process = asyncssh.SSHClientProcess[bytes]


@dataclass
class _Link:
    """An open connection, how many sessions it carries, and which variables its server lets in."""

    connection: asyncssh.SSHClientConnection
    sessions: int = 0
    accepted: dict[str, bool] = field(default_factory=dict)


@dataclass
class _Endpoint:
    """All connections to one host with the same credentials."""

    connection: Mapping[str, Any]
    slots: asyncio.Semaphore
    links: list[_Link] = field(default_factory=list)
    dialling: asyncio.Task[None] | None = None

    def free(self) -> _Link | None:
        self.links = [link for link in self.links if not link.connection.is_closed()]
        return next((link for link in self.links if link.sessions < SESSIONS_PER_CONNECTION), None)

    async def link(self) -> _Link:
        """A connection with room. Whoever waits for the same dial shares its outcome, also a failure."""
        while (link := self.free()) is None:
            if self.dialling is None or self.dialling.done():
                self.dialling = asyncio.ensure_future(self._dial())
            await asyncio.shield(self.dialling)
        return link

    async def _dial(self) -> None:
        self.links.append(_Link(await dial(self.connection)))


def _closed(connection: Mapping[str, Any]) -> str:
    return (
        f"the session on {connection['host']} is closed, what runs there may go on (a release that has not switched yet "
        "is put back): see `codeb status`"
    )


class SshRunner:
    """Runs commands; every method may be called from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ssh", daemon=True)
        self._thread.start()
        self._endpoints: dict[str, _Endpoint] = {}
        self._tasks: set[asyncio.Task[Captured]] = set()
        self._cancelled = False

    def run(
        self,
        connection: Mapping[str, Any],
        command: str,
        stdin: bytes,
        asked: Mapping[str, str],
        carried: Mapping[str, str],
    ) -> Captured:
        """Run to the end and return what the command wrote.

        `asked` are variables that the server must accept, `carried` those it may refuse.

        Raises:
            ProviderError: no connection, a refused variable, or an exit status other than 0.
        """
        work = self._tracked(self._run(connection, command, stdin, asked, carried))
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except (asyncio.CancelledError, FutureCancelledError) as error:
            raise ProviderError(failure(f"cancelled: {_closed(connection)}", command, "")) from error

    def cancel(self) -> None:
        """End all sessions and refuse new ones; sshd passes our SIGTERM on, except to root's processes."""
        self._cancelled = True
        self._loop.call_soon_threadsafe(self._cancel_tasks)

    def close(self) -> None:
        """Close every connection and end the thread."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)

    def _cancel_tasks(self) -> None:
        for endpoint in self._endpoints.values():
            if endpoint.dialling is not None:
                endpoint.dialling.cancel()
        for task in self._tasks:
            task.cancel()

    async def _close(self) -> None:
        for endpoint in self._endpoints.values():
            for link in endpoint.links:
                link.connection.abort()

    async def _tracked(self, work: Coroutine[Any, Any, Captured]) -> Captured:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        if self._cancelled:
            task.cancel()
        try:
            return await task
        finally:
            self._tasks.discard(task)

    async def _run(
        self,
        connection: Mapping[str, Any],
        command: str,
        stdin: bytes,
        asked: Mapping[str, str],
        carried: Mapping[str, str],
    ) -> Captured:
        async with self._link(connection) as link:
            await _require_accepted(link, asked)
            try:
                return await _execute(link.connection, command, stdin, {**carried, **asked})
            except (asyncssh.Error, OSError) as error:
                where = f"{connection['host']}:{int(connection['port'])}"
                raise ProviderError(failure(f"{where}: {error}", command, "")) from error

    @asynccontextmanager
    async def _link(self, connection: Mapping[str, Any]) -> AsyncIterator[_Link]:
        key = json.dumps(connection, sort_keys=True)
        if key not in self._endpoints:
            slots = asyncio.Semaphore(SESSIONS_PER_CONNECTION * CONNECTIONS_PER_HOST)
            self._endpoints[key] = _Endpoint(connection, slots)
        endpoint = self._endpoints[key]
        async with endpoint.slots:
            link = await endpoint.link()
            link.sessions += 1
            try:
                yield link
            finally:
                link.sessions -= 1


async def _require_accepted(link: _Link, asked: Mapping[str, str]) -> None:
    """sshd's answer to a variable does not reach us, so ask the remote side, once per name."""
    for name in asked:
        if name not in link.accepted:
            seen = await link.connection.run(f"printenv {shlex.quote(name)}", env={name: "1"}, encoding=None)
            link.accepted[name] = seen.stdout == b"1\n"
        if not link.accepted[name]:
            raise ProviderError(
                f'could not set environment variable "{name}": ssh: setenv failed. The SSH server must '
                "allow it (AcceptEnv); or write it in front of the command, as in 'NAME=value command'."
            )


async def _execute(
    connection: asyncssh.SSHClientConnection, command: str, stdin: bytes, env: Mapping[str, str]
) -> Captured:
    source = asyncssh.PIPE if stdin else asyncssh.DEVNULL
    process: Process = await connection.create_process(command, env=dict(env), encoding=None, stdin=source)
    stdout, stderr, both = bytearray(), bytearray(), bytearray()

    async def drain(stream: asyncssh.SSHReader[bytes], own: bytearray) -> None:
        while chunk := await stream.read(65536):
            own.extend(chunk)
            both.extend(chunk)

    try:
        await asyncio.gather(
            drain(process.stdout, stdout), drain(process.stderr, stderr), _feed(process, stdin)
        )
        await process.wait_closed()
    except asyncio.CancelledError:
        process.terminate()
        process.close()
        raise
    reason = _reason(process)
    if reason:
        raise ProviderError(failure(reason, command, both.decode(errors="replace")))
    return Captured.of(bytes(stdout), bytes(stderr))


async def _feed(process: Process, stdin: bytes) -> None:
    if not stdin:
        return
    try:
        process.stdin.write(stdin)
        await process.stdin.drain()
        process.stdin.write_eof()
    except (BrokenPipeError, ConnectionResetError):
        return  # a command that does not read its input is no error


def _reason(process: Process) -> str:
    """How the process ended, in the words of Go's SSH package; empty for success."""
    if process.exit_signal is not None:
        name = process.exit_signal[0]
        return f"Process exited with status {_SIGNAL_BASE + _SIGNALS.get(name, 0)} from signal {name}"
    if process.exit_status is None:
        return "wait: remote command exited without exit status or exit signal"
    return f"Process exited with status {process.exit_status}" if process.exit_status else ""
