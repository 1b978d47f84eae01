"""Servers that the stack has made itself: where they are and which host key they have is in its outputs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from ops_servers import HOST_KEY, KEY

from ops.access import AccessError, app_servers, server_named

APP = {
    "id": "1",
    "address": "192.0.2.1",
    "privateAddress": "10.64.0.3",
    "hostKey": HOST_KEY,
    "pool": "default",
    "roles": ["app", "edge"],
}
DATA = {**APP, "address": "192.0.2.3", "pool": "data", "roles": ["data"]}


def stack(folder: Path, monkeypatch: pytest.MonkeyPatch, made: object, **values: Any) -> Path:
    """A folder with `Pulumi.live.yaml`, and a `pulumi` that has this output and the stack's key."""
    settings = {"domain": "example.com", "provider": "vultr", **values}
    config = {f"codeb:{name}": value for name, value in settings.items()}
    (folder / "Pulumi.live.yaml").write_text(yaml.safe_dump({"config": config}))
    (folder / "output.json").write_text(json.dumps({"owner": "codeb-live-1a2b3c", "servers": made}))
    (folder / "key").write_text(KEY)
    tool = folder / "bin" / "pulumi"
    tool.parent.mkdir()
    here = f"cat {folder}"
    tool.write_text(
        f'#!/bin/sh\necho "$@" >> {folder}/called\ncase $1 in stack) {here}/output.json;; *) {here}/key;; esac\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    return folder


def test_servers_and_host_keys_are_those_of_the_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = stack(tmp_path, monkeypatch, {"app-1": APP, "data-1": DATA})
    (found,) = app_servers(folder, "live")
    assert (found.name, found.pool) == ("app-1", "default")
    assert (found.target.user, found.target.address, found.target.port) == ("root", "192.0.2.1", 22)
    assert (found.target.host_key, found.target.private_key) == (HOST_KEY, KEY)
    assert [each.name for each in app_servers(folder, "live", every=True)] == ["app-1", "data-1"]
    named = server_named(folder, "live", "data-1")
    assert named is not None
    assert named.target.address == "192.0.2.3"
    assert server_named(folder, "live", "app-9") is None
    called = (tmp_path / "called").read_text()
    assert "stack output fleet --json --stack live --non-interactive" in called
    assert "--show-secrets" not in called


def test_servers_that_exist_already_are_those_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"name": "old-1", "address": "10.0.0.1", "hostKey": HOST_KEY, "pool": "old"}
    pools = [{"name": "default", "provider": "vultr"}, {"name": "old", "provider": "existing"}]
    folder = stack(tmp_path, monkeypatch, {"app-1": APP}, provider="existing", servers=[own], pools=pools)
    assert [(each.name, each.pool) for each in app_servers(folder, "live")] == [
        ("app-1", "default"),
        ("old-1", "old"),
    ]


@pytest.mark.parametrize(
    "facts",
    [
        {**APP, "address": "-oProxyCommand=touch /tmp/x"},
        {**APP, "address": "1.2.3.4 -v"},
        {**APP, "hostKey": f"{HOST_KEY}\n* ssh-rsa AAAA"},
        {**APP, "hostKey": ""},
        {**APP, "roles": ["root"]},
        {**APP, "address": {"secret": 1}},
        {"roles": ["app"]},
    ],
)
def test_outputs_of_another_shape_never_reach_a_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, facts: dict[str, Any]
) -> None:
    folder = stack(tmp_path, monkeypatch, {"app-1": facts})
    with pytest.raises(AccessError, match="not plainly right"):
        app_servers(folder, "live")


def test_a_stack_before_its_first_update_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = stack(tmp_path, monkeypatch, None)
    with pytest.raises(AccessError, match="its first `pulumi up` makes the servers"):
        app_servers(folder, "live")
    (folder / "bin" / "pulumi").write_text(
        "#!/bin/sh\n[ $1 = config ] && cat key && exit\necho 'error: no stack named live' >&2; exit 255\n"
    )
    with pytest.raises(AccessError, match="no stack named live"):
        app_servers(folder, "live")
    (folder / "key").chmod(0o600)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AccessError, match="pulumi CLI is not on the PATH"):
        app_servers(folder, "live", str(folder / "key"))
