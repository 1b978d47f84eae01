"""A protected app on a real host: the agent can release it, Caddy in its container asks for logins."""

from __future__ import annotations

import json

import bcrypt
import pytest
from agent_documents import release, site
from agent_lab import AgentHost

from codeb.model import Protect

pytestmark = pytest.mark.lab

PASSWORD = "correct-horse"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()


def status(host: AgentHost, project: str, *options: str) -> str:
    domain = f"{project}.lab.test"
    resolve = ("--cacert", "/etc/codeb/ca.crt", "--resolve", f"{domain}:443:127.0.0.1")
    shown = ("--output", "/dev/null", "--write-out", "%{http_code}")
    return host.sh("curl", "-sS", "--max-time", "5", *resolve, *shown, *options, f"https://{domain}/")


def test_a_protected_app_is_released_and_asks_for_logins(host: AgentHost, project: str) -> None:
    since = f"--since=@{int(host.sh('date', '+%s'))}"
    protected = site(project, protect=Protect(users={"ann": HASH}))
    for version in ("v1", "v2"):
        answer = host.agent("release", release(f"localhost/agent/app:{version}", project, site=protected))
        assert answer.code == 0, answer.err
    assert host.version(project) == "v2", "this host's question for its health needs no login"
    assert status(host, project) == "401"
    assert status(host, project, "--user", f"ann:{PASSWORD}") != "401"
    assert status(host, project, "--user", "ann:wrong-horse") == "401"
    said = host.sh("journalctl", "--quiet", since, "--output=json")
    for secret in (HASH, HASH[7:], PASSWORD, "wrong-horse"):
        assert secret not in said + json.dumps(answer.document) + answer.err
    assert host.sh("stat", "--format=%a", f"/etc/caddy/sites/{project}.caddy").strip() == "600"
    opened = host.agent("release", release("localhost/agent/app:v2", project))
    assert opened.code == 0, opened.err
    assert status(host, project) != "401"
