"""Folders of manifests: those in `valid/` load, those in `invalid/<case>/` give exactly `expected.txt`."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from pathlib import Path
from shutil import which

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from codeb.model import ManifestErrors, ManifestSource, load_manifests, parse_settings, read_sources
from codeb.model.schema import manifest_schema

CASES = Path(__file__).parents[2] / "cases" / "model"
VALID = sorted((CASES / "valid").iterdir())
INVALID = sorted(path for path in (CASES / "invalid").iterdir() if path.is_dir())
SETTINGS = parse_settings(
    {
        "domain": "lab.test",
        "servers": [
            {"name": "one", "address": "10.0.0.1", "knownHostsFile": "known_hosts"},
            {
                "name": "two",
                "address": "10.0.0.2",
                "knownHostsFile": "known_hosts",
                "roles": ["app"],
                "pool": "second",
            },
        ],
    }
)


def _sources(path: Path) -> list[ManifestSource]:
    return [dataclasses.replace(source, path=Path(source.path).name) for source in read_sources(path)]


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_valid_manifests_load_and_satisfy_the_schema(file: Path) -> None:
    (manifest,) = load_manifests(_sources(file), SETTINGS)
    jsonschema.Draft202012Validator(manifest_schema()).validate(manifest.model_dump(mode="json"))


@pytest.mark.parametrize("folder", INVALID, ids=lambda folder: folder.name)
def test_invalid_manifests_name_every_problem(folder: Path, update_golden: bool) -> None:
    with pytest.raises(ManifestErrors) as caught:
        load_manifests(_sources(folder), SETTINGS)
    golden = folder / "expected.txt"
    if update_golden:
        golden.write_text(f"{caught.value}\n", encoding="utf-8")
    assert f"{caught.value}\n" == golden.read_text(encoding="utf-8")


def test_plain_scalars_follow_yaml_1_2() -> None:
    (manifest,) = load_manifests(_sources(CASES / "valid" / "plain-types.yaml"))
    assert manifest.project.name == "yes"
    assert manifest.project.owner == "12:30"
    assert manifest.environment.variables["FLAG"] == "on"
    assert manifest.environment.variables["HEX"] == "0x10"


def test_a_hundred_thousand_brackets_are_refused_before_any_recursion() -> None:
    with pytest.raises(ManifestErrors, match="nested too deeply"):
        load_manifests([ManifestSource("deep.yaml", "project: " + "[" * 100_000)])


def test_a_file_over_one_mebibyte_is_refused_unread() -> None:
    with pytest.raises(ManifestErrors, match="is larger than 1 MiB"):
        load_manifests([ManifestSource("large.yaml", b"#" * ((1 << 20) + 1))])


def test_a_file_full_of_mistakes_lists_the_first_fifty() -> None:
    text = "project: {id: shop}\n" + "".join(f"k{number}: 1\n" for number in range(500))
    with pytest.raises(ManifestErrors) as caught:
        load_manifests([ManifestSource("many.yaml", text)])
    assert len(caught.value.problems) == 51
    assert "has 451 more problems" in str(caught.value)


@pytest.mark.skipif(which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_understands_every_schedule_of_the_valid_cases() -> None:
    document = yaml.safe_load((CASES / "valid" / "calendar.yml").read_text())
    schedules = [job["schedule"] for job in document["features"]["cron"]]
    result = subprocess.run(
        ["systemd-analyze", "calendar", *schedules], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_problems_as_json_keep_their_parts() -> None:
    with pytest.raises(ManifestErrors) as caught:
        load_manifests(
            [
                ManifestSource(
                    "x.yaml", "project: {id: shop}\nenvironment: {domain: a.b, image: c.d/e:1}\nbackup: 3"
                )
            ]
        )
    (problem,) = caught.value.problems
    assert json.loads(json.dumps(dataclasses.asdict(problem))) == {
        "file": "x.yaml",
        "line": 3,
        "column": 9,
        "path": "backup",
        "cause": "3 is not a mapping",
        "remedy": "Write keys below it, indented, or leave it out.",
    }
