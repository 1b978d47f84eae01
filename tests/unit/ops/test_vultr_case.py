"""What the commands start from: whose mark, which key, and that they refuse without either."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ops_stack import Stack
from vultr_api import KEY, Reply, scripted

from codeb.fleet import mark_of
from codeb.secrets import RootSecret
from ops.vultr.case import NoFleet, api_key, read_case
from ops.vultr.client import Client, WrongKey

ROOT = "0123456789abcdef" * 4


def settings(folder: Path, **values: str) -> Path:
    config = {f"codeb:{name}": value for name, value in values.items()}
    (folder / "Pulumi.live.yaml").write_text(yaml.safe_dump({"config": config}))
    return folder


LISTS = (
    "load_balancers",
    "reserved_ips",
    "instances",
    "blocks",
    "vfs",
    "databases",
    "object_storages",
    "firewall_groups",
    "vpcs",
    "ssh_keys",
)


def test_after_a_destroy_the_root_secret_tells_the_mark(tmp_path: Path) -> None:
    mark = mark_of("live", RootSecret(ROOT))
    left = {"id": "vpc-1", "description": mark}
    answers = [Reply(body={name: [left] if name == "vpcs" else [] for name in LISTS}) for _ in LISTS]
    with scripted(*answers) as script:
        client = Client(KEY, script.url)
        case = read_case(
            Stack("live", settings={"rootSecret": ROOT}), settings(tmp_path, provider="vultr"), client
        )
    assert (case.owner, case.complete) == (mark, True)
    assert [(each.what, each.id, each.trouble.value) for each in case.findings] == [
        ("VPC", "vpc-1", "unknown")
    ]


@pytest.mark.parametrize("config", [{}, {"rootSecret": "weak"}])
def test_without_a_mark_nothing_is_compared(tmp_path: Path, config: dict[str, str]) -> None:
    for values in (
        {"provider": "vultr"},
        {"provider": "existing"},
        {"provider": "vultr", "rootSecretFile": "nowhere"},
    ):
        with pytest.raises(NoFleet, match="has nothing at Vultr in its state"):
            read_case(Stack("live", settings=config), settings(tmp_path, **values))


def test_the_key_is_the_stack_s_or_the_environment_s(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Stack("live", settings={"vultrApiKey": "key-of-the-stack"})
    monkeypatch.delenv("VULTR_API_KEY", raising=False)
    assert api_key(own, {}) == "key-of-the-stack", "it may come from Pulumi ESC"
    with pytest.raises(WrongKey, match="no Vultr API key"):
        api_key(Stack("live"), {})
    monkeypatch.setenv("VULTR_API_KEY", "key-of-the-environment\n")
    assert api_key(own, {}) == "key-of-the-environment"
    assert api_key(own, {"vultrApiKey": {"secure": "…"}}) == "key-of-the-stack", "as the program takes it"
    assert api_key(Stack("live"), {"vultrApiKey": {"secure": "…"}}) == "key-of-the-environment"
