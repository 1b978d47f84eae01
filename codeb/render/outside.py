"""Files on a host for what leaves it: webhooks and Sentry (`notify.json`), registries, and the outbox's units."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Collection
from typing import Final

from codeb import names
from codeb.model.outside import Outside
from codeb.render.bundle import Directory, HostBundle, HostFile, Service
from codeb.render.text import render, secret_marker

NOTIFY: Final = "platform/notify"
REGISTRIES: Final = "platform/registries"
_FILES: Final = {NOTIFY: "notify.json", REGISTRIES: "registries.json"}
ALERTS: Final = "monitoring/alerts"
"""Begins the purposes of the addresses that alerts are sent to, one each: `monitoring/alerts-slack-0`."""


def outside_texts(outside: Outside, stack: str) -> dict[str, str]:
    """Purpose of a marker → content of the file, for what is configured. Secret."""
    found = {}
    if outside.notifications.slack or outside.notifications.webhook or outside.sentry:
        found[NOTIFY] = _notify(outside, stack)
    if outside.registry_credentials:
        found[REGISTRIES] = _registries(outside)
    for kind, urls in (("slack", outside.notifications.slack), ("webhook", outside.notifications.webhook)):
        found |= {f"{ALERTS}-{kind}-{index}": url for index, url in enumerate(urls)}
    return found


def alert_urls(configured: Collection[str]) -> dict[str, list[str]]:
    """Purposes of the addresses that Alertmanager sends to, in order: those that take Slack's messages, and its own."""
    mine = [
        (int(purpose.rpartition("-")[2]), purpose)
        for purpose in configured
        if purpose.startswith(f"{ALERTS}-")
    ]
    return {
        key: [purpose for _, purpose in sorted(mine) if purpose.startswith(f"{ALERTS}-{kind}-")]
        for key, kind in (("slack", "slack"), ("webhooks", "webhook"))
    }


def outside_files(configured: Collection[str]) -> HostBundle:
    """`configured` are the purposes that `outside_texts` knows; what isn't configured has no file."""
    path = "codeb-outbox.path"
    return HostBundle(
        directories=(Directory(names.OUTBOX_DIR, "0700"),),
        files=(
            *(
                HostFile(f"{names.SECRETS_DIR}/{name}", secret_marker(purpose), "0600")
                for purpose, name in _FILES.items()
                if purpose in configured
            ),
            HostFile(
                f"{names.UNITS_DIR}/codeb-outbox.service",
                render("host/codeb-outbox.service", state=names.STATE_DIR),
            ),
            HostFile(
                f"{names.UNITS_DIR}/{path}",
                render("host/codeb-outbox.path", outbox=names.OUTBOX_DIR),
                restarts=(path,),
            ),
        ),
        services=(Service(path),),
    )


def _notify(outside: Outside, stack: str) -> str:
    """What the agent's `notify` and `outbox` read."""
    kinds = (("slack", outside.notifications.slack), ("generic", outside.notifications.webhook))
    sentry = outside.sentry
    document = {
        "version": 1,
        "stack": stack,
        "webhooks": [{"kind": kind, "url": url} for kind, urls in kinds for url in urls],
        "sentry": sentry and {"url": sentry.url, "organization": sentry.organization, "token": sentry.token},
    }
    return json.dumps(document, indent=1) + "\n"


def _registries(outside: Outside) -> str:
    """containers-auth.json, as `podman pull --authfile` reads it."""
    auths = {
        registry: {"auth": b64encode(f"{found.username}:{found.password}".encode()).decode()}
        for registry, found in sorted(outside.registry_credentials.items())
    }
    return json.dumps({"auths": auths}, indent=1) + "\n"
