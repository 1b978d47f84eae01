"""The second place of backups through the whole program: its keys are in the data server's bundle, and shown nowhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc

from tests.components.recording import SHOP, plain_texts, record

SECOND = {"second": {"endpoint": "https://s3.example.com", "bucket": "kept", "lockDays": 7}}
KEYS = {"accessKey": "AKIASecondPlace", "secretKey": "second/place+secret=="}


def config(**more: Any) -> dict[str, Any]:
    return {"backup": SECOND, "backupCredentials": KEYS, **more}


def test_its_keys_are_on_the_data_server_and_shown_nowhere(tmp_path: Path) -> None:
    recording = record(tmp_path, {"shop.yaml": SHOP}, config=config())
    for item in recording.registrations:
        text = "\n".join(plain_texts(item.inputs))
        assert not [value for value in KEYS.values() if value in text]
    document = json.loads(rpc.unwrap_rpc_secret(recording.named("one-bundle").inputs["stdin"]))
    (file,) = [each for each in document["files"] if each["path"] == "/etc/codeb/secrets/backup.json"]
    here, second = json.loads(file["content"])["stores"]
    assert here["name"] == "here"
    assert (second["access_key"], second["secret_key"]) == (KEYS["accessKey"], KEYS["secretKey"])
    assert file["mode"] == "0600"


def test_a_second_place_without_keys_stops_the_program_and_names_them(tmp_path: Path) -> None:
    with pytest.raises(pulumi.RunError, match=r"codeb:backupCredentials\.secretKey: is missing"):
        record(
            tmp_path, {"shop.yaml": SHOP}, config=config(backupCredentials={"accessKey": KEYS["accessKey"]})
        )
