"""Where the secrets of a project are, as messages and commands write it: the stack's configuration, or its vault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from codeb import names
from codeb.model.problems import Problem, path_text, shown

KEY: Final = "projectSecrets"
LONGEST_NAME: Final = 128
_SET: Final = "pulumi config set --secret --path"
IN_THE_LAB: Final = " (in the lab: in the shell that `make lab-env` opens)"


class Place(Protocol):
    """The secrets of one project. Names of secrets are texts of others, and written so that they are no more than that."""

    def of(self, name: str) -> str:
        """Where the secret of this name is; the whole for ""."""

    def remedy(self, name: str) -> str:
        """What sets it, as a clause."""

    def problem(self, name: str, cause: str, remedy: str) -> Problem:
        """A problem with a secret, or with the whole for ""."""


@dataclass(frozen=True)
class Configured:
    """`codeb:projectSecrets.<key>` of a stack; `key` is "" for all of them."""

    stack: str
    key: str

    def of(self, name: str) -> str:
        return place(*filter(None, (self.key, name)))

    def remedy(self, name: str) -> str:
        return f"`{setting(self.key, name)}`{IN_THE_LAB}"

    def problem(self, name: str, cause: str, remedy: str) -> Problem:
        return Problem(f"Pulumi.{self.stack}.yaml", 0, 0, self.of(name), cause, remedy)


@dataclass(frozen=True)
class InVault:
    """`<mount>/projects/<key>` of the vault at `address`."""

    stack: str
    key: str
    address: str
    mount: str

    def of(self, name: str) -> str:
        path = f"{self.mount}/{names.vault_path(self.key)}"
        return f"{path}, key {as_name(name)}" if name else path

    def remedy(self, name: str) -> str:
        return f"`codeb secrets set {self.key} {name} --stack {self.stack}`"

    def problem(self, name: str, cause: str, remedy: str) -> Problem:
        return Problem(self.address, 0, 0, self.of(name), cause, remedy)


def place(*keys: str) -> str:
    """Where a secret is, as errors, the manual and `pulumi config --path` write it."""
    return f"codeb:{path_text((KEY, *keys))}"


def setting(*keys: str) -> str:
    """The command that sets a secret, for any shell that has the stack's Pulumi (the lab's: `make lab-env`)."""
    return f"{_SET} '{place(*keys)}'"


def as_name(text: str) -> str:
    """A secret's name as it may appear in a message: what is none is quoted."""
    return text if text.isidentifier() and text.isascii() and len(text) <= LONGEST_NAME else shown(text)
