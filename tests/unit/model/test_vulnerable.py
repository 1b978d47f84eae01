"""Images that are known to be vulnerable are refused with the reason; what can't be judged is let through."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeb.model import SettingsErrors, parse_settings, read_stack_values, refuse_vulnerable
from codeb.model.settings import Images
from codeb.model.vulnerable import ADVISORIES, known_holes

ROOT = Path(__file__).parents[3]
DIGEST = "@sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("image", "first"),
    [
        ("quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z", "CVE-2025-62506"),
        ("quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z" + DIGEST, "CVE-2025-62506"),
        ("docker.io/minio/minio:RELEASE.2025-09-07T16-13-09Z-cpuv1", "CVE-2025-62506"),
        ("registry.example.com:5000/mirror/minio:RELEASE.2024-01-01T00-00-00Z", "CVE-2025-62506"),
        ("docker.io/alpine/minio:RELEASE.2025-10-15T17-29-55Z", "CVE-2026-40344"),
        ("docker.io/pgsty/minio:RELEASE.2026-03-25T00-00-00Z", "CVE-2026-40344"),
        ("docker.io/pgsty/silo:RELEASE.2026-09-03T13-18-01Z", "SN-2026-011"),
        ("docker.io/library/redis:7.4.8-alpine", "CVE-2026-23479"),
        ("docker.io/library/redis:7.0.15", "CVE-2026-23479"),
        ("docker.io/library/redis:8.0.4", "CVE-2026-23479"),
        ("docker.io/library/postgres:16.11-alpine3.22", "CVE-2026-2005"),
        ("docker.io/library/postgres:16.15", "CVE-2026-6460"),
        ("docker.io/library/postgres:13.23", "CVE-2026-2005"),
    ],
)
def test_known_holes(image: str, first: str) -> None:
    assert known_holes(image)[0].ids.startswith(first)


@pytest.mark.parametrize(
    "image",
    [
        "docker.io/pgsty/silo:RELEASE.2026-09-16T00-00-00Z",
        "docker.io/pgsty/silo:RELEASE.2027-01-02T03-04-05Z-distroless",
        "docker.io/library/redis:7.4.11-alpine",
        "docker.io/library/redis:8.8.0",
        "docker.io/library/redis:9.0.0",
        "docker.io/library/postgres:16.16-alpine",
        "docker.io/library/postgres:19.0",
        "docker.io/library/caddy:2.11.7-alpine",
    ],
)
def test_versions_without_known_holes(image: str) -> None:
    assert known_holes(image) == []


@pytest.mark.parametrize(
    "image",
    [
        "docker.io/library/redis:7-alpine",
        "docker.io/library/redis:7.2",
        "docker.io/library/redis:alpine",
        "docker.io/library/redis:7.2.4rc1",
        "docker.io/library/postgres:16-alpine",
        "docker.io/minio/minio:latest",
        "docker.io/minio/minio:edge",
        "localhost/lab/minio:2026-02-12",
        "docker.io/minio/mc:RELEASE.2024-01-01T00-00-00Z",
        "docker.io/example/predis:1.0.0",
        "docker.io/library/redis" + DIGEST,
    ],
)
def test_what_cannot_be_judged_is_let_through(image: str) -> None:
    assert known_holes(image) == []


def test_a_refusal_names_the_setting_the_cause_and_what_to_write() -> None:
    image = "quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z"
    server = {"name": "one", "address": "10.0.0.1", "knownHostsFile": "known_hosts"}
    settings = parse_settings({"domain": "example.com", "servers": [server], "images": {"minio": image}})
    with pytest.raises(SettingsErrors) as refused:
        refuse_vulnerable(settings, "prod")
    assert str(refused.value) == (
        f'Pulumi.prod.yaml: codeb:images.minio: "{image}" has CVE-2025-62506 (GHSA-jjjj-jwhf-8rgr): a key that is limited '
        "to some buckets can make itself one without the limits. Write docker.io/pgsty/silo:RELEASE.2026-09-16T00-00-00Z or "
        "later (docs/operations.md, Storage)."
    )


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_stacks_of_the_project_are_not_refused(stack: str) -> None:
    refuse_vulnerable(parse_settings(read_stack_values(ROOT / f"Pulumi.{stack}.yaml"), stack), stack)


def test_what_runs_where_nothing_is_set_has_no_known_hole() -> None:
    assert [known_holes(image) for _, image in Images()] == [[]] * len(Images.model_fields)


def test_every_remedy_is_an_image_without_known_holes() -> None:
    for row in ADVISORIES:
        image = row.remedy.removeprefix("Write ").split()[0]
        assert known_holes(image) == [], row.ids
