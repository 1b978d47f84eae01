"""Values of variables reach the app, its release command and its cron jobs byte for byte: real Quadlet, real Podman."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from agent_lab import AgentHost

from codeb.model import ManifestSource, load_manifests, parse_settings
from codeb.plan import make_plan
from codeb.secrets import RootSecret
from components.documents import Drafts, releases

pytestmark = pytest.mark.lab
IMAGE = "localhost/agent/environment:1"
PRINT = (
    "const said = JSON.stringify({environment: process.env, arguments: process.argv.slice(1)});"
    "process.stdout.write(Buffer.from(said).toString('base64') + '\\n')"
)
ARGUMENTS = ["", "--title", "", "a b", ""]
VALUES = {
    "PEM": "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----\n",
    "CRLF": "first\r\nsecond\r",
    "BREAKS": "\n\n",
    "QUOTES": "\"double\" 'single' `back`\n$HOME ${HOME} $$ %h %% \\ \\\\ \\n # no comment\nOTHER=x\n",
    "SIGNS": "ä€😀\u2028\u0085\x01\x1b\x7f\t\n",
    "SPACES": "  first \n  last  ",
    "END": "a\\\nb\\",
    "ONE_SPACES": "  x  ",
    "ONE_TAB": "\t",
    "ONE_HASH": "# x",
    "ONE_QUOTES": "'a' \"b\" $HOME ${X} `id` \\ %h",
    "ONE_SIGNS": "ä😀\u2028\u0085\x01\x7f\x0b",
    "ONE_EMPTY": "",
    "ONE_EQUALS": "a=b=c",
}
VARIABLES = {name: value for name, value in VALUES.items() if max(map(ord, value), default=0) < 0x7F}
"""Those that JSON and YAML write alike, as the manifest here is both."""
SECRETS = {f"SECRET_{name}": value for name, value in VALUES.items()}
MANIFEST: dict[str, Any] = {
    "project": {"id": "agent-env"},
    "environment": {
        "domain": "agent-env.lab.test",
        "image": IMAGE,
        "variables": VARIABLES,
        "secrets": sorted(SECRETS),
    },
    "servers": {"ports": {"app": 3931, "internal": 3932}},
    "resources": {name: {"enabled": False} for name in ("database", "cache", "storage")},
    "features": {
        "release_command": ["node", "-e", PRINT, *ARGUMENTS],
        "cron": [{"name": "print", "schedule": "2099-01-01", "command": ["node", "-e", PRINT, *ARGUMENTS]}],
    },
    "monitoring": {"health": {"interval": "200ms"}},
}


def document(**variables: str) -> dict[str, Any]:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
    server = {"name": "one", "address": "10.77.0.2", "roles": ["app", "data", "edge"], "hostKey": key}
    settings = parse_settings({"domain": "lab.test", "servers": [server]})
    environment = MANIFEST["environment"]
    manifest = {**MANIFEST, "environment": {**environment, "variables": {**VARIABLES, **variables}}}
    plan = make_plan(settings, load_manifests([ManifestSource("env.yaml", json.dumps(manifest))]), None)
    root = RootSecret("A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0")
    return dict(releases(Drafts(plan), root, {"agent-env": SECRETS})["agent-env"]["one"].make({}))


@pytest.fixture
def image(host: AgentHost) -> None:
    """An app whose command is not its entrypoint, so that others can be run in it."""
    lines = ["FROM localhost/lab/node:22", "ENV MODE=good VERSION=1", "ENTRYPOINT []"]
    lines += ["COPY server.cjs /server.cjs", 'CMD ["node", "/server.cjs"]']
    host.put("/root/app/Containerfile", "\n".join(lines) + "\n")
    host.sh("podman", "build", "--quiet", "--pull=never", "--network=none", "-t", IMAGE, "/root/app")
    host.agent("remove", {"project": "agent-env"})


def differing(found: dict[str, str]) -> list[str]:
    wanted = {**VARIABLES, **SECRETS}
    return [name for name, value in wanted.items() if found.get(name) != value]


def printed(host: AgentHost, service: str) -> dict[str, str]:
    """The environment that the last run of a service printed, once its arguments are as they should be."""
    mine = [f"_SYSTEMD_UNIT={service}.service", "SYSLOG_IDENTIFIER=agent-env"]
    text = host.sh("journalctl", *mine, "-o", "cat", "-n", "1").strip()
    said = json.loads(base64.b64decode(text))
    assert said["arguments"] == ARGUMENTS, "empty ones too"
    found: dict[str, str] = said["environment"]
    return found


def test_the_app_its_release_command_and_its_cron_jobs_get_every_value_as_it_is(
    host: AgentHost, image: None
) -> None:
    answer = host.agent("release", document())
    assert answer.code == 0, answer.err
    process = host.sh("podman", "inspect", "-f", "{{.State.Pid}}", "codeb-agent-env-blue").strip()
    texts = host.sh("cat", f"/proc/{process}/environ").split("\0")
    assert differing(dict(text.partition("=")[::2] for text in texts)) == []
    assert differing(printed(host, "codeb-agent-env-job")) == []
    host.sh("systemctl", "start", "codeb-agent-env-cron-print.service")
    assert differing(printed(host, "codeb-agent-env-cron-print")) == []
    shown = host.sh("systemctl", "cat", "codeb-agent-env-blue.service", "codeb-agent-env-job.service")
    assert "MIGHAgEAMBMGByqGSM49" not in shown
    again = host.agent("release", document())
    assert (again.code, again.document["changed"]) == (0, False), again.err
    refused = host.agent("release", document(MODE="good\n"))
    assert (refused.code, refused.document["phase"]) == (1, "check"), refused.err
    assert "the image sets MODE itself" in refused.err
    host.agent("remove", {"project": "agent-env"})
