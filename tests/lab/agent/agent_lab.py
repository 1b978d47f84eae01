"""A lab host of the agent's own, and the documents that its tests send."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.program.build import zipapp
from codeb import names
from codeb.render.text import render
from lab.host import Lab

HERE = Path(__file__).parent
NAME = "codeb7"
QUADLET = "/etc/containers/systemd"
CADDY_UNIT = """[Unit]
Description=Caddy

[Container]
ContainerName=caddy
Image=localhost/lab/caddy:2.11.7
Pull=never
Network=host
Volume=/etc/caddy:/etc/caddy:ro
Volume=/etc/codeb/ca.crt:/etc/codeb/ca.crt:ro
Volume=/etc/codeb/secrets/ca.key:/run/secrets/ca.key:ro
Tmpfs=/run/caddy:rw,mode=0700
Exec=caddy run --config /etc/caddy/Caddyfile --adapter caddyfile
Notify=true

[Service]
ExecReload=/usr/bin/podman exec caddy caddy reload --config /etc/caddy/Caddyfile --adapter caddyfile
Restart=always

[Install]
WantedBy=multi-user.target
"""
REDIS_UNIT = """[Unit]
Description=Redis

[Container]
ContainerName=redis-0
Image=localhost/lab/redis:7
Pull=never
PublishPort=127.0.0.1:6379:6379
Volume=/srv/codeb/redis-0:/data
Exec=redis-server --port 6379 --aclfile /data/users.acl --dir /data --protected-mode no

[Service]
ExecStartPre=/usr/bin/install -d -m 777 /srv/codeb/redis-0
ExecStartPre=/usr/bin/cp --update=none /etc/codeb/secrets/redis.acl /srv/codeb/redis-0/users.acl
ExecStartPre=/usr/bin/chmod 666 /srv/codeb/redis-0/users.acl
Restart=always

[Install]
WantedBy=multi-user.target
"""
REDIS_ADMIN = "lab-redis-admin-password"


@dataclass(frozen=True)
class Answer:
    """How a run of the agent ended."""

    code: int
    document: dict[str, Any]
    err: str
    seconds: float


@dataclass(frozen=True)
class AgentHost:
    """The lab host, with the agent on it."""

    lab: Lab

    def sh(self, *argv: str, stdin: str = "", check: bool = True) -> str:
        done = self.lab.run(NAME, argv, stdin.encode())
        assert not check or done.returncode == 0, f"{argv}: {done.stderr.decode()}"
        return done.stdout.decode()

    def agent(self, verb: str, document: object = None) -> Answer:
        start = time.monotonic()
        done = self.lab.run(NAME, ["codeb-agent", verb], json.dumps(document or {}).encode())
        seconds = time.monotonic() - start
        return Answer(done.returncode, json.loads(done.stdout or b"{}"), done.stderr.decode(), seconds)

    def kill_at(self, phase: str, verb: str, document: object) -> str:
        """Run the agent, kill -9 it when it reaches a phase; its exit status, 137 when the kill came in time."""
        self.put("/run/kill_at.sh", (HERE / "kill_at.sh").read_text(), "755")
        self.put("/run/document.json", json.dumps(document))
        return self.sh("/run/kill_at.sh", phase, verb, "/run/document.json").strip()

    def kill_after(self, seconds: float, verb: str, document: object) -> None:
        """Run the agent, kill -9 it after some time if it still runs then."""
        self.put("/run/document.json", json.dumps(document))
        line = f"timeout -s KILL {seconds:.2f} codeb-agent {verb} </run/document.json"
        self.sh("sh", "-c", line, check=False)

    def await_phase(self, project: str, phase: str, timeout: float = 30) -> None:
        """Wait until the agent has reached a phase after this call."""
        since = self.sh("date", "+%s.%N").strip()
        deadline = time.monotonic() + timeout
        words = ["journalctl", "-q", "-t", "codeb-agent", f"--since=@{since}", "-o", "cat"]
        while f"{project}: {phase}" not in self.sh(*words).splitlines():
            assert time.monotonic() < deadline, f"{phase} was not reached"
            time.sleep(0.05)

    def put(self, path: str, text: str, mode: str = "644") -> None:
        self.sh("install", "-D", "-m", mode, "/dev/stdin", path, stdin=text)

    def get(self, project: str) -> str:
        """What users of the project get, through Caddy: the version, or the error."""
        domain = f"{project}.lab.test"
        return self.sh(
            *("curl", "-sS", "--max-time", "5", "--cacert", "/etc/codeb/ca.crt"),
            *("--resolve", f"{domain}:443:127.0.0.1", f"https://{domain}/api/health"),
            check=False,
        )

    def version(self, project: str) -> str:
        text = self.get(project)
        try:
            return str(json.loads(text)["version"])
        except (ValueError, KeyError):
            return f"no version: {text}"


def install(host: AgentHost) -> None:
    """The agent as the program installs it."""
    host.sh("mkdir", "-p", "/usr/local/lib/codeb")
    done = host.lab.run(
        NAME, ["install", "-m", "755", "/dev/stdin", "/usr/local/lib/codeb/agent.pyz"], zipapp()
    )
    assert done.returncode == 0, done.stderr
    host.sh("/usr/local/lib/codeb/agent.pyz", "precompile")
    host.sh("ln", "-sfn", "/usr/local/lib/codeb/agent.pyz", "/usr/local/bin/codeb-agent")


def build_image(host: AgentHost, version: str, mode: str = "good", repository: str = "agent/app") -> str:
    """A local image of the tiny app, of its own for each repository."""
    name = f"localhost/{repository}:{version}"
    host.put("/root/app/server.cjs", (HERE / "server.cjs").read_text())
    lines = [
        "FROM localhost/lab/node:22",
        "COPY server.cjs /server.cjs",
        f"ENV MODE={mode} VERSION={version}",
        f"LABEL repository={repository}",
        'ENTRYPOINT ["node", "/server.cjs"]',
    ]
    host.put("/root/app/Containerfile", "\n".join(lines) + "\n")
    host.sh("podman", "build", "--quiet", "--pull=never", "--network=none", "-t", name, "/root/app")
    return name


def bundle(ca: str, key: str, **changes: object) -> dict[str, Any]:
    """A small platform: Caddy and Redis."""

    def file(path: str, content: str, mode: str = "0644", **units: list[str]) -> dict[str, Any]:
        return {"path": path, "content": content, "mode": mode, "owner": "root:root", **units}

    acl = f"user default on >{REDIS_ADMIN} ~* &* +@all\n"
    return {
        "version": 1,
        "packages": ["podman", "nftables"],
        "directories": [
            {"path": path, "mode": mode, "owner": "root:root"}
            for path, mode in (
                ("/etc/codeb", "0755"),
                ("/etc/codeb/secrets", "0700"),
                ("/etc/caddy", "0755"),
                ("/etc/caddy/sites", "0755"),
                ("/etc/caddy/upstreams", "0755"),
                ("/etc/caddy/canaries", "0755"),
                ("/etc/caddy/maintenance", "0755"),
            )
        ],
        "files": [
            file("/etc/codeb/ca.crt", ca),
            file("/etc/codeb/secrets/ca.key", key, "0600"),
            file("/etc/codeb/secrets/redis.acl", acl, "0600"),
            file("/etc/caddy/Caddyfile", caddyfile(), reloads=["caddy.service"]),
            file(f"{QUADLET}/caddy.container", CADDY_UNIT, restarts=["caddy.service"]),
            file(names.HOLD_FILE, render("caddy/hold.nft")),
            file(f"{QUADLET}/redis-0.container", REDIS_UNIT, restarts=["redis-0.service"]),
        ],
        "services": [
            {
                "name": "redis-0.service",
                "wait": {"kind": "tcp", "address": "127.0.0.1:6379", "timeout_s": 60},
            },
            {"name": "caddy.service", "wait": {"kind": "tcp", "address": "127.0.0.1:80", "timeout_s": 60}},
        ],
        **changes,
    }


def gates(project: str = "agent-one", *, slow: bool = False) -> dict[str, Any]:
    """A release command and a canary, short or long enough to be disturbed in."""
    lines = [
        "[Unit]",
        "StartLimitIntervalSec=0",
        "[Container]",
        f"ContainerName=codeb-{project}-job",
        "Image=@IMAGE@",
        "Pull=never",
        f"Network=codeb-{project}.network",
        f"EnvironmentFile=/etc/codeb/projects/{project}/candidate.env",
        "Entrypoint=node",
        f'Exec="-e" "setTimeout(() => process.exit(0), {2000 if slow else 100})"',
        "LogDriver=journald",
        "[Service]",
        "Type=oneshot",
        "Restart=no",
        f"EnvironmentFile=/etc/codeb/projects/{project}/candidate.image",
    ]
    unit = {"name": f"codeb-{project}-job.container", "content": "\n".join(lines) + "\n"}
    wait_ms = 4000 if slow else 500
    return {
        "job": {"unit": unit, "timeout_ms": 30_000},
        "canary": {"steps": [5, 25], "wait_ms": wait_ms, "max_error_percent": 5.0},
    }


def site(project: str, max_upload: int = 1 << 20, canary_steps: Sequence[tuple[int, str]] = ()) -> str:
    """The site as the platform renders it."""
    return render(
        "caddy/site.caddy",
        id=project,
        domain=f"{project}.lab.test",
        aliases=(),
        metrics_path="/api/metrics",
        max_upload=max_upload,
        upstream_file=names.upstream_file(project),
        maintenance_dir=names.MAINTENANCE_DIR,
        canaries_dir=names.CANARIES_DIR,
        canary_steps=canary_steps,
    )


def caddyfile() -> str:
    """The Caddyfile as the platform renders it; nothing stands behind its own hosts."""
    return render(
        "caddy/Caddyfile",
        internal_issuer=True,
        acme_email=None,
        caddy_dir=names.CADDY_DIR,
        ca_file=names.CA_FILE,
        data_host="127.0.0.1",
        minio_port=9000,
        minio_console_port=9001,
        **{f"{name}_host": f"{name}.agent.test" for name in ("minio", "s3", "metrics")},
    )


def release(image: str, project: str = "agent-one", port: int = 3901, **changes: object) -> dict[str, Any]:
    """A release of the tiny app."""

    def colour(name: str, number: int) -> dict[str, str]:
        lines = [
            "[Unit]",
            "StartLimitIntervalSec=0",
            "[Container]",
            f"ContainerName=codeb-{project}-{name}",
            "Image=@IMAGE@",
            "Pull=never",
            f"Network=codeb-{project}.network",
            f"EnvironmentFile=/etc/codeb/projects/{project}/{name}.env",
            f"PublishPort=127.0.0.1:{number}:3000",
            "LogDriver=journald",
            "StopTimeout=5",
            "[Service]",
            f"EnvironmentFile=/etc/codeb/projects/{project}/{name}.image",
            "Restart=always",
            "RestartSec=1",
        ]
        return {"name": f"codeb-{project}-{name}.container", "content": "\n".join(lines) + "\n"}

    document: dict[str, Any] = {
        "version": 1,
        "project": project,
        "image": image,
        "pull": "never",
        "ports": {"blue": port, "green": port + 1},
        "publish": "127.0.0.1",
        "units": {
            "network": {
                "name": f"codeb-{project}.network",
                "content": f"[Network]\nNetworkName=codeb-{project}\nOptions=isolate=true\n",
            },
            "blue": colour("blue", port),
            "green": colour("green", port + 1),
            "cron": [],
        },
        "site": site(project),
        "domain": f"{project}.lab.test",
        "environment": {"SECRET_TOKEN": "sekret-token-of-the-app"},
        "cache": None,
        "health": {
            "path": "/api/health",
            "interval_ms": 200,
            "timeout_ms": 2000,
            "successes": 3,
            "max_response_ms": 500,
            "start_timeout_ms": 20000,
        },
        "standby_minutes": 60,
    }
    return {**document, **changes}
