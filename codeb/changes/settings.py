"""The summary of a release: what its manifest sets, by the manifest's own names, and marks of what they lead to."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from codeb.changes.summary import Digest, shortened
from codeb.model import Manifest
from codeb.plan import ProjectPlan
from codeb.render.environment import VARIABLES

CONTAINER: Final = "mark of the container"
"""The agent's fingerprint of all that the running container depends on: it is replaced when that differs."""
SITE: Final = "mark of the site"
PAGE: Final = "mark of the maintenance page"
AROUND: Final = "mark of the rest"
MARKS: Final = (CONTAINER, SITE, PAGE, AROUND)
IMAGE: Final = "environment.image"
MARK_DIGITS: Final = 16

_SETTINGS: Final = (
    *("environment.domain", "environment.aliases", "environment.port", "environment.stage"),
    *("environment.app_name", "environment.api_url"),
    *("resources.cpu", "resources.memory", "resources.pids", "resources.read_only"),
    *("resources.cache", "resources.database.enabled", "resources.storage.enabled"),
    *("features.max_upload", "features.release_command", "features.canary", "features.maintenance"),
    *("features.protect", "features.headers"),
    *("monitoring.health", "monitoring.sentry_project", "monitoring.metrics_path"),
)
"""What a release's document follows from; other settings are of other resources, or of none. A default has no line."""
_WATCHED: Final = ("monitoring.alerts", "features.metrics")
"""The same where monitoring is told of them."""
_OWN: Final = ("DATABASE_POOL_SIZE", "MINIO_BUCKET")
"""Variables of the platform that no setting above explains."""
_LOGIN: Final = re.compile(r"://[^/@\s]*:[^/@\s]*@")


def release_summary(
    project: ProjectPlan, document: Mapping[str, Any], fingerprint: str, digest: Digest
) -> dict[str, str]:
    """What the document of a release asks for. Secrets are there by name and digest.

    Args:
        document: the whole release, secrets included.
        fingerprint: what the agent makes of the document.
    """
    found = {IMAGE: str(document["image"])}
    found |= dict(_settings(project, digest, watched="alerts" in document))
    found |= dict(_variables(project, document["environment"], digest))
    found["ports"] = "{blue}/{green}".format_map(document["ports"])
    if project.cache is not None:
        found["redis"] = f"{project.cache.name} index {project.cache.index}"
    return found | release_marks(document, fingerprint, digest)


def site_mark(site: str | None) -> str:
    """As the agent says it in its `status`."""
    return "" if site is None else hashlib.sha256(site.encode()).hexdigest()[:MARK_DIGITS]


def release_marks(document: Mapping[str, Any], fingerprint: str, digest: Digest) -> dict[str, str]:
    """What decides on what users notice, of any document of a release."""
    elsewhere = ("environment", "cache", "image", "ports", "publish", "site", "maintenance", "workers")
    rest = {key: value for key, value in document.items() if key not in elsewhere}
    units = document["units"]
    rest["units"] = {key: units[key] for key in units if key == "cron"}
    page = document.get("maintenance")
    return {
        CONTAINER: fingerprint[:MARK_DIGITS],
        SITE: site_mark(document["site"]),
        PAGE: digest.of(json.dumps(page, sort_keys=True)) if page else "",
        AROUND: digest.of(json.dumps(rest, sort_keys=True)),
    }


def _settings(project: ProjectPlan, digest: Digest, *, watched: bool) -> Iterator[tuple[str, str]]:
    manifest = project.manifest.model_dump(mode="json", exclude_defaults=True)
    features = manifest.get("features", {})
    if "canary" in features:
        features["canary"] = list(project.manifest.features.canary_steps)
    for job in features.pop("cron", ()):
        yield f"features.cron.{job['name']}", shortened(_cron(job), digest)
    yield from _of_visitors(project, features, digest)
    known = (*_SETTINGS, *(_WATCHED if watched else ()), *_in_force(project.manifest))
    for worker in features.pop("workers", ()):
        yield f"features.workers.{worker['name']}", shortened(_worker(worker), digest)
    for path, value in _flat("", manifest):
        if any(path == name or path.startswith(f"{name}.") for name in known):
            yield path, shortened(_text(value), digest)


def _of_visitors(project: ProjectPlan, features: dict[str, Any], digest: Digest) -> Iterator[tuple[str, str]]:
    """Logins by name and digest, redirects by path; takes them out of the features."""
    for name, hashed in (features.get("protect") or {}).pop("users", {}).items():
        yield f"login {name}", digest.of(project.id, name, hashed)
    for each in features.pop("redirects", ()):
        status = f" ({each['status']})" if "status" in each else ""
        yield f"features.redirects.{each['from']}", shortened(f"{each['to']}{status}", digest)


def _in_force(manifest: Manifest) -> Iterator[str]:
    """Settings that count because of others."""
    features = manifest.features
    if manifest.environment.app_name is None or features.maintenance is not None:
        yield "project.name"
    if features.release_command is not None:
        yield "features.release_timeout"
    if features.canary_steps:
        yield from ("features.canary_wait", "features.canary_error_percent")


def _cron(job: Mapping[str, Any]) -> str:
    return f"{job['schedule']}: {shlex.join(job['command'])}"


def _worker(worker: Mapping[str, Any]) -> str:
    """`node worker.js, replicas 2`: the command, and what isn't as it is by default."""
    more = [f"{key} {_text(worker[key])}" for key in worker if key not in ("name", "command")]
    return ", ".join([shlex.join(worker["command"]), *more])


def _flat(path: str, value: object) -> Iterator[tuple[str, object]]:
    if not isinstance(value, Mapping) or not value:
        if value != []:
            yield path, value if value != {} else "on"
        return
    for key, item in value.items():
        yield from _flat(f"{path}.{key}" if path else key, item)


def _text(value: object) -> str:
    if isinstance(value, Mapping) and value.get("serve"):
        return f"{value['host']} (serves)"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value)


def _variables(
    project: ProjectPlan, environment: Mapping[str, str], digest: Digest
) -> Iterator[tuple[str, str]]:
    secrets = project.manifest.environment.secrets
    for name, value in environment.items():
        if name in secrets:
            yield f"secret {name}", digest.of(project.id, name, value)
        elif name not in VARIABLES or name in _OWN:
            hidden = _LOGIN.search(value) is not None
            text = digest.of(project.id, name, value) if hidden else shortened(value, digest)
            yield f"variable {name}", text
