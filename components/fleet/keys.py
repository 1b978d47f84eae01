"""SSH keys at Vultr, which it puts into a machine when it makes one. Later changes are the agent's work."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import ediri_vultr as vultr
import pulumi

from components.fleet.inside import inside


@dataclass(frozen=True)
class KeysArgs:
    """`keys` are public lines, the stack's own among them; `owner` marks what is this stack's."""

    owner: str
    keys: Sequence[str]


class Keys(pulumi.ComponentResource):
    """An SSH key of the account for each line; `ids` are Vultr's, in the lines' order."""

    ids: list[pulumi.Output[str]]

    def __init__(self, name: str, args: KeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:fleet:Keys", name, None, opts)
        self.ids = [self._key(name, args.owner, key, inside(self, opts)).id for key in args.keys]
        self.register_outputs({})

    def _key(self, name: str, owner: str, key: str, opts: pulumi.ResourceOptions) -> vultr.SSHKey:
        mark = _mark(key)
        return vultr.SSHKey(
            f"{name}-{mark}",
            name=f"{owner}-{mark}",
            ssh_key=key,
            opts=opts,
        )


def _mark(key: str) -> str:
    """Eight hexadecimal digits of the key itself, whatever comment follows it."""
    return hashlib.sha256(" ".join(key.split()[:2]).encode()).hexdigest()[:8]
