"""The schema of the outputs: up to date, true of stacks of before, and never less than was promised."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from pulumi.runtime.rpc import is_rpc_secret
from pydantic import BaseModel

from codeb import registry
from codeb.outputs import VERSIONS, versions_of
from codeb.outputs.schema import outputs_schema, outputs_schema_text
from codeb.outputs.stack import SECRET_VARIABLES, StackOutputs
from codeb.plan import previous
from tests.outputs import REPO, SCHEMA, check, decrypted

PROMISED = Path(__file__).with_name("promised.json")
RECORDED = sorted((REPO / "tests" / "upgrades").glob("*.json"))
PAGE = (REPO / "docs" / "outputs.md").read_text(encoding="utf-8")


def test_the_schema_file_is_up_to_date() -> None:
    written = (REPO / "stack-outputs.schema.json").read_text(encoding="utf-8")
    assert written == outputs_schema_text(), "run codeb schema --outputs"


def test_the_schema_is_a_schema_and_names_each_output_with_its_version() -> None:
    jsonschema.Draft202012Validator.check_schema(outputs_schema())
    found = {name: each.get("x-version") for name, each in SCHEMA["properties"].items()}
    assert found == {"versions": None, **VERSIONS}
    assert VERSIONS["registry"] == registry.VERSION == previous.VERSION


def test_an_output_without_a_version_can_t_be_exported() -> None:
    with pytest.raises(KeyError, match="surprise"):
        versions_of(["registry", "surprise"])


@pytest.mark.parametrize("name", ["versions", *VERSIONS])
def test_the_page_explains(name: str) -> None:
    assert re.search(rf"^\| `{name}` \|", PAGE, re.MULTILINE), f"add {name} to docs/outputs.md"


def test_each_key_has_a_description() -> None:
    silent = [where for where, schema in keys(SCHEMA) if where[-1] != "*" and not schema.get("description")]
    assert not silent
    assert all(model.__doc__ for model in models(StackOutputs))


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for other in model.__subclasses__():
        yield from models(other)


@pytest.mark.parametrize("state", RECORDED, ids=lambda path: path.stem)
def test_outputs_of_stacks_of_before_are_version_1_too(state: Path) -> None:
    resources = json.loads(state.read_text())["checkpoint"]["latest"]["resources"]
    (outputs,) = (one["outputs"] for one in resources if one["type"] == "pulumi:pulumi:Stack")
    assert set(outputs.get("versions", {"registry": 1}).values()) == {1}
    check(decrypted(outputs))
    for variables in outputs["connections"].values():
        assert {name for name, value in variables.items() if is_rpc_secret(value)} >= SECRET_VARIABLES & set(
            variables
        )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("registry", "version"), 2),
        (("registry", "projects", "blog", "ports", "app"), "3001"),
        (("registry", "projects", "blog", "status"), None),
        (("connections", "blog", "REDIS_PORT"), 6379),
        (("connections", "blog", "NEW_VARIABLE"), 1),
        (("servers", "codeb1", "roles"), "app"),
    ],
)
def test_what_is_not_as_the_schema_says_is_found(path: tuple[str, ...], value: object) -> None:
    resources = json.loads(RECORDED[0].read_text())["checkpoint"]["latest"]["resources"]
    (outputs,) = (decrypted(one["outputs"]) for one in resources if one["type"] == "pulumi:pulumi:Stack")
    place = outputs
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(AssertionError, match=re.escape(path[-2])):
        check(outputs, named=False)


def test_within_a_version_nothing_is_taken_away(update_golden: bool) -> None:
    """`--update-golden` adds what is new; what is there it never takes out: that is another version."""
    promised, now = json.loads(PROMISED.read_text()), promises(SCHEMA)
    assert broken(promised, now) == []
    if update_golden:
        lines = (f" {json.dumps(key)}: {json.dumps(now[key], sort_keys=True)}" for key in sorted(now))
        PROMISED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    assert json.loads(PROMISED.read_text()) == now, "new keys are promises: --update-golden"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("del schema['$defs']['Entry']['properties']['domain']", "registry.projects.*.domain: is gone"),
        (
            "schema['$defs']['Entry']['properties']['name']['type'] = 'integer'",
            "registry.projects.*.name: was",
        ),
        (
            "schema['$defs']['Entry']['required'].remove('health')",
            "registry.projects.*.health: may be absent",
        ),
        (
            "schema['$defs']['Costs']['properties']['pools']['additionalProperties'] = {'type': 'string'}",
            "costs.pools.*: was",
        ),
        (
            "schema['$defs']['Entry']['properties']['pool']['default'] = 'x'",
            "registry.projects.*.pool: absent meant",
        ),
        ("schema['properties']['costs']['x-version'] = 2", "costs: was version 1"),
        (
            "del schema['$defs']['Connections']['properties']['DATABASE_URL']['x-secret']",
            "DATABASE_URL: was a",
        ),
    ],
)
def test_a_promise_that_is_broken_is_said(change: str, words: str) -> None:
    schema = deepcopy(SCHEMA)
    exec(change, {"schema": schema})  # noqa: S102 the changes above
    assert any(words in line for line in broken(promises(SCHEMA), promises(schema)))


def promises(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What is promised of each key of the outputs."""
    found = {}
    for where, each in keys(schema):
        types = sorted(one.get("type", "object") for one in each.get("anyOf", [each]))
        found[where] = {
            "types": types,
            "always": each["always"],
            "secret": each.get("x-secret", False),
            "version": each.get("x-version", 1),
            "default": each.get("default"),
        }
    return found


def broken(before: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]) -> list[str]:
    """Each promise of before that no longer holds, in words."""
    lines = [f"{key}: is gone" for key in before if key not in now]
    for key in before.keys() & now.keys():
        was, new = before[key], now[key]
        if was["version"] != new["version"]:
            lines.append(f"{key}: was version {was['version']}: the next one has a name of its own")
        if was["types"] != new["types"]:
            lines.append(f"{key}: was {was['types']}, is {new['types']}")
        if was["always"] and not new["always"]:
            lines.append(f"{key}: may be absent now")
        if was["default"] != new["default"]:
            lines.append(f"{key}: absent meant {was['default']}, means {new['default']}")
        if was["secret"] != new["secret"]:
            lines.append(f"{key}: was {'a' if was['secret'] else 'no'} secret")
    return lines


def keys(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each key of the outputs with its schema, and whether it is `always` there; `*` for what lists and maps hold."""

    def below(each: dict[str, Any], where: str) -> Iterator[tuple[str, dict[str, Any]]]:
        each = resolved(each)
        for name, item in each.get("properties", {}).items():
            path = f"{where}{name}"
            yield path, {**resolved(item), **item, "always": name in each.get("required", [])}
            yield from below(item, f"{path}.")
        for part in (each.get("additionalProperties"), each.get("items")):
            if isinstance(part, dict):
                yield f"{where}*", {**resolved(part), **part, "always": False}
                yield from below(part, f"{where}*.")

    def resolved(each: dict[str, Any]) -> dict[str, Any]:
        for one in each.get("anyOf", []):
            if one.get("type") != "null":
                return resolved(one)
        if "$ref" not in each:
            return each
        found: dict[str, Any] = schema["$defs"][each["$ref"].rpartition("/")[2]]
        return found

    yield from below(schema, "")
