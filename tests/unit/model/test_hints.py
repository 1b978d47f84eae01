"""What works but has no effect is said once, with the manifests that have it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codeb.model import Manifests, ManifestSource, load_manifests, say_of_manifests
from ops.cli import main


def manifest(number: int, **features: object) -> str:
    environment = {"domain": f"app{number}.lab.test", "image": "reg.lab:5000/x:1"}
    return json.dumps({"project": {"id": f"app{number}"}, "environment": environment, "features": features})


def manifests(count: int, **features: object) -> Manifests:
    return load_manifests([ManifestSource(f"{n}.yaml", manifest(n, **features)) for n in range(count)])


@pytest.mark.parametrize("value", [True, False])
def test_a_switch_for_websockets_is_said_to_have_no_effect(value: bool) -> None:
    said = [str(hint) for hint in say_of_manifests(manifests(2, websockets=value))]
    assert [text.partition(",")[0] for text in said] == [
        f"{n}.yaml: features.websockets: has no effect" for n in range(2)
    ]


def test_a_manifest_without_it_gets_no_hint() -> None:
    assert say_of_manifests(manifests(2)) == ()


def test_validate_shows_hints_and_is_content(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text(manifest(1, websockets=True))
    assert main(["validate", str(tmp_path)]) == 0
    assert "a.yaml: features.websockets: has no effect" in capsys.readouterr().err


def test_wildcards_are_said_to_need_a_stack_s_issuer_where_no_stack_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    wild = json.loads(manifest(1))
    wild["environment"]["aliases"] = [{"host": "*.app1.example.com", "serve": True}]
    (tmp_path / "a.yaml").write_text(json.dumps(wild))
    stack = """config: {"codeb:domain": lab.test, "codeb:tlsIssuer": ISSUER, "codeb:servers": [{name: one, address: 10.0.0.1,
      roles: [app, data, edge], knownHostsFile: known_hosts}]}"""
    for issuer in ("internal", "acme"):
        (tmp_path / f"Pulumi.{issuer}.yaml").write_text(stack.replace("ISSUER", issuer))
    assert main(["validate", "a.yaml"]) == 0
    assert "hint: a.yaml: environment.aliases: has wildcards" in capsys.readouterr().err
    assert main(["validate", "a.yaml", "--stack", "internal"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["validate", "a.yaml", "--stack", "acme"]) == 1
    said = capsys.readouterr().err
    assert 'environment.aliases[0]: no certificate can be ordered for "*.app1.example.com"' in said
    assert "set codeb:tlsIssuer to internal" in said
