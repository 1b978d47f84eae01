"""Data is dropped with its project after a final backup: in which order what is deleted is deleted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.documents.reader import Reader
from tests.components.recording import SHOP, Recording, record

DESTROYED = SHOP.replace("{id: shop}", "{id: shop, lifecycle: destroy}")
UNSAVED = "backup: {enabled: false}\n"


def final_of(recording: Recording) -> list[str]:
    return [each.name for each in recording.of_project("shop") if each.name.endswith("-final")]


def test_the_final_backup_goes_after_the_release_and_before_the_database(tmp_path: Path) -> None:
    """The engine deletes what depends on something before that."""
    recording = record(tmp_path, {"shop.yaml": DESTROYED})
    final, release = recording.named("shop-final"), recording.named("shop-release-one")
    for name in ("shop-role", "shop-database", "shop-bucket-uploads", "one-bundle"):
        assert recording.named(name).urn in final.dependencies
    assert final.urn in release.dependencies
    assert final.deleted_with == recording.named("one-bundle").urn
    assert not final.retain_on_delete


def test_it_does_nothing_until_it_is_deleted_and_its_document_is_the_agent_s(tmp_path: Path) -> None:
    final = record(tmp_path, {"shop.yaml": DESTROYED}).named("shop-final")
    assert final.inputs["create"] == ":"
    assert "update" not in final.inputs
    assert "codeb-agent final" in final.inputs["delete"]
    assert final.inputs["logging"] == "none"
    document = Reader(json.loads(final.inputs["stdin"]), "")
    document.version()
    assert (document.text("project"), document.text("database")) == ("shop", "shop_db")
    assert document.whole("retention_days", 1, 3650) == 7


@pytest.mark.parametrize(
    ("manifest", "wanted"),
    [
        (SHOP, []),
        (DESTROYED, ["shop-final"]),
        (DESTROYED + UNSAVED, ["shop-final"]),
        (DESTROYED + "resources: {database: {enabled: false}}\n", ["shop-final"]),
        (DESTROYED + "resources: {database: {enabled: false}, storage: {enabled: false}}\n", []),
    ],
    ids=["kept", "dropped", "dropped, not backed up daily", "uploads alone", "no data"],
)
def test_who_drops_data_backs_it_up(tmp_path: Path, manifest: str, wanted: list[str]) -> None:
    assert final_of(record(tmp_path, {"shop.yaml": manifest})) == wanted
