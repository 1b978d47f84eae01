"""Consoles of all three data services on the deployed stack, and commands in an app, by the real `codeb`."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from urllib.parse import urlsplit

import pytest
from stack import Stack

from lab import paths

pytestmark = [pytest.mark.lab, pytest.mark.slow]

SECONDS = 60


def codeb(stack: Stack, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    place = arguments.index("--") if "--" in arguments else len(arguments)
    argv = [str(paths.CODEB), *arguments[:place], "--stack", "dev", *arguments[place:]]
    return subprocess.run(
        argv,
        cwd=stack.folder,
        input=text,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_psql_is_the_projects_own_role_in_its_own_database(stack: Stack) -> None:
    done = codeb(stack, "console", "blog", "db", text="\\t\nselect current_user, current_database();\n")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^ blog +\| blog_db$", done.stdout, re.MULTILINE)
    wrong = codeb(stack, "console", "blog", "db", text="select * from pg_authid;\nselect 'after';\n")
    assert (wrong.returncode, "after" in wrong.stdout) == (3, False)
    assert "permission denied" in wrong.stderr
    files = codeb(stack, "console", "blog", "db", text="\\! id -u; ls /var/lib/postgresql/data | wc -l\n")
    assert files.stdout.split() == ["65534", "0"], "it has not the service's user, and none of its files"


def test_redis_cli_is_the_projects_own_user_in_its_own_index(stack: Stack) -> None:
    done = codeb(
        stack, "console", "blog", "cache", text="acl whoami\nset from-console 1\nselect 0\nflushall\n"
    )
    lines = done.stdout.split("\n")
    assert lines[:2] == ["blog", "OK"], done.stdout + done.stderr
    assert "NOPERM" in done.stdout


def test_the_storage_shell_reaches_the_projects_own_buckets(stack: Stack) -> None:
    done = codeb(
        stack,
        "console",
        "blog",
        "storage",
        text="mc ls store; echo hi | mc pipe store/$BUCKET/c.txt; mc cat store/$BUCKET/c.txt\n",
    )
    assert done.returncode == 0, done.stderr
    assert "blog-uploads/" in done.stdout
    assert "food" not in done.stdout
    assert done.stdout.endswith("hi\n")
    codeb(stack, "console", "blog", "storage", text="mc rm store/$BUCKET/c.txt\n")
    assert (
        codeb(stack, "console", "blog", "storage", text="mc ls store/food-delivery-uploads\n").returncode != 0
    )


def test_no_password_is_in_an_argument_unit_or_log_of_either_side(stack: Stack) -> None:
    connections = stack.outputs(secrets=True)["connections"]["blog"]
    password = urlsplit(connections["DATABASE_URL"]).password or ""
    secrets = [password, connections["REDIS_PASSWORD"], connections["MINIO_SECRET_KEY"]]
    assert all(len(secret) > 20 for secret in secrets)
    master, slave = pty.openpty()
    argv = [str(paths.CODEB), "console", "blog", "db", "--stack", "dev"]
    with subprocess.Popen(argv, cwd=stack.folder, stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        try:
            seen = ""
            deadline = time.monotonic() + SECONDS
            while "blog_db=> " not in seen:
                assert time.monotonic() < deadline, seen
                if select.select([master], [], [], 0.2)[0]:
                    seen += os.read(master, 65536).decode()
            arguments = stack.on_host("sh", "-c", "cat /proc/*/cmdline 2>/dev/null").stdout.decode()
            here = subprocess.run(
                ["sh", "-c", "cat /proc/*/cmdline 2>/dev/null"], capture_output=True, check=False
            )
            units = stack.on_host("systemctl", "show", "codeb.session.*").stdout.decode()
            assert "psql" in arguments
            os.write(master, b"\\q\n")
            assert process.wait(SECONDS) == 0
        finally:
            process.kill()
            os.close(master)
    logs = stack.on_host(
        "sh", "-c", "journalctl --no-pager --since=-5min; cat /var/log/codeb/audit.log"
    ).stdout.decode()
    for secret in secrets:
        assert secret not in seen + arguments + here.stdout.decode("utf-8", "replace") + units + logs


def test_a_one_off_container_has_the_apps_environment_network_and_image(stack: Stack) -> None:
    script = "import('node:fs').then(() => console.log(process.env.CODEB_PROJECT, Boolean(process.env.DATABASE_URL)))"
    done = codeb(stack, "run", "blog", "--", "node", "-e", script)
    assert (done.returncode, done.stdout) == (0, "blog true\n"), done.stderr
    names = stack.on_host("podman", "ps", "--all", "--format", "{{.Names}}").stdout.decode()
    assert "codeb.session" not in names
