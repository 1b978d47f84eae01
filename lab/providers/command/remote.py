"""`command:remote:Command`: a command on another machine, over SSH."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from lab.providers.command.resource import Captured, CommandResource, environment, failure
from lab.providers.protocol import UNKNOWN, CheckResult, Properties, ProviderError

if TYPE_CHECKING:
    from lab.providers.command.ssh import SshRunner

TYPE: Final = "command:remote:Command"
_CONNECTION_DEFAULTS: Final = {"user": "root", "port": 22, "dialErrorLimit": 10, "perDialTimeout": 15}
_CONNECTION_FIELDS: Final = (
    *_CONNECTION_DEFAULTS,
    "host",
    "password",
    "privateKey",
    "privateKeyPassword",
    "agentSocketPath",
    "hostKey",
)
_SECRET_FIELDS: Final = ("password", "privateKey", "privateKeyPassword")


class RemoteCommand(CommandResource):
    """Runs commands over SSH connections that are shared by all commands to one host."""

    fields: ClassVar = {
        "triggers": list,
        "create": str,
        "update": str,
        "delete": str,
        "stdin": str,
        "logging": str,
        "connection": dict,
        "environment": dict,
        "addPreviousOutputInEnv": bool,
    }
    required = ("connection",)
    secrets = (
        *(f"connection.{key}" for key in _SECRET_FIELDS),
        *(f"connection.proxy.{key}" for key in _SECRET_FIELDS),
        "connection",
    )

    def __init__(self) -> None:
        self._runner: SshRunner | None = None
        self._cancelled = False
        self._lock = threading.Lock()

    def check(self, name: str, olds: Properties, news: Properties, random_seed: bytes) -> CheckResult:
        checked = super().check(name, olds, news, random_seed)
        connection = checked.inputs.get("connection")
        if not isinstance(connection, dict):
            return checked
        inputs = {**checked.inputs, "connection": _with_defaults(connection)}
        return CheckResult(inputs, checked.failures + tuple(_connection_failures(connection)))

    def run(self, command: str, inputs: Properties, previous: Properties) -> Captured:
        asked, carried = environment(inputs, previous)
        stdin = str(inputs.get("stdin") or "").encode()
        return self._ssh(command).run(inputs["connection"], command, stdin, asked, carried)

    def cancel(self) -> None:
        """End running commands and refuse new ones."""
        with self._lock:
            self._cancelled = True
            if self._runner is not None:
                self._runner.cancel()

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            if self._runner is not None:
                self._runner.close()

    def _ssh(self, command: str) -> SshRunner:
        from lab.providers.command.ssh import SshRunner  # neither a preview nor its end needs the SSH library

        with self._lock:
            if self._cancelled:
                raise ProviderError(failure("cancelled", command, ""))
            if self._runner is None:
                self._runner = SshRunner()
            return self._runner


def _with_defaults(connection: Mapping[str, Any]) -> dict[str, Any]:
    given = {key: connection[key] for key in _CONNECTION_FIELDS if connection.get(key) is not None}
    completed = {**_CONNECTION_DEFAULTS, **given}
    if (proxy := connection.get("proxy")) is not None:
        completed["proxy"] = _with_defaults(proxy) if isinstance(proxy, Mapping) else proxy
    return completed


def _connection_failures(connection: Mapping[str, Any], path: str = "connection") -> list[tuple[str, str]]:
    failures = []
    if connection.get("host") is None:
        failures.append((f"{path}.host", f"Missing required property '{path}.host'"))
    for key in ("port", "dialErrorLimit", "perDialTimeout"):
        value = connection.get(key, 0)
        if value is not UNKNOWN and (isinstance(value, bool) or not isinstance(value, int | float)):
            failures.append((f"{path}.{key}", f"'{key}' must be a number"))
    if isinstance(proxy := connection.get("proxy"), Mapping):
        failures += _connection_failures(proxy, f"{path}.proxy")
    return failures
