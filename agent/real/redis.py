"""The few words of Redis's protocol (RESP2) that the agent needs."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from agent.host import paths
from agent.host.ports import RedisRefused, RedisUntrusted

_TIMEOUT_S = 10


class RealRedis:
    """A Redis server: one here, spoken to as its administrator, or Vultr's, as one of its users."""

    def call(
        self, host: str, port: int, admin_password: str, commands: Sequence[Sequence[str]]
    ) -> list[object]:
        try:
            with socket.create_connection((host, port), _TIMEOUT_S) as link:
                return _talk(link, ["AUTH", admin_password], commands)
        except OSError as error:
            raise RedisRefused(f"Redis at {host}:{port} can't be reached: {error}") from error

    def call_as(
        self, host: str, port: int, user: str, password: str, commands: Sequence[Sequence[str]]
    ) -> list[object]:
        try:
            with (
                socket.create_connection((host, port), _TIMEOUT_S) as plain,
                _trusting().wrap_socket(plain, server_hostname=host) as link,
            ):
                return _talk(link, ["AUTH", user, password], commands)
        except ssl.SSLCertVerificationError as error:
            raise RedisUntrusted(
                f"the certificate of Redis at {host}:{port}: {error.verify_message}"
            ) from error
        except OSError as error:
            raise RedisRefused(f"Redis at {host}:{port} can't be reached: {error}") from error


def _trusting() -> ssl.SSLContext:
    """Public authorities, and those that the stack's settings name."""
    context = ssl.create_default_context()
    if Path(paths.CA_FILE).exists():
        context.load_verify_locations(paths.CA_FILE)
    return context


def _talk(link: socket.socket, login: Sequence[str], commands: Sequence[Sequence[str]]) -> list[object]:
    """What is answered to the commands after the login. Raises RedisRefused, OSError."""
    with link.makefile("rb") as answers:
        replies = []
        for command in (login, *commands):
            link.sendall(_encoded(command))
            replies.append(_reply(answers, command))
        return replies[1:]


def _encoded(command: Sequence[str]) -> bytes:
    parts = [word.encode() for word in command]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def _reply(answers: BinaryIO, command: Sequence[str]) -> object:
    """One reply: text, number, None or a list. Raises RedisRefused with the command's name only."""
    line = answers.readline()
    if not line.endswith(b"\r\n"):
        raise RedisRefused(f"Redis closed the connection at {_name(command)}")
    kind, rest = line[:1], line[1:-2].decode("utf-8", "replace")
    if kind == b"-":
        raise RedisRefused(f"Redis refused {_name(command)}: {_harmless(rest, command)}")
    if kind == b"+":
        return rest
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == "-1" else answers.read(int(rest) + 2)[:-2].decode("utf-8", "replace")
    if kind == b"*":
        return [_reply(answers, command) for _ in range(int(rest))]
    raise RedisRefused(f"Redis answered {_name(command)} unreadably")


def _name(command: Sequence[str]) -> str:
    return " ".join(command[:2]) if command[0] == "ACL" else command[0]


def _harmless(message: str, command: Sequence[str]) -> str:
    """Redis repeats the rule that it refuses, which may be a password."""
    for word in command:
        if len(word) > 1 and word[0] in "><#!":
            message = message.replace(word, "*****").replace(word[1:], "*****")
    return message
