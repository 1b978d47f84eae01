"""Opening SSH connections: credentials, pinned host keys, bastions, retries while a host boots."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import asyncssh

from lab.providers.protocol import ProviderError

T = TypeVar("T")
_UNLIMITED: Final = -1
_FIRST_DELAY_S: Final = 0.1
_BACKOFF: Final = 1.5
_MAX_DELAY_S: Final = 5.0
_KEEPALIVE_S: Final = 15


async def dial(connection: Mapping[str, Any]) -> asyncssh.SSHClientConnection:
    """Connect, through the bastion if there is one.

    Raises:
        ProviderError: bad key material, or still no connection after `dialErrorLimit` retries (10 by default,
            about 11 s against a refused port); it names host, port and cause.
    """
    proxy = connection.get("proxy")
    if proxy is None:
        return await _dial(connection, None)
    try:
        bastion = await _dial(proxy, None)
    except ProviderError as error:
        raise ProviderError(f"proxy: {error}") from error
    return await _dial(connection, bastion)


async def _dial(
    connection: Mapping[str, Any], tunnel: asyncssh.SSHClientConnection | None
) -> asyncssh.SSHClientConnection:
    host, port = str(connection["host"]), int(connection["port"])
    options = _options(connection)

    async def attempt() -> asyncssh.SSHClientConnection:
        return await asyncssh.connect(host, port, tunnel=tunnel or (), config=None, **options)

    return await _retrying(attempt, int(connection["dialErrorLimit"]), f"{host}:{port}")


async def _retrying(attempt: Callable[[], Awaitable[T]], limit: int, where: str) -> T:
    """`limit` retries after the first attempt; as in the plugin pauses grow from 0.1 s by half, up to 5 s."""
    failed, delay = 0, _FIRST_DELAY_S
    while True:
        try:
            return await attempt()
        except (OSError, asyncssh.Error, TimeoutError) as error:
            if limit > _UNLIMITED and failed >= limit:
                cause = _cause(error, where)
                raise ProviderError(f"after {failed} failed attempts: {cause}") from error
        failed += 1
        await asyncio.sleep(delay)
        delay = min(delay * _BACKOFF, _MAX_DELAY_S)


def _cause(error: Exception, where: str) -> str:
    match error:
        case asyncssh.HostKeyNotVerifiable():
            return (
                f"dial {where}: ssh: handshake failed: ssh: host key mismatch (the server shows another key "
                "than the pinned hostKey: check that this is the right host before you change the pin)"
            )
        case asyncssh.PermissionDenied():
            return f"dial {where}: ssh: handshake failed: ssh: unable to authenticate: {error}"
        case asyncssh.Error():
            return f"dial {where}: ssh: handshake failed: {error}"
        case TimeoutError():
            return f"dial tcp {where}: i/o timeout"
        case OSError(errno=int(number)) if number > 0:
            return f"dial tcp {where}: connect: {os.strerror(number).lower()}"
        case _:
            return f"dial tcp {where}: {error}"


def _options(connection: Mapping[str, Any]) -> dict[str, Any]:
    timeout = int(connection["perDialTimeout"])
    return {
        "username": connection["user"],
        "password": connection.get("password"),
        "client_keys": _client_keys(connection),
        "known_hosts": _known_hosts(connection),
        "agent_path": connection.get("agentSocketPath") or os.environ.get("SSH_AUTH_SOCK"),
        "connect_timeout": timeout or None,
        "keepalive_interval": _KEEPALIVE_S,
    }


def _client_keys(connection: Mapping[str, Any]) -> list[asyncssh.SSHKey]:
    text = connection.get("privateKey")
    if text is None:
        return []
    try:
        return [asyncssh.import_private_key(text, connection.get("privateKeyPassword"))]
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise ProviderError(
            f"connection.privateKey to {connection['host']} is not usable: {error}"
        ) from error


def _known_hosts(connection: Mapping[str, Any]) -> tuple[list[asyncssh.SSHKey], list[Any], list[Any]] | None:
    """The one key that is accepted, or None: any key, as in the plugin."""
    text = connection.get("hostKey")
    if text is None:
        return None
    try:
        return [asyncssh.import_public_key(text)], [], []
    except asyncssh.KeyImportError as error:
        raise ProviderError(f"failed to parse host key of {connection['host']}: {error}") from error
