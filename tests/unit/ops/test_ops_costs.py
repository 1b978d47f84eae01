"""`cost`: what the last update says, what edited settings change, and what nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.costs import cost
from ops.pulumi import PulumiError

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
APPS: dict[str, Any] = {"name": "default", "roles": ["app", "edge"], "count": 1, "plan": "vc2-6c-16gb"}
DATA: dict[str, Any] = {"name": "data", "roles": ["data"], "plan": "vc2-8c-32gb", "dataDisk": "200Gi"}
MANIFEST = "project: {id: %s}\nenvironment: {domain: %s.example.com, image: ghcr.io/x/y:1.0.0}\n"
OWN = {
    "name": "own-1", "address": "203.0.113.1", "privateAddress": "10.1.0.1", "hostKey": KEY,
    "roles": ["app", "data", "edge"],
}  # fmt: skip


def stack(folder: Path, *ids: str, **settings: Any) -> Path:
    values = {f"codeb:{key}": value for key, value in ({"domain": "example.com"} | settings).items()}
    (folder / "Pulumi.live.yaml").write_text(yaml.safe_dump({"config": values}))
    (folder / "manifests").mkdir(exist_ok=True)
    for each in ids:
        (folder / "manifests" / f"{each}.yaml").write_text(MANIFEST % (each, each))
    return folder


def fleet(folder: Path, *ids: str, count: int = 1) -> Path:
    return stack(folder, *ids, provider="vultr", pools=[APPS | {"count": count}, DATA])


def ask(folder: Path, outputs: Mapping[str, Any]) -> Any:
    return cost(folder, "live", lambda: outputs)


def test_servers_pools_and_the_stack_have_their_sums_and_an_edit_its_difference(tmp_path: Path) -> None:
    first = ask(fleet(tmp_path, "shop", "blog"), {})
    assert first.lines[0] == "stack live has not been deployed yet"
    assert "a month: app-1 vc2-6c-16gb" in first.lines[-1]
    now = {"costs": first.document["planned"]}
    lines = [line.split() for line in ask(tmp_path, now).lines]
    assert lines[1][:2] == ["server", "app-1"]
    assert [line[1] for line in lines if line and line[0] == "pool"] == ["default", "data"]
    assert ask(tmp_path, now).lines[-1] == "after the next `pulumi up`: the same"
    more = ask(fleet(tmp_path, count=2), now)
    assert more.lines[-1].startswith("after the next `pulumi up`: +$")
    assert "app-2 vc2-6c-16gb" in str(more.document["change"])


def test_servers_of_one_s_own_are_unknown_and_not_0(tmp_path: Path) -> None:
    found = ask(stack(tmp_path, "shop", servers=[OWN]), {})
    found = ask(tmp_path, {"costs": found.document["planned"]})
    assert found.lines[1] == "server  own-1  unknown: a server of your own"
    assert found.lines[2] == "stack   live   what is unknown"
    assert found.document["projects"] == {}
    assert ask(tmp_path, {"servers": {"own-1": {}}}).lines == found.lines, "such a stack has no output costs"


def test_a_project_has_a_price_where_it_has_its_pool_to_itself(tmp_path: Path) -> None:
    alone = ask(fleet(tmp_path, "shop"), {})
    assert alone.document["projects"] == {"shop": alone.document["planned"]["pools"]["default"]}
    assert ask(fleet(tmp_path, "shop", "blog"), {}).document["projects"] == {}


@pytest.mark.parametrize(
    "found", ["x", 1, [], {"items": "x", "servers": {"a": "b"}, "unknown": 7, "as_of": "\x1b[2J"}]
)
def test_outputs_of_another_time_are_no_defect(tmp_path: Path, found: object) -> None:
    result = ask(fleet(tmp_path, "shop"), {"costs": found})
    assert result.ok
    assert "\x1b" not in "".join(result.lines)


def test_what_stands_in_the_way_is_said(tmp_path: Path) -> None:
    def down() -> Mapping[str, Any]:
        raise PulumiError("the pulumi CLI is not on the PATH")

    assert cost(tmp_path, "live", down).problems == ("error: the pulumi CLI is not on the PATH",)
    assert not ask(tmp_path, {}).ok
    assert not ask(stack(tmp_path, servers="x"), {}).ok


def test_preview_environments_and_deployed_images_are_part_of_what_is_planned(tmp_path: Path) -> None:
    digest = "ghcr.io/x/y@sha256:" + "a" * 64
    opened = {"project": "shop", "pull": 1.0, "image": digest, "until": "2026-11-30T12:00:00Z"}
    registry = {
        "version": 1.0,
        "projects": {},
        "images": {"shop": {"image": digest, "instead_of": "ghcr.io/x/y:1.0.0"}},
        "previews": {"shop-pr-1": opened},
    }
    options: dict[str, Any] = {"development": True, "previews": {"max": 1}}
    pools = [APPS | {"count": 1}, DATA]
    folder = stack(tmp_path, "shop", provider="vultr", pools=pools, **options)
    found = ask(folder, {"registry": registry})
    assert found.document["ok"]
    assert not found.document["projects"], "two share the pool: of none can be said what it costs"
    assert (
        ask(stack(tmp_path, "shop", provider="vultr", pools=pools), {"registry": registry})
        .problems[0]
        .startswith(
            "error: codeb:previews: is not set, and there are to be preview environments: shop-pr-1. "
        )
    )
