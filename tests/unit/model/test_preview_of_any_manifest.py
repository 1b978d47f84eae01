"""The manifest of a preview environment is valid, whatever its project's says, and has nothing of the project's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from test_manifest_properties import manifests

from codeb.model import Manifest, ManifestSource, Previews, load_manifests, read_sources
from codeb.model.replicas import Replicas
from codeb.plan import Preview
from codeb.plan.previews import BUCKET, CONNECTIONS, manifest_of

VALID = sorted((Path(__file__).parents[2] / "cases" / "model" / "valid").rglob("*.yaml"))
EXAMPLE = Path(__file__).parents[3] / "example-project.yaml"
IMAGE = "ghcr.io/leo/shop@sha256:" + "a" * 64
LIMITS = Previews(max=2)


def preview_of(base: Manifest, limits: Previews = LIMITS) -> Manifest:
    preview = Preview(base.id, 7, IMAGE, "2026-11-30T12:00:00Z")
    return Manifest.model_validate(manifest_of(base, preview, limits, "open.test"))


def loaded(document: dict[str, Any]) -> Manifest:
    (manifest,) = load_manifests([ManifestSource("x.yaml", json.dumps(document, ensure_ascii=False))])
    return manifest


def holds(base: Manifest) -> None:
    found = preview_of(base)
    assert (found.id, found.environment.hosts) == (f"{base.id}-pr-7", (f"{base.id}-pr-7.open.test",))
    assert found.environment.image == IMAGE
    assert found.environment.stage != "production"
    assert found.project.lifecycle == "destroy"
    assert (found.servers.pool, found.servers.replicas, found.servers.ports) == (
        base.servers.pool,
        Replicas(1, 1),
        None,
    )
    assert found.resources.cpu <= 0.5
    assert found.resources.memory <= 256 << 20
    assert found.resources.cache.dedicated is None
    assert found.resources.database.connection_limit <= CONNECTIONS
    assert all(bucket.quota and bucket.quota <= BUCKET for bucket in found.resources.storage.buckets)
    features = found.features
    assert not features.cron
    assert not features.redirects
    assert not features.canary
    assert features.maintenance is None
    assert all(
        worker.replicas == 1 and worker.memory and worker.memory <= 256 << 20 for worker in features.workers
    )
    assert not found.backup.enabled
    assert not found.backup.point_in_time
    assert not found.monitoring.alerts.enabled
    assert found.monitoring.sentry_project is None
    same(base, found)


def same(base: Manifest, found: Manifest) -> None:
    """What is as the project has it: it is the same app."""
    assert found.environment.app_name == (base.environment.app_name or base.display_name)
    for name in ("port", "variables", "secrets"):
        assert getattr(found.environment, name) == getattr(base.environment, name)
    assert found.resources.database.enabled == base.resources.database.enabled
    assert found.resources.database.extensions == base.resources.database.extensions
    assert found.resources.cache.enabled == base.resources.cache.enabled
    assert found.resources.storage.enabled == base.resources.storage.enabled
    assert [(b.suffix, b.access, b.expire_days) for b in found.resources.storage.buckets] == [
        (b.suffix, b.access, b.expire_days) for b in base.resources.storage.buckets
    ]
    assert found.monitoring.health == base.monitoring.health
    for name in ("protect", "headers", "release_command", "release_timeout", "max_upload", "metrics"):
        assert getattr(found.features, name) == getattr(base.features, name)
    assert [(w.name, w.command) for w in found.features.workers] == [
        (w.name, w.command) for w in base.features.workers
    ]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(manifests)
def test_of_any_manifest_there_can_be_a_preview_environment(document: dict[str, Any]) -> None:
    base = loaded(document)
    if len(base.id) <= 35:
        holds(base)


@pytest.mark.parametrize("path", [*VALID, EXAMPLE], ids=lambda path: path.stem)
def test_of_every_example_too(path: Path) -> None:
    for base in load_manifests(read_sources(path)):
        if len(base.id) <= 35:
            holds(base)


def example(**sections: Any) -> Manifest:
    document = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    return loaded(
        {key: {**document.get(key, {}), **sections.get(key, {})} for key in {**document, **sections}}
    )


def test_limits_are_the_setting_s_or_less() -> None:
    limits = Previews(cpu=2.0, memory="1Gi")  # type: ignore[arg-type]  # as it is written
    small, large = (
        example(resources={"cpu": 0.1, "memory": "64Mi"}),
        example(resources={"cpu": 8, "memory": "8Gi"}),
    )
    assert (preview_of(small, limits).resources.cpu, preview_of(small, limits).resources.memory) == (
        0.1,
        64 << 20,
    )
    assert (preview_of(large, limits).resources.cpu, preview_of(large, limits).resources.memory) == (
        2.0,
        1 << 30,
    )


def test_an_app_that_talks_to_its_project_talks_to_itself() -> None:
    domain = example().environment.domain
    own = example(environment={"api_url": f"https://{domain}/api/v2"})
    other = example(environment={"api_url": "https://api.example.org/v2"})
    assert preview_of(own).environment.api_url is None
    assert preview_of(other).environment.api_url == "https://api.example.org/v2"


def test_a_long_name_is_cut_where_the_number_has_to_fit() -> None:
    name = preview_of(example(project={"name": "é" * 100})).display_name
    assert len(name) == 100
    assert name.endswith("é (pull request 7)")
