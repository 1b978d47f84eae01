"""What a vault's refusals mean, and what to do: by their kind, as the vault's own words may repeat what it was sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import hvac
import requests

from codeb.model import Problem
from ops.vault.problem import VaultError

_INVALID: Final = ("invalid token", "bad token")
_UNSEAL: Final = "Unseal it (`vault operator unseal`), then run this again."
_ADDRESS: Final = "Correct codeb:vault.address, or see why nothing answers there."


class MissingError(Exception):
    """There is nothing at a path; `deleted`: its newest version was deleted."""

    def __init__(self, *, deleted: bool) -> None:
        super().__init__()
        self.deleted = deleted


class RefusedError(Exception):
    """The vault refuses, which it says of a path it keeps from this login, and of a login that has ended.

    `invalid`: it says of which of the two; not every version does.
    """

    def __init__(self, *, invalid: bool) -> None:
        super().__init__()
        self.invalid = invalid


class WrongError(Exception):
    """The request is one that it doesn't take: a wrong login, a change that somebody else has made before."""


def error(address: str, path: str, cause: str, remedy: str) -> VaultError:
    """A problem at a path of the vault."""
    return VaultError(Problem(address, 0, 0, path, cause, remedy))


@contextmanager
def understood(address: str, path: str) -> Iterator[None]:
    """hvac's errors as the four here: VaultError for what hits every path, the others for what depends on it."""
    try:
        yield
    except hvac.exceptions.InvalidPath as found:
        raise MissingError(deleted=_deleted(found.json)) from None
    except (hvac.exceptions.Forbidden, hvac.exceptions.Unauthorized) as found:
        raise RefusedError(invalid=_says_invalid(found.errors)) from None
    except hvac.exceptions.InvalidRequest:
        raise WrongError from None
    except hvac.exceptions.VaultError as found:
        raise error(address, path, *_words(found)) from None
    except requests.exceptions.RequestException as found:
        raise error(address, path, *_unreached(found)) from None
    except (TypeError, AttributeError):  # hvac, of an error in a form that no vault has
        raise error(address, path, "what answers there is no vault", _ADDRESS) from None


def answered(address: str, path: str, answer: object) -> Any:
    """The document that a vault answers with. Raises VaultError when something else answered."""
    if isinstance(answer, dict):
        return answer
    status = getattr(answer, "status_code", 0)
    if status in (301, 302, 303, 307, 308):
        cause = "it sends on to another address, and a login goes to the address that is set alone"
        raise error(address, path, cause, "Set codeb:vault.address to that of the active node.")
    raise error(address, path, "what answers there is no vault", _ADDRESS)


def _deleted(document: object) -> bool:
    """Whether it says what was there: a read has its metadata beside the data, a change in their place."""
    data = document.get("data") if isinstance(document, dict) else None
    return isinstance(data, dict) and not data.keys().isdisjoint({"metadata", "deletion_time"})


def _says_invalid(errors: object) -> bool:
    return isinstance(errors, list) and any(word in str(each) for each in errors for word in _INVALID)


def _words(found: Exception) -> tuple[str, str]:
    kinds = hvac.exceptions
    if isinstance(found, kinds.VaultDown):
        return "the vault is sealed, or not ready", _UNSEAL
    if isinstance(found, kinds.VaultNotInitialized):
        return "the vault was never initialised", "Run `vault operator init`, then unseal it."
    if isinstance(found, kinds.RateLimitExceeded):
        return "the vault says that it is asked too often", "Wait a moment, then run this again."
    if isinstance(found, (kinds.InternalServerError, kinds.BadGateway)):
        return "the vault, or what stands before it, fails", "Its log says why; then run this again."
    return (
        "the vault answers what nobody knows here",
        "See its log, and whether it is a vault that answers there.",
    )


def _unreached(found: requests.exceptions.RequestException) -> tuple[str, str]:
    kinds = requests.exceptions
    if isinstance(found, kinds.SSLError):
        return (
            "its certificate is not trusted, or is another's",
            "Set codeb:vault.ca to what it is trusted by (PEM), and codeb:vault.address to a name that its certificate has.",
        )
    if isinstance(found, kinds.Timeout):
        return "it does not answer in time", _ADDRESS
    if isinstance(found, kinds.ConnectionError):
        return "it can't be reached", _ADDRESS
    return "what answers there is no vault", _ADDRESS
