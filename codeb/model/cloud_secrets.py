"""Secret configuration of a stack at Vultr: the API key, and the certificate of a balancer that ends TLS itself.

No error and no `repr` shows a value.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from codeb.model.problems import Location, Problem, SettingsErrors, path_text
from codeb.model.settings import Settings

API_KEY: Final = "vultrApiKey"
CERTIFICATE: Final = "balancerCertificate"
KEYS: Final = (API_KEY, CERTIFICATE)
"""Keys of the stack's secret configuration that `parse_cloud_secrets` reads."""

_PARTS: Final = {
    "certificate": "-----BEGIN CERTIFICATE-----",
    "privateKey": "-----BEGIN ",
    "chain": "-----BEGIN CERTIFICATE-----",
}
_OPTIONAL: Final = ("chain",)
_LONGEST: Final = 100_000
_WORD: Final = re.compile(r"[!-~]{16,200}")
_SET: Final = "Set it with `pulumi config set --secret --path 'codeb:{}' < FILE`."


@dataclass(frozen=True)
class BalancerCertificate:
    """PEM texts as Vultr takes them."""

    certificate: str
    private_key: str = field(repr=False)
    chain: str = ""


@dataclass(frozen=True)
class CloudSecrets:
    """What the stack's configuration has; without an API key, the environment's VULTR_API_KEY counts."""

    api_key: str | None = field(default=None, repr=False)
    certificate: BalancerCertificate | None = None


def parse_cloud_secrets(
    values: Mapping[str, Any], settings: Settings, stack: str = "<stack>"
) -> CloudSecrets:
    """The secrets, checked against the settings.

    Raises:
        SettingsErrors: every key that is missing or wrong, never its value.
    """
    problems = list(cloud_problems(values, stack, ends_tls=_ends_tls(settings)))
    found = values.get(CERTIFICATE)
    if not problems and found:
        problems += (_problem(stack, (CERTIFICATE,), *fault) for fault in _mismatches(found))
    if problems:
        raise SettingsErrors(problems)
    certificate = (
        BalancerCertificate(found["certificate"], found["privateKey"], found.get("chain") or "")
        if found
        else None
    )
    return CloudSecrets(_word(values.get(API_KEY)) or None, certificate)


def cloud_problems(
    values: Mapping[str, Any], stack: str, *, ends_tls: bool, hidden: Collection[Location] = ()
) -> Iterator[Problem]:
    """What shows of the values' shapes, those at `hidden` places left out."""
    key = _word(values.get(API_KEY))
    if key and (API_KEY,) not in hidden and not (isinstance(key, str) and _WORD.fullmatch(key)):
        yield _problem(stack, (API_KEY,), "is not one word as Vultr's console shows it", "Copy it again.")
    found = values.get(CERTIFICATE)
    if (CERTIFICATE,) in hidden:
        return
    if not found:
        if ends_tls:
            cause = "is missing, and codeb:balancer.tls is terminate"
            yield _problem(stack, (CERTIFICATE,), cause, _SET.format(f"{CERTIFICATE}.certificate"))
        return
    if not isinstance(found, Mapping):
        remedy = f"Set its parts one by one: {', '.join(_PARTS)}."
        yield _problem(stack, (CERTIFICATE,), "is not a mapping", remedy)
        return
    yield from _parts(found, stack, hidden)


def _word(key: Any) -> Any:
    """The key without the line's end that `pulumi config set < FILE` brings along."""
    return key.strip() if isinstance(key, str) else key


def _parts(found: Mapping[str, Any], stack: str, hidden: Collection[Location]) -> Iterator[Problem]:
    for name in found:
        if name not in _PARTS:
            yield _problem(stack, (CERTIFICATE, "?"), "unknown key", f"Known keys here: {', '.join(_PARTS)}.")
    for name, start in _PARTS.items():
        place, value = (CERTIFICATE, name), found.get(name)
        if place in hidden or (not value and name in _OPTIONAL):
            continue
        if not value:
            yield _problem(stack, place, "is missing", _SET.format(path_text(place)))
        elif not isinstance(value, str) or not value.startswith(start) or len(value) > _LONGEST:
            yield _problem(stack, place, "is not PEM text", _SET.format(path_text(place)))


def _mismatches(found: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Texts that don't parse, and a key that is another certificate's."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    remedy = "Set certificate and privateKey again, from one order."
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    try:
        certificate = x509.load_pem_x509_certificate(found["certificate"].encode())
        if found.get("chain"):
            x509.load_pem_x509_certificates(found["chain"].encode())
        key = serialization.load_pem_private_key(found["privateKey"].encode(), password=None)
        same = certificate.public_key().public_bytes(*form) == key.public_key().public_bytes(*form)
    except (ValueError, TypeError):
        yield "can't be read: a certificate is damaged, or the key is damaged or has a password", remedy
        return
    if not same:
        yield "has a key that does not belong to the certificate", remedy


def _ends_tls(settings: Settings) -> bool:
    return settings.balanced and settings.balancer.tls == "terminate"


def _problem(stack: str, place: Location, cause: str, remedy: str) -> Problem:
    return Problem(f"Pulumi.{stack}.yaml", 0, 0, f"codeb:{path_text(place)}", cause, remedy)
