"""`new`: the manifest of a new project, small, explained and valid beside all others; nothing is overwritten."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from codeb.model import (
    DocumentErrors,
    ManifestSource,
    Problem,
    Settings,
    load_manifests,
    parse_settings,
    read_sources,
    read_stack_values,
)
from ops import words
from ops.result import Result, failed

SERVICES: Final = ("database", "cache", "storage")
_SCHEMA: Final = "project-manifest.schema.yaml"

Ask = Callable[[str, str], str]
"""Asks a person a question, with what is taken when he just presses return."""


@dataclass(frozen=True)
class Wanted:
    """A new project; `without` names the data services that it does not use."""

    id: str
    domain: str
    image: str
    port: int = 3000
    stage: str = "production"
    without: tuple[str, ...] = ()


def asked(wanted: Wanted, ask: Ask) -> Wanted:
    """The same with what is missing asked for."""
    domain = wanted.domain or ask("Domain, without https://", f"{wanted.id}.example.com")
    image = wanted.image or ask("Image, with its tag", f"ghcr.io/example/{wanted.id}:1.0.0")
    without = list(wanted.without)
    for service in SERVICES:
        if (
            service not in without
            and ask(f"Does it use the platform's {service}? (y/n)", "y")[:1].lower() == "n"
        ):
            without.append(service)
    return Wanted(wanted.id, domain, image, wanted.port, wanted.stage, tuple(without))


def new(wanted: Wanted, folder: Path, stack: str | None) -> Result:
    """Write `<manifests>/<id>.yaml`; ok when it is there and goes with the other manifests and the stack's settings."""
    settings = None
    if stack:
        try:
            settings = parse_settings(read_stack_values(folder / f"Pulumi.{stack}.yaml"), stack)
        except DocumentErrors as error:
            return failed(error)
    manifests = folder / (settings.manifests if settings else "manifests")
    path = manifests / f"{wanted.id}.yaml"
    there = f"{path}: is there already, and stays as it is. Edit it, or choose another id"
    if os.path.lexists(path):
        return failed(there)
    text = manifest(wanted, _schema_beside(path, folder))
    try:
        before = read_sources(manifests) if manifests.is_dir() else ()
    except DocumentErrors as error:
        return failed(error)
    known = _problems(before, settings)
    mine = [
        each for each in _problems((*before, ManifestSource(str(path), text)), settings) if each not in known
    ]
    if mine:
        said = [str(each) for each in mine]
        return Result(
            {"ok": False, "file": str(path), "problems": said}, problems=(*said, "nothing was written")
        )
    try:
        _create(path, text)
    except FileExistsError:
        return failed(there)
    except OSError as error:
        return failed(f"{path}: {error.strerror}")
    hints = [f"hint: {each}" for each in known]
    steps = tuple(_steps(wanted, path, stack))
    document = {"ok": True, "file": str(path), "text": text, "hints": hints, "next": list(steps)}
    return Result(document, (f"{path}: written", *steps), tuple(hints))


def manifest(wanted: Wanted, schema: str) -> str:
    """The file's text. Values are written as JSON strings, which YAML reads as they are."""
    lines = [
        *([f"# yaml-language-server: $schema={schema}"] if schema else []),
        "# docs/manifest.md explains all fields; what is left out has a default.",
        "project:",
        f"  id: {json.dumps(wanted.id)} # stays for the project's life: database, buckets and units are named by it",
        "environment:",
        f"  domain: {_text(wanted.domain)}",
        f"  image: {_text(wanted.image)} # change it to release",
    ]
    if wanted.port != 3000:
        lines.append(f"  port: {wanted.port} # where the app listens inside its container")
    if wanted.stage != "production":
        lines.append(f"  stage: {_text(wanted.stage)}")
    lines += [
        "  # variables: {LEVEL: info}",
        "  # secrets: [PAYMENT_KEY] # names; values are in the stack's projectSecrets",
    ]
    if wanted.without:
        lines.append("resources:")
        lines += [f"  {service}: {{enabled: false}}" for service in SERVICES if service in wanted.without]
    lines += [
        "# monitoring:",
        "#   health: {path: /api/health} # has to answer 200 before a release takes over",
    ]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _schema_beside(path: Path, folder: Path) -> str:
    """How an editor finds the schema from there; "" where there is none."""
    schema = folder / _SCHEMA
    return Path(os.path.relpath(schema, path.parent)).as_posix() if schema.exists() else ""


def _problems(sources: Sequence[ManifestSource], settings: Settings | None) -> list[Problem]:
    try:
        load_manifests(sources, settings)
    except DocumentErrors as error:
        return list(error.problems)
    return []


def _create(path: Path, text: str) -> None:
    """Raises FileExistsError and OSError. A link that leads nowhere counts as a file."""
    path.parent.mkdir(exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o644)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def _steps(wanted: Wanted, path: Path, stack: str | None) -> Iterator[str]:
    named = stack or "STACK"
    yield "Next:"
    yield f"  edit {words.clean(path)}: variables, secrets, health check"
    yield f"  codeb validate --stack {named}"
    yield f"  pulumi preview --stack {named}   # what it adds: ports, database, bucket"
    yield f"  pulumi up --stack {named}"
    yield f"  codeb status {wanted.id} --stack {named}"
    yield f"Its DNS name {words.clean(wanted.domain)} has to lead to the servers."
