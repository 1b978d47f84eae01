"""The stack's outputs, as other teams read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import rpc

from codeb.outputs import VERSIONS
from codeb.outputs.stack import CONNECTION_VARIABLES
from tests.components.recording import BARE, BASE_CONFIG, SHOP, Recording, record
from tests.outputs import check, decrypted

OWN_REDIS = (
    SHOP + "resources: {cache: {dedicated: 64Mi}, storage: {buckets: [{suffix: a, expire_days: 3}]}}\n"
)
WITHOUT_DATA = SHOP + "resources: {database: {enabled: false}, cache: {enabled: false}}\n"


def outputs_of(recording: Recording) -> dict[str, Any]:
    found: dict[str, Any] = decrypted(recording.outputs[-1])
    return found


def test_the_outputs_are_as_the_schema_says_and_each_has_a_version(recording: Recording) -> None:
    outputs = outputs_of(recording)
    check(outputs)
    assert outputs["versions"] == {name: VERSIONS[name] for name in outputs if name != "versions"}
    assert outputs["versions"]["registry"] == outputs["registry"]["version"]


def test_a_preview_s_too(tmp_path: Path) -> None:
    check(outputs_of(record(tmp_path, {"shop.yaml": SHOP}, preview=True)))


@pytest.mark.parametrize("later", [{"bare.yaml": BARE}, {"shop.yaml": WITHOUT_DATA}], ids=["gone", "less"])
@pytest.mark.parametrize("first", [SHOP, OWN_REDIS], ids=["shared redis", "own redis"])
def test_those_of_a_project_that_goes_or_that_wants_less_are_too(
    tmp_path: Path, first: str, later: dict[str, str]
) -> None:
    before = outputs_of(record(tmp_path / "first", {"shop.yaml": first}))
    check(before)
    after = outputs_of(record(tmp_path / "later", later, registry=before["registry"]))
    check(after)
    kept = after["registry"]["projects"]["shop"]
    assert kept["status"] == "retained" or kept["retained"]["database"]["name"] == "shop_db"
    assert ("shop" in after["connections"]) == ("shop" in after["projects"]) == ("shop.yaml" in later)


def test_an_output_of_a_failed_run_is_as_the_schema_says(recording: Recording) -> None:
    first = decrypted(recording.outputs[0])
    check({**outputs_of(recording), **first})


def test_connections_are_a_secret_and_nothing_else_holds_one(recording: Recording) -> None:
    """Which of their variables are is not to be seen here: this monitor is told of values, not of outputs in them."""
    outputs = recording.outputs[-1]
    assert rpc.is_rpc_secret(outputs["connections"])
    assert set(outputs["connections"]["value"]["shop"]) == set(CONNECTION_VARIABLES) - {"REDIS_TLS"}
    assert not [name for name, value in outputs.items() if name != "connections" and holds_a_secret(value)]


def holds_a_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return rpc.is_rpc_secret(value) or any(map(holds_a_secret, value.values()))
    return isinstance(value, list) and any(map(holds_a_secret, value))


def test_where_a_stack_is_watched_from_is_an_output_and_else_there_is_none(tmp_path: Path) -> None:
    bare = outputs_of(record(tmp_path / "bare", {"bare.yaml": BARE}))
    assert "monitoring" not in bare
    server = {**BASE_CONFIG["servers"][0], "roles": ["app", "data", "edge", "monitoring"]}
    watched = outputs_of(record(tmp_path / "watched", {"bare.yaml": BARE}, config={"servers": [server]}))
    check(watched)
    assert watched["monitoring"] == {
        "console": "https://console.lab.test/",
        "server": server["name"],
        "prometheus": "127.0.0.1:9090",
        "alertmanager": "127.0.0.1:9093",
        "logs": "127.0.0.1:9428",
        "traces": "127.0.0.1:16686",
        "log_store": "victorialogs",
    }
