"""The provider of package `command`."""

from __future__ import annotations

from lab.engine.provider import CheckResult, Properties
from lab.providers import command_local, command_remote
from lab.providers.base import PackageProvider


class CommandProvider(PackageProvider):
    """`command:local:Command` and `command:remote:Command`."""

    def __init__(self, version: str | None) -> None:
        self._local = command_local.LocalCommand()
        self._remote = command_remote.RemoteCommand()
        resources = {command_local.TYPE: self._local, command_remote.TYPE: self._remote}
        super().__init__("command", version, resources)

    def check_config(self, inputs: Properties) -> CheckResult:
        """As recorded: pulumi-go-provider adds its own version, which a released plugin calls `(devel)`."""
        checked = super().check_config(inputs)
        return CheckResult({**checked.inputs, "__pulumi-go-provider-version": "(devel)"})

    def cancel(self) -> None:
        self._local.cancel()
        self._remote.cancel()

    def close(self) -> None:
        self._remote.close()
