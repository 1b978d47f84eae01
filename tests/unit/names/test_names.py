"""Derived names, and where two ids meet in one name."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeb import names

IDS = st.from_regex(r"[a-z][a-z0-9]*(-[a-z0-9]+){0,4}", fullmatch=True).filter(lambda s: 3 <= len(s) <= 40)


def test_the_example_of_the_requirements() -> None:
    project = "food-delivery-app"
    assert names.database(project) == "food_delivery_db"
    assert names.user(project) == "food_delivery"
    assert names.bucket(project, "uploads") == "food-delivery-uploads"
    assert names.network_unit(project) == "codeb-food-delivery-app.network"
    assert names.container_unit(project, "blue") == "codeb-food-delivery-app-blue.container"
    assert names.cron_units(project, "tidy") == (
        "codeb-food-delivery-app-cron-tidy.container",
        "codeb-food-delivery-app-cron-tidy.timer",
    )
    assert names.environment_file(project, "green") == "/etc/codeb/projects/food-delivery-app/green.env"
    assert names.site_file(project) == "/etc/caddy/sites/food-delivery-app.caddy"
    assert names.upstream_file(project) == "/etc/caddy/upstreams/food-delivery-app"


def test_only_a_trailing_app_is_dropped() -> None:
    assert names.stem("app-store") == "app-store"
    assert names.stem("my-app-app") == "my-app"
    assert names.stem("myapp") == "myapp"


@pytest.mark.parametrize(
    ("one", "other", "namespace"),
    [
        (names.claims("blog"), names.claims("blog-app"), "database"),
        (names.claims("blog"), names.claims("blog-app"), "user"),
        (names.claims("a-b", bucket_suffixes=["c"]), names.claims("a", bucket_suffixes=["b-c"]), "bucket"),
        (names.claims("shop", cron_names=["x-blue"]), names.claims("shop-cron-x"), "unit"),
        (names.claims("shop", cron_names=["x-network"]), names.claims("shop-cron-x"), "unit"),
    ],
)
def test_claims_show_where_two_ids_meet(
    one: dict[str, tuple[str, ...]], other: dict[str, tuple[str, ...]], namespace: str
) -> None:
    assert set(one[namespace]) & set(other[namespace])


@settings(deadline=None)
@given(IDS)
def test_names_fit_the_limits_of_the_services(project: str) -> None:
    assert len(names.database(project)) <= 63
    assert re.fullmatch(r"[a-z0-9_]+", names.user(project))
    assert len(names.bucket(project, "x" * 20)) <= 63


@settings(deadline=None)
@given(IDS, IDS)
def test_two_stems_never_share_a_database(one: str, other: str) -> None:
    same = names.database(one) == names.database(other)
    assert same == (names.stem(one) == names.stem(other))
