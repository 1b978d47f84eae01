"""Edges that keep certificates together (docs/certificates.md): how Caddy reaches them, and what does when they are gone."""

from __future__ import annotations

import json
from typing import Final

from codeb import names
from codeb.render.bundle import Directory, HostBundle, HostFile, Service
from codeb.render.text import render

_SERVICE: Final = "codeb-certificates"
_DOCUMENT: Final = f"{names.CONFIG_DIR}/certificates.json"


def certificates_files(share: str, own: str) -> HostBundle:
    """Units and document of the agent's verb `certificates`; `own` is where Caddy keeps those that it shares with nobody."""
    folder, timer = names.CERTIFICATES_DIR, f"{_SERVICE}.timer"
    document = {"version": 1, "share": share, "folder": folder, "own": own}
    values = {"document": _DOCUMENT, "share": share, "folder": folder}
    return HostBundle(
        packages=("bindfs",),
        directories=(Directory(folder, "0700"),),
        files=(
            HostFile(_DOCUMENT, json.dumps(document, indent=1) + "\n"),
            HostFile(f"{names.UNITS_DIR}/codeb-share.service", render("host/codeb-share.service", **values)),
            HostFile(f"{names.UNITS_DIR}/{_SERVICE}.service", render(f"host/{_SERVICE}.service", **values)),
            HostFile(f"{names.UNITS_DIR}/{timer}", render(f"host/{timer}"), restarts=(timer,)),
        ),
        services=(Service(timer),),
    )
