"""Which servers are asked and with which key: the quick way says the same as the settings' model."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ops_servers import HOST_KEY, KEY

from codeb.model import parse_settings
from ops import access
from ops.access import AccessError, app_servers
from ops.pools import pool_of

ONE: dict[str, Any] = {"name": "app1", "address": "10.0.0.1", "hostKey": HOST_KEY}


def stack(folder: Path, *servers: dict[str, Any], **values: Any) -> Path:
    """A folder with `Pulumi.live.yaml`, a key file and a known-hosts file."""
    settings = {"domain": "example.com", "servers": list(servers), "sshPrivateKeyFile": "key", **values}
    config = {f"codeb:{name}": value for name, value in settings.items() if value is not None}
    (folder / "Pulumi.live.yaml").write_text(yaml.safe_dump({"config": config}))
    (folder / "key").write_text(KEY)
    (folder / "key").chmod(0o600)
    (folder / "known").write_text(f"10.0.0.2 {HOST_KEY}\n[10.0.0.2]:2222 ssh-rsa {'B' * 60}\n")
    return folder


def test_servers_with_the_role_app_are_found(tmp_path: Path) -> None:
    data = {"name": "db", "address": "10.0.0.9", "hostKey": HOST_KEY, "roles": ["data", "edge"]}
    second = {
        "name": "app2",
        "address": "10.0.0.2",
        "sshPort": 2222,
        "user": "codeb",
        "pool": "big",
        "roles": ["app"],
    }
    found = app_servers(stack(tmp_path, ONE, data, second | {"knownHostsFile": "known"}), "live")
    assert [(each.name, each.pool) for each in found] == [("app1", "default"), ("app2", "big")]
    assert (found[0].target.user, found[0].target.port, found[0].target.host_key) == ("root", 22, HOST_KEY)
    assert (found[1].target.user, found[1].target.port) == ("codeb", 2222)
    assert found[1].target.host_key == f"ssh-rsa {'B' * 60}"
    assert found[0].target.private_key == KEY


QUICK = [
    ONE,
    ONE | {"sshPort": "2022", "user": "u", "pool": "p"},
    ONE | {"roles": ["app", "data", "edge"]},
    ONE | {"roles": ["app", "data", "edge", "monitoring"]},
]


@pytest.mark.parametrize("server", QUICK)
def test_what_the_quick_way_takes_the_model_takes_too_and_says_the_same(
    tmp_path: Path, server: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = app_servers(stack(tmp_path, server), "live")
    monkeypatch.setattr(access, "_plain", lambda values: None)
    assert app_servers(tmp_path, "live") == quick
    assert parse_settings({"domain": "example.com", "servers": [server]}).servers[0].name == "app1"


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "-oProxyCommand=touch /tmp/x"},
        {"address": "10.0.0.1 -oProxyCommand=x"},
        {"user": "root; reboot"},
        {"user": "-l"},
        {"sshPort": "22 -v"},
        {"sshPort": "022x"},
        {"hostKey": f"{HOST_KEY}\n* ssh-rsa AAAA"},
        {"hostKey": ""},
        {"hostKey": None, "knownHostsFile": "--help"},
        {"roles": ["root"]},
        {"name": "../x"},
    ],
)
def test_hostile_settings_never_reach_a_command_line(tmp_path: Path, changes: dict[str, Any]) -> None:
    server = {key: value for key, value in (ONE | changes).items() if value is not None}
    with pytest.raises(AccessError, match=r"codeb:servers\[0\]"):
        app_servers(stack(tmp_path, server), "live")


def test_settings_that_are_wrong_are_explained_by_the_model(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match=r"Pulumi\.live\.yaml: can't be read"):
        app_servers(tmp_path, "live")
    with pytest.raises(AccessError, match=r"codeb:servers\[0\]\.colour: unknown key"):
        app_servers(stack(tmp_path, ONE | {"address": "UPPER", "colour": "red"}), "live")
    (tmp_path / "Pulumi.live.yaml").write_text("config: [\n")
    with pytest.raises(AccessError, match="is not YAML"):
        app_servers(tmp_path, "live")


def test_pools_are_read_by_the_model(tmp_path: Path) -> None:
    """What is wrong with a pool may be that it makes servers: then those listed are not all."""
    pools = [{"name": "default", "provider": "Vultr", "roles": ["app"]}]
    with pytest.raises(AccessError, match=r"codeb:pools\[0\]\.provider"):
        app_servers(stack(tmp_path, ONE, pools=pools), "live")


def test_a_vulnerable_image_does_not_lock_anybody_out_of_a_rollback(tmp_path: Path) -> None:
    images = {"minio": "quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z"}
    folder = stack(tmp_path, ONE, images=images)
    facts, _ = access._by_the_model(folder, "live")
    assert [each.name for each in facts] == [each.name for each in app_servers(folder, "live")] == ["app1"]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    stack(tmp_path, ONE)
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(AccessError, match="chmod 600"):
        app_servers(tmp_path, "live")
    (tmp_path / "key").unlink()
    with pytest.raises(AccessError, match="cannot read"):
        app_servers(tmp_path, "live")


def test_an_identity_file_goes_before_the_stack_s_key(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("my key")
    mine.chmod(0o600)
    found = app_servers(stack(tmp_path, ONE, sshPrivateKeyFile="nowhere"), "live", str(mine))
    assert found[0].target.private_key == "my key"


def pulumi(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A `pulumi` on the PATH that does what `script` says."""
    tool = folder / "bin" / "pulumi"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")


def test_the_stack_s_secret_is_asked_of_the_pulumi_cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi(tmp_path, monkeypatch, 'echo "$@" > called; echo "key of the stack"')
    found = app_servers(stack(tmp_path, ONE, sshPrivateKeyFile=None), "live")
    assert found[0].target.private_key == "key of the stack\n"
    assert (
        tmp_path / "called"
    ).read_text() == "config get codeb:sshPrivateKey --stack live --non-interactive\n"


def test_without_any_key_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack(tmp_path, ONE, sshPrivateKeyFile=None)
    pulumi(tmp_path, monkeypatch, 'echo "error: passphrase must be set" >&2; exit 255')
    with pytest.raises(AccessError, match=r"passphrase must be set.*--identity FILE"):
        app_servers(tmp_path, "live")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AccessError, match="no SSH key: name its file with --identity FILE"):
        app_servers(tmp_path, "live")


def test_a_server_without_a_pinned_key_is_not_asked(tmp_path: Path) -> None:
    unknown = ONE | {"hostKey": "", "knownHostsFile": "known"}
    with pytest.raises(AccessError, match=r"has no key for 10\.0\.0\.1: add one with `ssh-keyscan"):
        app_servers(stack(tmp_path, unknown), "live")


def test_the_pool_is_the_manifest_s(tmp_path: Path) -> None:
    stack(tmp_path, ONE)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "a.yaml").write_text("project: {id: shop-two}\nservers: {pool: wrong}\n")
    (tmp_path / "manifests" / "b.yaml").write_text("project: {id: shop}\nservers: {pool: big}\n")
    (tmp_path / "manifests" / "c.yaml").write_text("project: {id: plain}\n")
    (tmp_path / "manifests" / "d.yaml").write_text("project: [broken\n# shop plain other\n")
    assert [pool_of(tmp_path, "live", name) for name in ("shop", "plain", "other")] == [
        "big",
        "default",
        None,
    ]


def test_a_preview_environment_is_in_its_project_s_pool(tmp_path: Path) -> None:
    """Which has no manifest; a manifest that is called like one has the last word."""
    stack(tmp_path, ONE)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "shop.yaml").write_text("project: {id: shop}\nservers: {pool: big}\n")
    (tmp_path / "manifests" / "odd.yaml").write_text("project: {id: shop-pr-9}\nservers: {pool: odd}\n")
    names = ("shop-pr-12", "shop-pr-9", "shop-pr-0", "other-pr-1", "shop-pr-9-pr-1")
    assert [pool_of(tmp_path, "live", name) for name in names] == ["big", "odd", None, None, "odd"]


def test_the_quick_way_loads_neither_the_model_nor_pulumi(tmp_path: Path) -> None:
    stack(tmp_path, ONE)
    code = (
        "import sys, pathlib; from ops.access import app_servers; import ops.cli, ops.rollback, ops.ssh\n"
        f"app_servers(pathlib.Path({str(tmp_path)!r}), 'live')\n"
        "sys.exit(', '.join({m.split('.')[0] for m in sys.modules} & {'pydantic', 'jinja2', 'pulumi', 'cryptography'}))"
    )
    repository = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == "", "a rollback has no time to load these"


def test_the_server_that_watches_is_known_and_runs_nothing_unless_it_is_to(tmp_path: Path) -> None:
    alone = {"name": "watch1", "address": "10.0.0.8", "hostKey": HOST_KEY, "roles": ["monitoring"]}
    both = ONE | {"roles": ["app", "data", "edge", "monitoring"]}
    for server, runs in ((alone, False), (both, True)):
        folder = stack(tmp_path, ONE | {"name": "other"}, server)
        every = app_servers(folder, "live", every=True)
        assert [each.name for each in every if each.watches] == [server["name"]]
        assert (server["name"] in [each.name for each in app_servers(folder, "live")]) == runs
