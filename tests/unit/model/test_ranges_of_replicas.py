"""What a manifest may say of how many servers run an app."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codeb.model import Manifest, ManifestErrors, ManifestSource, load_manifests
from codeb.model.replicas import Replicas


def manifest(replicas: Any) -> Manifest:
    document = {
        "project": {"id": "blog"},
        "environment": {"domain": "blog.lab.test", "image": "ghcr.io/x/blog:1"},
        "servers": {"replicas": replicas},
    }
    return load_manifests([ManifestSource("blog.yaml", json.dumps(document))])["blog"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (1, Replicas(1, 1)),
        (16, Replicas(16, 16)),
        ("all", Replicas(1, None)),
        ("2-4", Replicas(2, 4)),
        ("3-3", Replicas(3, 3)),
    ],
)
def test_what_is_written_is_read_and_written_again(written: Any, meant: Replicas) -> None:
    found = manifest(written)
    assert found.servers.replicas == meant
    again = found.model_dump(mode="json")["servers"]["replicas"]
    assert manifest(again) == found
    assert again == (3 if written == "3-3" else written)


@pytest.mark.parametrize(
    "written",
    [0, 17, -1, 1.5, True, "2", "ALL", "all ", "0-2", "4-2", "2-17", "2-", "2\n-4", "1-2-3", [2], None],
)
def test_anything_else_is_refused_in_words(written: Any) -> None:
    with pytest.raises(ManifestErrors, match=r"servers\.replicas") as refused:
        manifest(written)
    assert "Write a number from 1 to 16, all, or a range as 2-4." in str(refused.value)


@pytest.mark.parametrize(
    ("replicas", "servers", "wanted"),
    [
        (Replicas(2, 2), 5, 2),
        (Replicas(2, 2), 1, 2),
        (Replicas(1, None), 7, 7),
        (Replicas(2, 4), 3, 3),
        (Replicas(2, 4), 1, 2),
    ],
)
def test_how_many_of_a_pool_run_it(replicas: Replicas, servers: int, wanted: int) -> None:
    assert replicas.among(servers) == wanted
