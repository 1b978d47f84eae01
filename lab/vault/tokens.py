"""Tokens, AppRoles and policies: who may do what, and until when."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lab.vault.answers import Json

Policy = Mapping[str, frozenset[str]]
"""Paths, with `*` at the end for all below, and the capabilities there: read, list, create, update, patch, delete."""

DEFAULT: Policy = {
    "auth/token/lookup-self": frozenset({"read"}),
    "auth/token/renew-self": frozenset({"update"}),
    "auth/token/revoke-self": frozenset({"update"}),
}
"""Of Vault's policy `default`, what is asked for here."""


@dataclass
class Token:
    """A login. `ends` and `period_s` are in seconds of the clock; 0: it never ends, it has no period."""

    id: str = field(repr=False)
    policies: tuple[str, ...]
    ends: float = 0
    ttl_s: int = 0
    renewable: bool = False
    period_s: int = 0
    uses: int = 0
    path: str = "auth/token/create"


@dataclass
class Role:
    """An AppRole; `secret_ids` with how often each may still be used, 0 for no limit."""

    role_id: str
    policies: tuple[str, ...]
    token_ttl_s: int = 3600
    token_uses: int = 0
    secret_ids: dict[str, int] = field(default_factory=dict, repr=False)


class Logins:
    """All of them, by the clock that it is given."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.policies: dict[str, Policy] = {"default": DEFAULT}
        self.roles: dict[str, Role] = {}
        self.tokens: dict[str, Token] = {}

    def token(self, *policies: str, ttl_s: int = 0, renewable: bool = False, period_s: int = 0) -> str:
        """A new token's text; `root` among the policies may do everything."""
        return self._made(
            (*policies, "default") if "root" not in policies else policies,
            ttl_s or period_s,
            renewable,
            period_s,
        ).id

    def role(self, name: str, *policies: str, token_ttl_s: int = 3600, token_uses: int = 0) -> Role:
        """A new AppRole without a secret ID."""
        self.roles[name] = Role(secrets.token_hex(16), policies, token_ttl_s, token_uses)
        return self.roles[name]

    def secret_id(self, name: str, uses: int = 0) -> str:
        """A new secret ID of a role."""
        made = secrets.token_hex(16)
        self.roles[name].secret_ids[made] = uses
        return made

    def log_in(self, role_id: object, secret_id: object) -> Token | None:
        """The token of a login by AppRole; None when it is none."""
        role = next((each for each in self.roles.values() if each.role_id == role_id), None)
        if role is None or not isinstance(secret_id, str) or secret_id not in role.secret_ids:
            return None
        left = role.secret_ids[secret_id]
        if left == 1:
            del role.secret_ids[secret_id]
        elif left:
            role.secret_ids[secret_id] = left - 1
        made = self._made((*role.policies, "default"), role.token_ttl_s, True, 0)
        made.path, made.uses = "auth/approle/login", role.token_uses
        return made

    def find(self, text: str) -> Token | None:
        """The token, which one of its uses is taken from; None when there is none, or it has ended."""
        found = self.tokens.get(text)
        if found is None or (found.ends and found.ends <= self._clock()):
            self.tokens.pop(text, None)
            return None
        if found.uses == 1:
            del self.tokens[text]
        elif found.uses:
            found.uses -= 1
        return found

    def renew(self, token: Token) -> None:
        """From now on for its time, or its period."""
        token.ends = self._clock() + (token.period_s or token.ttl_s)

    def looked_up(self, token: Token) -> Json:
        """What `lookup-self` says."""
        left = max(int(token.ends - self._clock()), 0) if token.ends else 0
        found: Json = {
            "id": token.id, "policies": sorted(token.policies), "ttl": left, "creation_ttl": token.ttl_s,
            "renewable": token.renewable, "path": token.path, "num_uses": token.uses, "type": "service",
        }  # fmt: skip
        if "root" in token.policies:
            del found["renewable"]
        return found | ({"period": token.period_s} if token.period_s else {})

    def may(self, token: Token, path: str, capability: str) -> bool:
        """Whether one of its policies lets it: the most exact rule of each counts."""
        if "root" in token.policies:
            return True
        for policy in (self.policies[name] for name in token.policies if name in self.policies):
            rules = [rule for rule in policy if _covers(rule, path)]
            if rules and capability in policy[max(rules, key=len)]:
                return True
        return False

    def sees(self, token: Token, mount: str) -> bool:
        """Whether a policy gives it anything below a mount."""
        named = (rule for name in token.policies for rule in self.policies.get(name, ()))
        return "root" in token.policies or any(rule.startswith(mount) for rule in named)

    def _made(self, policies: tuple[str, ...], ttl_s: int, renewable: bool, period_s: int) -> Token:
        ends = self._clock() + ttl_s if ttl_s else 0
        made = Token(f"hvs.{secrets.token_hex(24)}", policies, ends, ttl_s, renewable, period_s)
        self.tokens[made.id] = made
        return made


def _covers(rule: str, path: str) -> bool:
    return path.startswith(rule[:-1]) if rule.endswith("*") else rule == path
