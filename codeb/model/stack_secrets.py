"""What can be said of a stack's secrets without decrypting any: names that are wrong, missing or of no use."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from codeb import names
from codeb.model.backup_secrets import KEY as BACKUP_KEY
from codeb.model.backup_secrets import backup_problems
from codeb.model.cloud_secrets import KEYS as CLOUD_KEYS
from codeb.model.cloud_secrets import cloud_problems
from codeb.model.loader import Manifests
from codeb.model.monitoring_secrets import KEY as MONITORING_KEY
from codeb.model.monitoring_secrets import monitoring_problems
from codeb.model.outside import KEYS as OUTSIDE_KEYS
from codeb.model.outside import visible_problems
from codeb.model.problems import Problem, path_text, shown
from codeb.model.stack_file import PLAIN_KEYS, SECRET_KEYS, StackFile, encrypted, encrypted_places
from codeb.model.supplied import wrong_value
from codeb.model.vault_secrets import KEY as VAULT_KEY
from codeb.model.vault_secrets import vault_problems

_PROJECTS = "projectSecrets"
_AGAIN = "Set another value with `pulumi config set --secret --path`."


@dataclass(frozen=True)
class Said:
    """`problems` would stop the program; `hints` are worth a look."""

    problems: tuple[Problem, ...] = ()
    hints: tuple[Problem, ...] = ()


def say_of_secrets(stack: StackFile, manifests: Manifests, *, complete: bool = True) -> Said:
    """Everything that shows of the secrets' names; no value is repeated.

    `complete` says whether these are all the stack's manifests.
    """
    problems = [
        *_unknown(stack),
        *_texts(stack),
        *_outside(stack),
        *_cloud(stack),
        *_vault(stack),
        *_backup(stack),
        *_monitoring(stack),
        *_shapes(stack),
        *_missing(stack, manifests),
    ]
    hints = [*_in_plain_text(stack), *(_useless(stack, manifests) if complete else ())]
    return Said(tuple(sorted(problems)), tuple(sorted(hints)))


def _problem(stack: StackFile, path: tuple[str, ...], cause: str, remedy: str) -> Problem:
    return Problem(f"Pulumi.{stack.stack}.yaml", 0, 0, f"codeb:{path_text(path)}", cause, remedy)


def _unknown(stack: StackFile) -> Iterator[Problem]:
    for key in stack.unknown:
        close = difflib.get_close_matches(key, (*SECRET_KEYS, *PLAIN_KEYS), n=1)
        remedy = f"Did you mean {close[0]}?" if close else f"Secret keys are {', '.join(SECRET_KEYS)}."
        yield _problem(stack, (key,), "unknown key", remedy)


def _texts(stack: StackFile) -> Iterator[Problem]:
    for key in ("rootSecret", "sshPrivateKey"):
        value = stack.secrets.get(key, "")
        if not isinstance(value, str) and not encrypted(value):
            yield _problem(stack, (key,), "is not text", f"Run `pulumi config set --secret codeb:{key}`.")


def _outside(stack: StackFile) -> Iterator[Problem]:
    values = {key: stack.secrets[key] for key in OUTSIDE_KEYS if stack.secrets.get(key)}
    yield from visible_problems(values, tuple(encrypted_places(values)), stack.stack)


def _cloud(stack: StackFile) -> Iterator[Problem]:
    values = {key: stack.secrets[key] for key in CLOUD_KEYS if stack.secrets.get(key)}
    balancer = stack.settings.get("balancer")
    ends_tls = stack.whole and isinstance(balancer, Mapping) and balancer.get("tls") == "terminate"
    yield from cloud_problems(values, stack.stack, ends_tls=ends_tls, hidden=tuple(encrypted_places(values)))


def _vault(stack: StackFile) -> Iterator[Problem]:
    vault, value = stack.settings.get("vault"), stack.secrets.get(VAULT_KEY)
    auth = str(vault.get("auth", "approle")) if isinstance(vault, Mapping) and vault else ""
    at_hand = auth == "token" and value is None  # the environment may have it
    hidden = tuple(encrypted_places({VAULT_KEY: value}))
    yield from vault_problems(value, auth if stack.whole and not at_hand else "", stack.stack, hidden)


def _backup(stack: StackFile) -> Iterator[Problem]:
    backup, value = stack.settings.get("backup"), stack.secrets.get(BACKUP_KEY)
    wanted = stack.whole and isinstance(backup, Mapping) and bool(backup.get("second"))
    hidden = tuple(encrypted_places({BACKUP_KEY: value}))
    yield from backup_problems(value, stack.stack, wanted=wanted, hidden=hidden)


def _monitoring(stack: StackFile) -> Iterator[Problem]:
    monitoring, value = stack.settings.get("monitoring"), stack.secrets.get(MONITORING_KEY)
    wanted = stack.whole and isinstance(monitoring, Mapping) and bool(monitoring.get("export"))
    if not encrypted(value):
        yield from monitoring_problems(value, stack.stack, wanted=wanted)


def _shapes(stack: StackFile) -> Iterator[Problem]:
    """A mapping of mappings of texts, each of which may be encrypted."""
    example = (
        f"Write {_PROJECTS}: {{shop: {{API_KEY: …}}}}, or set one with `pulumi config set --secret --path`."
    )
    projects = stack.secrets.get(_PROJECTS) or {}
    if encrypted(projects):
        return
    if not isinstance(projects, Mapping):
        yield _problem(stack, (_PROJECTS,), "is not a mapping", example)
        return
    for project, secrets in projects.items():
        if encrypted(secrets):
            continue
        if not isinstance(secrets, Mapping):
            yield _problem(stack, (_PROJECTS, project), "is not a mapping", example)
            continue
        for name, value in secrets.items():
            if not encrypted(value) and (wrong := wrong_value(value)):
                remedy = "Put it in quotes." if not isinstance(value, str) else _AGAIN
                yield _problem(stack, (_PROJECTS, project, name), wrong, remedy)


def _names(stack: StackFile, project: str) -> frozenset[str] | None:
    """The names of a project's secrets; None when they can't be seen."""
    projects = stack.secrets.get(_PROJECTS) or {}
    if encrypted(projects) or not isinstance(projects, Mapping):
        return None
    secrets = projects.get(project) or {}
    if encrypted(secrets) or not isinstance(secrets, Mapping):
        return None
    return frozenset(secrets)


def _missing(stack: StackFile, manifests: Manifests) -> Iterator[Problem]:
    """Names that a manifest lists and the stack doesn't have, as far as that shows: what a vault has, it alone knows."""
    for manifest in manifests if stack.whole and not stack.settings.get("vault") else ():
        found = _names(stack, manifest.id)
        for name in manifest.environment.secrets if found is not None else ():
            if name not in (found or ()):
                path = f"codeb:{path_text((_PROJECTS, manifest.id, name))}"
                yield Problem(
                    manifests.files[manifest.id],
                    0,
                    0,
                    "environment.secrets",
                    f"{shown(name)} is not set in stack {stack.stack}",
                    f"Run `pulumi config set --secret --path '{path}' --stack {stack.stack}`, or remove the name.",
                )


def _useless(stack: StackFile, manifests: Manifests) -> Iterator[Problem]:
    projects = stack.secrets.get(_PROJECTS) or {}
    if encrypted(projects) or not isinstance(projects, Mapping):
        return
    previews = {names.preview_secrets(manifest.id): manifest for manifest in manifests}
    known = previews | {manifest.id: manifest for manifest in manifests}
    for project in projects:
        if project not in known:
            close = difflib.get_close_matches(project, known, n=1)
            remedy = f"Did you mean {close[0]}? " if close else ""
            remedy += "Remove it when the project is gone."
            yield _problem(stack, (_PROJECTS, project), "no manifest has this id", remedy)
            continue
        for name in sorted(_names(stack, project) or ()):
            if name not in known[project].environment.secrets:
                remedy = f"Name it in environment.secrets of {known[project].id}, or remove it."
                app = (
                    "no preview environment gets it"
                    if known[project].id != project
                    else "the app does not get it"
                )
                yield _problem(stack, (_PROJECTS, project, name), app, remedy)


def _in_plain_text(stack: StackFile) -> Iterator[Problem]:
    remedy = "Set it again with `pulumi config set --secret`, with --path for a part of a mapping."
    for key, value in stack.secrets.items():
        if value and _holds_text(value):
            yield _problem(stack, (key,), "is in plain text, for whoever reads this file", remedy)


def _holds_text(value: object) -> bool:
    if encrypted(value):
        return False
    if isinstance(value, Mapping):
        return any(map(_holds_text, value.values()))
    if isinstance(value, list):
        return any(map(_holds_text, value))
    return True
