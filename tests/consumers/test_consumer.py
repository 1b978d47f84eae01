"""The other team's program on the real CLI, beside a stack that exports what our program exports: no host is asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from codeb.outputs.stack import SECRET_VARIABLES
from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.pulumi.cli import cli
from lab.pulumi.home import Home
from tests.components.recording import ALL, SUPPLIED, record
from tests.consumer import Consumer
from tests.outputs import REPO, decrypted

pytestmark = pytest.mark.cli

PLATFORM = "organization/codeb/prod"
SHOP_URL = "https://shop.lab.test"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home of the tests' own."""
    made = Home(tmp_path_factory.mktemp("pulumi"))
    made.ensure(cli(Folders.here(), Progress(), ()))
    return made


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the program exports for three projects, secrets in plain text."""
    found: dict[str, Any] = decrypted(
        record(tmp_path_factory.mktemp("program"), ALL, config=SUPPLIED).outputs[-1]
    )
    return found


class Platform:
    """The stack `codeb/prod`, which exports what it is told."""

    def __init__(self, folder: Path, home: Home) -> None:
        (folder / "backend").mkdir()
        self.folder, self._home = folder / "platform", home
        self.folder.mkdir()
        self.environment = {
            "PATH": f"{home.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PULUMI_HOME": str(home.folder),
            "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "recorded",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        (self.folder / "Pulumi.yaml").write_text("name: codeb\nruntime: python\n")
        shutil.copy(Path(__file__).with_name("program.py"), self.folder / "__main__.py")
        self.pulumi("stack", "init", "prod")

    def exports(self, outputs: dict[str, Any]) -> None:
        wrapped = deepcopy(outputs)
        for variables in wrapped.get("connections", {}).values():
            variables |= {name: {"secret": variables[name]} for name in SECRET_VARIABLES & variables.keys()}
        (self.folder / "outputs.json").write_text(json.dumps(wrapped))
        self.pulumi("up", "--yes", "--skip-preview")

    def pulumi(self, *arguments: str) -> None:
        line = [str(self._home.pulumi), *arguments, "--non-interactive"]
        done = subprocess.run(
            line,
            cwd=self.folder,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def platform(tmp_path: Path, home: Home) -> Platform:
    return Platform(tmp_path, home)


@pytest.fixture
def consumer(tmp_path: Path, home: Home, platform: Platform) -> Iterator[Consumer]:
    made = Consumer(tmp_path / "consumer", home, platform.environment)
    with made.stack(PLATFORM, "shop"):
        yield made
    assert made.files() == {}, "destroyed, and something is left"


def test_a_project_comes_changes_and_goes(
    platform: Platform, consumer: Consumer, exported: dict[str, Any]
) -> None:
    now = deepcopy(exported)
    for part in (now["registry"]["projects"], now["projects"], now["connections"]):
        del part["bare"]
    platform.exports(now)
    consumer.up()
    assert consumer.files().keys() == {"targets/shop.json", "targets/vault-app.json", "shop.env"}
    assert json.loads(consumer.files()["targets/shop.json"])[0]["targets"] == [SHOP_URL]
    assert consumer.outputs()["report"] == {"project": "shop", "url": SHOP_URL, "database": "shop_db"}
    assert consumer.steps() == set()

    platform.exports(exported)
    assert consumer.steps() == {("create", "watch-bare")}

    now = deepcopy(exported)
    now["registry"]["projects"]["shop"]["domain"] = "new.lab.test"
    now["connections"]["shop"]["DATABASE_URL"] = "postgresql://rotated"
    platform.exports(now)
    assert consumer.steps() == {("create", "watch-bare"), ("update", "watch-shop"), ("update", "report-shop")}
    consumer.up()
    assert "https://new.lab.test" in consumer.files()["targets/shop.json"]
    assert "DATABASE_URL=postgresql://rotated\n" in consumer.files()["shop.env"]

    now["registry"]["projects"]["shop"]["status"] = "retained"
    del now["projects"]["shop"], now["connections"]["shop"]
    platform.exports(now)
    said = consumer.up()
    assert f"{PLATFORM} does not serve shop (it serves bare, vault-app)" in said
    assert consumer.files().keys() == {"targets/bare.json", "targets/vault-app.json"}
    assert consumer.outputs()["watched"].keys() == {"bare", "vault-app"}
    assert consumer.outputs().keys() == {"watched"}


def test_what_is_secret_stays_so(platform: Platform, consumer: Consumer, exported: dict[str, Any]) -> None:
    platform.exports(exported)
    said = consumer.up() + consumer.done("preview", "--diff") + consumer.state()
    variables = exported["connections"]["shop"]
    kept = SECRET_VARIABLES & variables.keys()
    assert len(kept) == 4
    assert not [name for name in kept if variables[name] in said]
    assert consumer.outputs()["databaseUrl"] == "[secret]"
    assert consumer.outputs(secrets=True)["databaseUrl"] == variables["DATABASE_URL"]
    lines = consumer.files()["shop.env"].splitlines()
    assert f"DATABASE_URL={variables['DATABASE_URL']}" in lines
    assert f"MINIO_SECRET_KEY={variables['MINIO_SECRET_KEY']}" in lines
    modes = {path: (consumer.folder / "made" / path).stat().st_mode & 0o777 for path in consumer.files()}
    assert modes.pop("shop.env") == 0o600
    assert set(modes.values()) == {0o644}, "the monitoring is another user"


def test_what_a_later_program_adds_is_passed_over(
    platform: Platform, consumer: Consumer, exported: dict[str, Any]
) -> None:
    platform.exports(exported)
    consumer.up()
    now = deepcopy(exported)
    now["versions"] |= {"registryV2": 2, "weather": 1}
    now["weather"] = now["registryV2"] = now["registry"]["projects"]["shop"]["mood"] = {"more": ["than", 1]}
    now["connections"]["shop"]["KAFKA_URL"] = "kafka://x"
    now["registry"]["projects"]["vault-app"]["status"] = "hibernating"
    now["registry"]["more"] = 1
    platform.exports(now)
    assert consumer.steps() == {("delete", "watch-vault-app")}, "a status that nobody knows serves nobody"


@pytest.mark.parametrize(
    ("versions", "words"),
    [
        pytest.param(None, "does not say which version its outputs have", marks=pytest.mark.slow),
        ({"registry": 2, "connections": 1}, "registry (version 2, needed: version 1)"),
        pytest.param({"registry": 1}, "connections (not there, needed: version 1)", marks=pytest.mark.slow),
    ],
)
def test_another_version_is_refused_in_words_and_nothing_is_touched(
    platform: Platform,
    consumer: Consumer,
    exported: dict[str, Any],
    versions: dict[str, int] | None,
    words: str,
) -> None:
    platform.exports(exported)
    consumer.up()
    before = consumer.files()
    now = {key: value for key, value in exported.items() if key != "versions"}
    platform.exports(now | ({"versions": versions} if versions else {}))
    refused = consumer.refused("up", "--yes", "--skip-preview")
    assert words in refused
    assert PLATFORM in refused
    assert "Traceback" not in refused
    assert consumer.files() == before


def test_a_stack_of_before_says_no_versions_and_one_that_is_not_there_is_said(
    tmp_path: Path, platform: Platform, consumer: Consumer
) -> None:
    state = tmp_path / "backend" / ".pulumi" / "stacks" / "codeb" / "dev.json"
    shutil.copy(REPO / "tests" / "upgrades" / "several-servers.json", state)
    consumer.done("config", "set", "platform", "organization/codeb/dev")
    assert "Ask the platform's team for a `pulumi up`" in consumer.refused("preview")
    consumer.done("config", "set", "platform", "organization/codeb/nowhere")
    assert "organization/codeb/nowhere" in consumer.refused("preview")
