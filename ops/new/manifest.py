"""The manifest of a new project, as text: small and explained."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from ops.new.wanted import LAB, SERVICES, Wanted

_AT_GITHUB: Final = re.compile(r"ghcr\.io/([a-z0-9][a-z0-9-]*/[a-z0-9._-]+)[:@]", re.ASCII)


def manifest(wanted: Wanted, schema: str) -> str:
    """The file's text. Values are written as JSON strings, which YAML reads as they are."""
    lines = [
        *([f"# yaml-language-server: $schema={schema}"] if schema else []),
        "# docs/manifest.md explains all fields; what is left out has a default.",
        "project:",
        f"  id: {json.dumps(wanted.id)} # stays for the project's life: database, buckets and units are named by it",
        *([f"  name: {_text(wanted.name)} # for people; the app is told it, too"] if wanted.name else []),
        *(_repository(wanted.image) if wanted.app else ()),
        "environment:",
        f"  domain: {_text(wanted.domain)}",
        f"  image: {_text(wanted.image)} # change it to release",
    ]
    if wanted.port != 3000:
        lines.append(f"  port: {wanted.port} # where the app listens inside its container")
    if wanted.stage != "production":
        lines.append(f"  stage: {_text(wanted.stage)}")
    lines += _of_the_template(wanted) if wanted.app else _of_any(wanted)
    return "\n".join(lines) + "\n"


def _of_any(wanted: Wanted) -> Iterator[str]:
    yield "  # variables: {LEVEL: info}"
    yield "  # secrets: [PAYMENT_KEY] # names; values are in the stack's projectSecrets"
    if wanted.without:
        yield "resources:"
        for service in SERVICES:
            if service in wanted.without:
                yield f"  {service}: {{enabled: false}}"
    yield "# monitoring:"
    yield "#   health: {path: /api/health} # has to answer 200 before a release takes over"


def _of_the_template(wanted: Wanted) -> Iterator[str]:
    yield "  variables: # the app's README.md names the others"
    yield f"    APP_DATASET: {_text(wanted.dataset)}"
    yield f"    {'' if wanted.image.startswith(LAB) else '# '}APP_SEED: demo # some content to begin with"
    yield "  # secrets: [PAYMENT_KEY] # names; values are in the stack's projectSecrets"
    yield "features:"
    yield "  release_command: [node, migrate.cjs] # brings the database up to date, before a release starts"
    yield "  metrics: true # /api/metrics is read by the platform; visitors get 404 there"
    yield "  tracing: true # where the stack has a server that watches"


def _repository(image: str) -> Iterator[str]:
    """Where the code is: the platform takes releases from no other repository."""
    if image.startswith(LAB):
        return
    if found := _AT_GITHUB.match(image):
        yield f"  repository: {_text(f'https://github.com/{found[1]}')} # releases are taken from there alone"
    else:
        yield "  # repository: https://github.com/OWNER/NAME # put it here: releases are taken from there alone"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
