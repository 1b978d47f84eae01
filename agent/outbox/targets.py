"""Who is told: what `/etc/codeb/secrets/notify.json` says. Its URLs and its token are secrets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import Reader
from agent.documents.redact import Redactor
from agent.host import paths
from agent.host.ports import Ports


@dataclass(frozen=True)
class Target:
    """A webhook (`slack`, `generic`) or Sentry's API of one organization (`sentry`).

    Messages name it by `id`, from which the URL can't be found out; one whose target is gone has none to go to.
    """

    kind: str
    url: str = field(repr=False)
    token: str = field(default="", repr=False)

    @property
    def id(self) -> str:
        return f"{self.kind}-{hashlib.sha256(self.url.encode()).hexdigest()[:16]}"

    @property
    def host(self) -> str:
        """All of the URL that may be shown."""
        return urlsplit(self.url).hostname or "?"

    @property
    def headers(self) -> Mapping[str, str]:
        authorization = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {"Content-Type": "application/json", **authorization}

    def redact(self, text: str) -> str:
        """The text of an answer without what is secret here, which a server may repeat."""
        parts = urlsplit(self.url)
        secrets = [
            self.url,
            parts.path,
            parts.query,
            *parts.path.split("/"),
            *parts.query.split("&"),
            self.token,
        ]
        return Redactor(secrets)(text)


@dataclass(frozen=True)
class Targets:
    """All of them, and the name of the stack that messages carry."""

    stack: str = ""
    webhooks: tuple[Target, ...] = ()
    sentry: Target | None = None

    def find(self, target_id: str) -> Target | None:
        """The target that a message names, None when it is configured no more."""
        known = (*self.webhooks, *((self.sentry,) if self.sentry else ()))
        return next((target for target in known if target.id == target_id), None)


def load_targets(ports: Ports) -> Targets:
    """Who is to be told; nobody when the file isn't there. Raises Failed, OSError."""
    content = ports.files.read(paths.NOTIFY)
    if content is None:
        return Targets()
    try:
        return _targets(Reader(json.loads(content), ""))
    except (ValueError, BadDocument) as error:
        # the message of json names a position, the reader's never a secret
        raise Failed(
            "outbox", f"{paths.NOTIFY} can't be read: {error}", "run `pulumi up`, which writes it anew"
        ) from None


def _targets(reader: Reader) -> Targets:
    reader.version()
    found = Targets(
        stack=reader.text("stack"),
        webhooks=tuple(_webhook(item) for item in reader.children("webhooks")),
        sentry=_sentry(reader.maybe("sentry")),
    )
    reader.end()
    return found


def _webhook(reader: Reader) -> Target:
    made = Target(reader.choice("kind", "slack", "generic"), reader.secret("url"))
    reader.end()
    return made


def _sentry(reader: Reader | None) -> Target | None:
    if reader is None:
        return None
    organization = quote(reader.secret("organization"), safe="")
    url = f"{reader.secret('url').rstrip('/')}/api/0/organizations/{organization}/"
    made = Target("sentry", url, reader.secret("token"))
    reader.end()
    return made
