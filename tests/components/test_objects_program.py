"""A project with its buckets at Vultr's Object Storage, in the whole program on a recording monitor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import mocks, rpc

from tests.components import test_growing
from tests.components.recording import Recording, plain_texts
from tests.components.test_growing import Before, outputs, program, state
from tests.outputs import check

SECRET, ACCESS, HOST = "SKEXAMPLEOFASUBSCRIPTION", "AKEXAMPLEOFONE", "ewr1.vultrobjects.example"


class WithObjects(Before):
    """The plugin's answers, of subscriptions too."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        identity, found = super().new_resource(args)
        if args.typ == "vultr:index/objectStorage:ObjectStorage":
            found |= {"s3Hostname": HOST, "s3AccessKey": ACCESS, "s3SecretKey": SECRET}
        return identity, found


def recorded(folder: Path, monkeypatch: pytest.MonkeyPatch, **objects: Any) -> Recording:
    monkeypatch.setattr(test_growing, "Before", WithObjects)
    servers = ("app-1", "data-1")
    managed = {"managed": {"objects": {"cluster": 2, **objects}}} if objects else {}
    return program(folder, monkeypatch, 1, state(*servers), outputs(*servers), **managed)


def release(recording: Recording) -> dict[str, Any]:
    found = rpc.unwrap_rpc_secret(recording.named("shop-release-app-1").inputs["stdin"])
    document: dict[str, Any] = json.loads(found)
    return document


def test_the_app_is_told_of_its_subscription_and_is_no_user_here_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = recorded(tmp_path, monkeypatch, projects=["shop"])
    environment = release(recording)["environment"]
    assert environment["MINIO_ENDPOINT"] == environment["MINIO_PUBLIC_ENDPOINT"] == f"https://{HOST}"
    assert (environment["MINIO_ACCESS_KEY"], environment["MINIO_SECRET_KEY"]) == (ACCESS, SECRET)
    mark, _, rest = environment["MINIO_BUCKET"].partition("-")
    assert (len(mark), rest) == (6, "shop-uploads")
    made = {each.name for each in recording.registrations}
    assert {"shop-bucket-uploads", "shop-objects-bucket-uploads"} <= made, "what is here stays"
    assert recording.named("shop-objects-bucket-uploads").inputs["bucket"] == environment["MINIO_BUCKET"]
    assert not {"shop-user", "shop-policy", "shop-access"} & made
    waits = test_growing.depends(recording, recording.named("shop-release-app-1"))
    assert {"shop-objects-bucket-uploads", "shop-objects-versions-uploads"} <= waits


def test_its_keys_are_nowhere_in_the_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = recorded(tmp_path, monkeypatch, projects=["shop"])
    for each in recording.registrations:
        shown = [text for text in plain_texts(each.inputs) if SECRET in text or ACCESS in text]
        assert shown == [], each.name
    last = recording.outputs[-1]
    check(rpc_plain(last))
    assert rpc_plain(last)["connections"]["shop"]["MINIO_SECRET_KEY"] == SECRET
    assert not [text for text in plain_texts(last) if SECRET in text or ACCESS in text]


def rpc_plain(value: Any) -> Any:
    """Without the wrapping of secrets."""
    if rpc.is_rpc_secret(value):
        return rpc_plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: rpc_plain(item) for key, item in value.items()}
    return [rpc_plain(item) for item in value] if isinstance(value, list) else value


def test_who_is_prepared_is_served_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = recorded(tmp_path / "both", monkeypatch, prepared=["shop"])
    plain = recorded(tmp_path / "none", monkeypatch)
    assert release(prepared) == release(plain)
    more = {each.name for each in prepared.registrations} - {each.name for each in plain.registrations}
    assert more == {
        "codeb-objects-shop",
        "codeb-objects-shop-service",
        "shop-objects",
        "shop-objects-minio",
        "shop-objects-bucket-uploads",
        "shop-objects-versions-uploads",
        "shop-objects-expiry-uploads",
    }
