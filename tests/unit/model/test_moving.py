"""Which tags move."""

from __future__ import annotations

import pytest

from codeb.model.moving import moves

DIGEST = "@sha256:" + "a" * 64


@pytest.mark.parametrize(
    "tag", ["latest", "main", "stable", "edge", "nightly", "dev", "master", "production", "alpine"]
)
def test_a_tag_that_is_no_version_moves(tag: str) -> None:
    assert moves(f"ghcr.io/x/shop:{tag}")
    assert moves(f"reg.lab:5000/x1/shop2:{tag}")
    assert not moves(f"ghcr.io/x/shop:{tag}{DIGEST}")


@pytest.mark.parametrize(
    "image", ["ghcr.io/x/shop:1", "reg.lab:5000/shop:v1.2.3-alpine", f"ghcr.io/x/shop{DIGEST}"]
)
def test_a_version_and_a_digest_stay(image: str) -> None:
    assert not moves(image)


@pytest.mark.parametrize("image", ["ghcr.io/x/shop", "reg.lab:5000/shop"])
def test_a_name_without_a_tag_is_latest(image: str) -> None:
    assert moves(image)
