"""Why Caddy has no certificate for a name: its last word on that in the journal, what it means and what to do. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

WORDS: Final = (
    "could not get certificate from issuer|certificate (obtained|renewed) successfully|failed storage check"
)
"""What the lines have that this module reads."""
_LONGEST: Final = 300
_NAME: Final = re.compile(r"([a-z0-9.-]+): obtaining certificate: ")
_ERROR: Final = re.compile(r"urn:ietf:params:acme:error:(\w+)")
_ASKED: Final = (
    "the CA asks this name by HTTP on port 80 and by TLS on 443: see that its DNS records (A, and AAAA if any) lead "
    "to the edges or their balancer, and that both ports are open; Caddy tries again by itself"
)
_REMEDIES: Final = {
    "rateLimited": "wait: the CA takes no more orders for now, the cause says until when; Caddy tries again by itself",
    "caa": "a CAA record of the domain forbids this CA: change it, Caddy tries again by itself",
    "rejectedIdentifier": "the CA signs nothing for this name: use another domain, or another CA (codeb:acmeDirectory)",
    "externalAccountRequired": "this CA wants accounts that it knows: use another (codeb:acmeDirectory)",
    **dict.fromkeys(("connection", "dns", "incorrectResponse", "tls", "unauthorized"), _ASKED),
}
_STORAGE: Final = (
    "see `df -h`, and what `codeb-agent doctor` says of the edges' share; once that is mended, restart Caddy "
    "(`systemctl restart caddy`), which has given up"
)
_UNREACHED: Final = (
    "see whether this server reaches the CA (`curl -I` with https://acme-v02.api.letsencrypt.org/directory, or with what is "
    "set as codeb:acmeDirectory) and whether the CA is well; Caddy tries again by itself"
)


@dataclass(frozen=True)
class Refusal:
    """What came instead of a certificate, and what to do."""

    cause: str
    remedy: str


def refusals(log: str) -> dict[str, Refusal]:
    """By name, for those whose last order came to nothing. `log` are lines of Caddy's, oldest first."""
    found: dict[str, Refusal] = {}
    for line in log.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if not isinstance(entry, dict):
            continue
        error, name = str(entry.get("error", "")), entry.get("identifier")
        if name is None and (match := _NAME.search(error)):
            name = match[1]
        if not isinstance(name, str):
            continue
        if error:
            found[name] = Refusal(" ".join(error.split())[:_LONGEST], _remedy(error))
        else:
            found.pop(name, None)
    return found


def _remedy(error: str) -> str:
    if match := _ERROR.search(error):
        return _REMEDIES.get(match[1], "see `journalctl -u caddy`; Caddy tries again by itself")
    return _STORAGE if "storage" in error else _UNREACHED
