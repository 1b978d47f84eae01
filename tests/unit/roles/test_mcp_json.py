"""`.mcp.json`: what Claude Code would start is a server that `codeb` can be, and nothing secret stands in it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from ops.mcp.server import NAME
from ops.mcp.world import is_development
from tests.unit.roles.references import ROOT, parser
from tests.unit.roles.role_files import MCP

TEXT = (ROOT / ".mcp.json").read_text()
SERVER: dict[str, Any] = json.loads(TEXT)["mcpServers"][NAME]
VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::-([^}]*))?\}")


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """As Claude Code does it in command, args and env: https://code.claude.com/docs/en/mcp"""
    return VARIABLE.sub(lambda found: environment.get(found[1], found[2] or ""), text)


def test_the_server_is_called_as_the_roles_call_it() -> None:
    assert list(json.loads(TEXT)["mcpServers"]) == [NAME]
    assert f"mcp__{NAME}__" == MCP


@pytest.mark.parametrize(
    ("environment", "stack"),
    [({}, "dev"), ({"CODEB_STACK": "fleet"}, "fleet"), ({"CODEB_STACK": "prod"}, "prod")],
)
def test_its_arguments_are_those_of_codeb_mcp(environment: dict[str, str], stack: str) -> None:
    options = parser().parse_args([expanded(each, environment) for each in SERVER["args"]])
    assert (options.command, options.stacks, options.allow_deploy) == ("mcp", [stack], True)
    assert (ROOT / f"Pulumi.{stack}.yaml").is_file()


def test_arguments_that_codeb_refuses_are_refused_here(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (
        ["mcp", "--allow-deploy"],
        ["mcp", "--stack", "../dev"],
        ["mcp", "--stack", "dev", "--yes"],
    ):
        with pytest.raises(SystemExit):
            parser().parse_args(wrong)
    assert "--stack" in capsys.readouterr().err


def test_the_stack_that_it_takes_by_itself_is_one_for_development() -> None:
    assert is_development(
        ROOT, parser().parse_args([expanded(each, {}) for each in SERVER["args"]]).stacks[0]
    )


def test_its_command_is_what_the_project_installs() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    folder, _, command = SERVER["command"].rpartition("/")
    assert command in scripts
    assert folder == ".lab/venv/bin", "where lab/bootstrap.sh puts it"


def test_it_hands_variables_on_and_holds_no_value() -> None:
    assert set(SERVER) == {"type", "command", "args", "env"}
    for name, value in SERVER["env"].items():
        assert value == f"${{{name}:-}}", "unset is empty, which Pulumi takes as unset"
        assert not re.search(r"(KEY|TOKEN|SECRET|PASSWORD|PASSPHRASE)$", name), (
            f"{name} would be in a process's environment"
        )
