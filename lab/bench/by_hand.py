"""Calls of somebody who edits an account at the simulated Vultr by hand."""

from __future__ import annotations

import json
import urllib.request
from ssl import create_default_context
from typing import Any

from lab.bench.fleets import ZONE
from lab.vultr.simulator import Folder


def host_zone(vultr: Folder, account: str) -> None:
    """What the owner of a domain does once: Vultr hosts it from now on."""
    if ZONE not in json.dumps(vultr.content(account)["domains"]):
        call(vultr, account, "POST", "/domains", {"domain": ZONE})


def call(vultr: Folder, account: str, method: str, path: str, body: object = None) -> Any:
    """One call; its answer."""
    request = urllib.request.Request(  # noqa: S310 - the simulator, over TLS
        vultr.url + path,
        method=method,
        data=json.dumps(body).encode() if body is not None else None,
        headers={"Authorization": f"Bearer {vultr.key(account)}", "Content-Type": "application/json"},
    )
    trust = create_default_context(cafile=str(vultr.ca))
    with urllib.request.urlopen(request, context=trust) as answer:  # noqa: S310
        text = answer.read()
    return json.loads(text) if text else None
