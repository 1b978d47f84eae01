"""Any valid manifest survives being written and read; anything else gives ManifestErrors and nothing else."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codeb.model import Manifest, ManifestErrors, ManifestSource, Problem, load_manifests
from codeb.model.schema import manifest_schema

EXAMPLE = yaml.safe_load((Path(__file__).parents[3] / "example-project.yaml").read_text(encoding="utf-8"))
SCHEMA = jsonschema.Draft202012Validator(manifest_schema())

slug = st.from_regex(r"[a-z][a-z0-9]{2,8}(-[a-z0-9]{1,6}){0,2}", fullmatch=True)
domain = st.from_regex(r"([a-z0-9]{1,8}\.){1,3}[a-z]{2,6}", fullmatch=True)
image = st.from_regex(
    r"[a-z]{2,6}\.[a-z]{2,4}(:[1-9][0-9]{0,4})?/[a-z]{1,8}:[A-Za-z0-9_][A-Za-z0-9._-]{0,9}", fullmatch=True
)
visible = st.characters(exclude_categories=["C", "Z"])
line = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="@"), max_size=30)
display = st.text(visible, min_size=1, max_size=30).filter(
    lambda text: "@{" not in text and "@IMAGE@" not in text
)
size = st.from_regex(r"[1-9][0-9]{0,2}(Ki|Mi|Gi)", fullmatch=True)
memory = st.from_regex(r"([1-9][0-9]{2}Mi|[1-9][0-9]?Gi)", fullmatch=True)
path = st.from_regex(r"/([a-z0-9_~-][a-z0-9._~-]{0,5}/?){0,3}", fullmatch=True)
env_name = st.from_regex(r"X_[A-Z0-9_]{1,10}", fullmatch=True)
secret_name = st.from_regex(r"Y_[A-Z0-9_]{1,10}", fullmatch=True)
schedule = st.sampled_from(["daily", "hourly", "*:0/15", "Mon..Fri 09:00 Asia/Seoul", "*-*-01 03:30:00"])


def _section(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def _unique_by(
    key: str, entries: st.SearchStrategy[dict[str, Any]], least: int = 0
) -> st.SearchStrategy[Any]:
    return st.lists(entries, min_size=least, max_size=3, unique_by=lambda entry: str(entry[key]))


ports = st.tuples(st.integers(3001, 3999), st.integers(3001, 3999)).filter(lambda pair: pair[0] != pair[1])
manifests = st.fixed_dictionaries(
    {
        "project": st.fixed_dictionaries(
            {"id": slug.map(lambda text: f"p-{text}")},
            optional={
                "name": display,
                "description": display,
                "owner": display,
                "tags": st.lists(slug, max_size=3, unique=True),
                "lifecycle": st.sampled_from(["retain", "destroy"]),
            },
        ),
        "environment": st.fixed_dictionaries(
            {"domain": domain.map(lambda text: f"main.{text}"), "image": image},
            optional={
                "aliases": st.lists(domain.map(lambda text: f"alias.{text}"), max_size=3, unique=True),
                "stage": st.sampled_from(["production", "staging", "development"]),
                "port": st.integers(1, 65535),
                "variables": st.dictionaries(env_name, line, max_size=4),
                "secrets": st.lists(secret_name, max_size=3, unique=True),
                "app_name": display,
                "api_url": domain.map(lambda text: f"https://{text}/api"),
            },
        ),
    },
    optional={
        "servers": _section(
            pool=slug,
            replicas=st.one_of(
                st.integers(1, 16),
                st.just("all"),
                st.tuples(st.integers(1, 16), st.integers(1, 16)).map(lambda two: f"{min(two)}-{max(two)}"),
            ),
            ports=ports.map(lambda pair: {"app": pair[0], "internal": pair[1]}),
        ),
        "resources": _section(
            cpu=st.one_of(st.integers(1, 64), st.floats(0.05, 64)),
            memory=memory,
            pids=st.integers(16, 32768),
            read_only=st.booleans(),
            database=_section(
                enabled=st.just(True),
                extensions=st.lists(st.sampled_from(["pgcrypto", "pg_trgm", "uuid-ossp"]), unique=True),
                connection_limit=st.integers(2, 500),
            ),
            cache=_section(enabled=st.booleans()),
            storage=_section(
                enabled=st.booleans(),
                buckets=_unique_by(
                    "suffix",
                    st.fixed_dictionaries(
                        {"suffix": slug.filter(lambda text: len(text) <= 22)},
                        optional={
                            "access": st.sampled_from(["private", "public-read"]),
                            "quota": size,
                            "expire_days": st.integers(1, 3650),
                        },
                    ),
                    least=1,
                ),
            ),
        ),
        "features": _section(
            websockets=st.booleans(),
            max_upload=size,
            metrics=st.booleans(),
            release_command=st.lists(display, min_size=1, max_size=3),
            release_timeout=st.sampled_from(["30s", "10m", "1h"]),
            canary=st.lists(st.integers(1, 100), max_size=4, unique=True).map(sorted),
            canary_wait=st.sampled_from(["500ms", "1m"]),
            canary_error_percent=st.floats(0.1, 100),
            maintenance=_section(message=display, retry_after=st.sampled_from(["500ms", "1h"])),
            cron=_unique_by(
                "name",
                st.fixed_dictionaries(
                    {"name": slug, "schedule": schedule, "command": st.lists(display, min_size=1, max_size=4)}
                ),
            ),
        ),
        "monitoring": _section(
            health=_section(path=path, interval=st.just("5s"), successes=st.integers(1, 12)),
            alerts=_section(enabled=st.booleans(), response_ms=st.integers(1, 60_000)),
            metrics_path=path,
            sentry_project=slug,
        ),
        "backup": _section(
            schedule=schedule, retention_days=st.integers(1, 3650), point_in_time=st.booleans()
        ),
    },
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["id", "*", "1Gi"]),
)
junk = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def _load(document: object) -> Manifest:
    (manifest,) = load_manifests([ManifestSource("m.yaml", json.dumps(document, ensure_ascii=False))])
    return manifest


def _problems(text: str | bytes) -> tuple[Problem, ...]:
    try:
        load_manifests([ManifestSource("m.yaml", text)])
    except ManifestErrors as error:
        return error.problems
    return ()


def _check_problems(text: str | bytes) -> None:
    assert all(problem.cause and problem.remedy for problem in _problems(text))


@given(manifests)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_valid_manifest_round_trips_and_satisfies_the_schema(document: dict[str, Any]) -> None:
    SCHEMA.validate(document)
    manifest = _load(document)
    written = manifest.model_dump(mode="json", exclude_none=True)
    SCHEMA.validate(written)
    assert _load(written) == manifest


@given(st.one_of(st.text(), st.binary(), junk.map(lambda value: json.dumps(value, ensure_ascii=False))))
@settings(deadline=None)
def test_junk_gives_manifest_errors_only(text: str | bytes) -> None:
    _check_problems(text)


@given(st.text(alphabet=" \n\t:-[]{}&*!|>'\"%@`,?#~<ab1.", max_size=60))
@settings(deadline=None, max_examples=300)
def test_yamls_own_characters_give_manifest_errors_only(text: str) -> None:
    _check_problems(text)


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_junk_in_any_place_of_a_manifest_gives_manifest_errors_only(data: st.DataObject) -> None:
    document = copy.deepcopy(EXAMPLE)
    parent: Any = document
    while True:
        keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(parent[key], dict | list) and parent[key] and data.draw(st.booleans()):
            parent = parent[key]
            continue
        parent[key] = data.draw(junk)
        break
    _check_problems(json.dumps(document, ensure_ascii=False))


@pytest.mark.parametrize(
    "text", ['"[key]": 1', 'project: {"[key]": 1}', 'environment: {variables: {"[key]": "x\\ny"}}']
)
def test_a_key_named_like_the_validators_own_mark_is_an_unknown_key(text: str) -> None:
    with pytest.raises(ManifestErrors) as failure:
        load_manifests([ManifestSource("a.yaml", text)])
    assert "[key]" in str(failure.value)
