"""Sending logs elsewhere through the whole program: the header's value is in each server's bundle, and shown nowhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc

from tests.components.recording import BASE_CONFIG, SHOP, Recording, plain_texts, record

EXPORT = {"export": {"endpoint": "https://otlp.example.com"}}
VALUE = "Bearer not.to.be.shown=="
SERVER = {**BASE_CONFIG["servers"][0], "roles": ["app", "data", "edge", "monitoring"]}


def recorded(folder: Path, **more: Any) -> Recording:
    config = {"servers": [SERVER], "monitoring": EXPORT, **more}
    return record(folder, {"shop.yaml": SHOP}, config=config)


def test_its_value_is_on_the_server_and_shown_nowhere(tmp_path: Path) -> None:
    recording = recorded(tmp_path, monitoringCredentials=VALUE)
    for item in recording.registrations:
        assert VALUE not in "\n".join(plain_texts(item.inputs))
    document = json.loads(rpc.unwrap_rpc_secret(recording.named("one-bundle").inputs["stdin"]))
    (file,) = [each for each in document["files"] if VALUE in each["content"]]
    assert (file["path"], file["content"]) == ("/etc/codeb/secrets/monitoring-export", VALUE)
    assert (file["mode"], file["restarts"]) == ("0600", ["codeb-collector.service"])


@pytest.mark.parametrize(
    ("value", "cause"), [(None, "is missing"), ("${file:/etc/shadow} hunter2", "is not words of letters")]
)
def test_a_value_that_is_missing_or_wrong_stops_the_program_and_is_not_shown(
    tmp_path: Path, value: str | None, cause: str
) -> None:
    more = {} if value is None else {"monitoringCredentials": value}
    with pytest.raises(pulumi.RunError, match=rf"codeb:monitoringCredentials: {cause}") as caught:
        recorded(tmp_path, **more)
    assert "hunter2" not in str(caught.value)
