"""What an app can do, tried in its own container with its own environment."""

from __future__ import annotations

import json

from stack import Stack

REDIS = """
const net = require('net');
const { REDIS_HOST, REDIS_PORT, REDIS_USERNAME, REDIS_PASSWORD } = process.env;
const socket = net.connect(Number(REDIS_PORT), REDIS_HOST);
let text = '';
socket.on('data', (data) => {
  text += data;
  const lines = text.split('\\r\\n');
  if (lines.length > 2) { console.log(lines[1]); process.exit(0); }
});
socket.write(`AUTH ${REDIS_USERNAME} ${REDIS_PASSWORD}\\r\\n${process.argv[1]}\\r\\n`);
"""
"""A line for Redis after the login; the answer's first line."""


def serving(stack: Stack, project: str) -> str:
    """The colour that serves now, as the host says it: the registry is as old as the last run."""
    status = stack.on_host("codeb-agent", "status", stdin=json.dumps({"project": project}))
    colour: str = json.loads(status.stdout)["projects"][0]["active"]
    return colour


def in_app(stack: Stack, project: str, script: str, *arguments: str) -> str:
    """The last line that a Node script prints inside the serving container of a project."""
    container = f"codeb-{project}-{serving(stack, project)}"
    done = stack.on_host("podman", "exec", container, "node", "-e", script, "--", *arguments)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip().splitlines()[-1]
