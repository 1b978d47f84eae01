"""The example, the schema and the reference say the same as the models."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from pydantic import BaseModel

from codeb.model import Manifest, ManifestErrors, ManifestSource, Settings, load_manifests, read_sources
from codeb.model.findings import fields
from codeb.model.schema import manifest_schema, schema_text

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "example-project.yaml"
MANIFESTS = sorted((ROOT / "manifests").glob("*.yaml"))
"""Those of a copy of the project are its own: they have to be valid, and may lack the editors' line."""
OURS = ("blog.yaml", "food-delivery-app.yaml", "real-estate-app.yaml", EXAMPLE.name)
DOCS = (ROOT / "docs" / "manifest.md").read_text(encoding="utf-8")
DEPRECATED = [("features", "websockets")]
FIELDS = [
    (*place, key)
    for place, keys in fields(Manifest).items()
    for key in keys
    if (*place, key) not in DEPRECATED
]
SCHEMA = jsonschema.Draft202012Validator(manifest_schema())


def _occurs(value: Any, path: tuple[str, ...]) -> bool:
    if isinstance(value, list):
        return any(_occurs(item, path) for item in value)
    return not path or (isinstance(value, dict) and path[0] in value and _occurs(value[path[0]], path[1:]))


def _yaml_blocks(text: str) -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_the_example_shows(path: tuple[str, ...]) -> None:
    assert _occurs(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8")), path), (
        f"add {'.'.join(path)} to {EXAMPLE.name}"
    )


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_the_reference_explains(path: tuple[str, ...]) -> None:
    assert f"`{'.'.join(path)}`" in DOCS, f"add {'.'.join(path)} to docs/manifest.md"


@pytest.mark.parametrize("file", [EXAMPLE, *MANIFESTS], ids=lambda file: file.name)
def test_documents_load_and_satisfy_the_schema(file: Path) -> None:
    SCHEMA.validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    load_manifests(read_sources(file))
    relative = "" if file == EXAMPLE else "../"
    modeline = f"# yaml-language-server: $schema={relative}project-manifest.schema.yaml\n"
    found = file.read_text(encoding="utf-8").startswith(modeline)
    assert found or file.name not in OURS, "editors find the schema by this line"


def test_the_manifests_of_the_lab_get_along() -> None:
    manifests = load_manifests([source for file in MANIFESTS for source in read_sources(file)])
    assert {"blog", "food-delivery-app", "real-estate-app"} <= {manifest.id for manifest in manifests}
    assert manifests["blog"].environment.domain == "blog.lab.test"


@pytest.mark.parametrize("number", range(len(_yaml_blocks(DOCS))))
def test_examples_of_the_reference_load(number: int) -> None:
    text = _yaml_blocks(DOCS)[number]
    SCHEMA.validate(yaml.safe_load(text))
    load_manifests([ManifestSource("docs/manifest.md", text)])


def test_the_schema_file_is_up_to_date() -> None:
    written = (ROOT / "project-manifest.schema.yaml").read_text(encoding="utf-8")
    assert written == schema_text(), "run codeb schema"


def test_the_schema_is_a_schema_and_knows_sizes() -> None:
    jsonschema.Draft202012Validator.check_schema(manifest_schema())
    document = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    document["resources"]["memory"] = "12 GB"
    document["features"]["unknown"] = True
    assert {error.json_path for error in SCHEMA.iter_errors(document)} == {"$.resources.memory", "$.features"}


@pytest.mark.parametrize("model", [Manifest, Settings])
def test_every_field_has_a_description(model: type[BaseModel]) -> None:
    definitions = model.model_json_schema()
    sections = [definitions, *definitions["$defs"].values()]
    missing = [
        f"{section['title']}.{name}"
        for section in sections
        for name, described in section["properties"].items()
        if not described.get("description") and "$ref" not in described
    ]
    assert missing == []
    fields_without = [name for name, field in model.model_fields.items() if not field.description]
    assert fields_without == []


def test_models_are_frozen() -> None:
    (manifest,) = load_manifests(read_sources(EXAMPLE))
    with pytest.raises(ValueError, match="frozen"):
        manifest.project.id = "other"


def test_folders_are_read_in_order_without_hidden_and_other_files(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", ".hidden.yaml", "notes.txt", "c.yaml~"):
        (tmp_path / name).write_text("x: 1\n")
    (tmp_path / "folder.yaml").mkdir()
    assert [Path(source.path).name for source in read_sources(tmp_path)] == ["a.yml", "b.yaml"]


def test_a_missing_folder_is_a_problem_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(ManifestErrors, match="No such file or directory"):
        read_sources(tmp_path / "nothing")
