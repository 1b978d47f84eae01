"""The provider of package `command`."""

from __future__ import annotations

from lab.providers.base import PackageProvider
from lab.providers.command import local, remote
from lab.providers.protocol import CheckResult, Properties


class CommandProvider(PackageProvider):
    """`command:local:Command` and `command:remote:Command`."""

    def __init__(self, version: str | None) -> None:
        self._local = local.LocalCommand()
        self._remote = remote.RemoteCommand()
        resources = {local.TYPE: self._local, remote.TYPE: self._remote}
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
