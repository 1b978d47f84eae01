"""Stand-ins for the Pulumi plugins of command, postgresql, minio and vultr, which `lab.plugins` makes ordinary plugins.

They take the same inputs, apply the same defaults and replacement rules, and leave the same state
behind as the plugins of the versions pinned in requirements.txt, so that the Pulumi CLI goes on from a
state that the lab wrote and the other way round.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.providers.protocol import REMEDY, Provider, ProviderError


def _command(version: str | None) -> Provider:
    from lab.providers.command import CommandProvider

    return CommandProvider(version)


def _postgresql(version: str | None) -> Provider:
    from lab.providers.postgresql import PostgresqlProvider

    return PostgresqlProvider(version)


def _minio(version: str | None) -> Provider:
    from lab.providers.minio import MinioProvider

    return MinioProvider(version)


def _vultr(version: str | None) -> Provider:
    from lab.providers.vultr import VultrProvider

    return VultrProvider(version)


_PACKAGES: dict[str, Callable[[str | None], Provider]] = {
    "command": _command,
    "postgresql": _postgresql,
    "minio": _minio,
    "vultr": _vultr,
}


def factory(package: str, version: str | None) -> Provider:
    """A new, unconfigured provider.

    Raises:
        ProviderError: the lab has no stand-in for this package.
    """
    try:
        make = _PACKAGES[package]
    except KeyError:
        raise ProviderError(
            f"the lab has no stand-in for package {package!r}, only for {', '.join(sorted(_PACKAGES))}; {REMEDY}"
        ) from None
    return make(version)
