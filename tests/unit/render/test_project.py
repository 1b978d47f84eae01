"""Releases: the document's shape, limits and isolation of every container, and the environment's
documentation."""

from __future__ import annotations

import json
import re
from typing import Any

import jinja2
import pytest

from agent.documents.redact import Redactor
from codeb.model import Manifest, ManifestSource, load_manifests, parse_settings
from codeb.plan import Plan, make_plan
from codeb.render import VARIABLES, project_environment, release_document, remove_document
from codeb.render.maintenance import maintenance_page
from codeb.render.text import render
from codeb.secrets import ProjectCredentials, RootSecret, project_credentials

ROOT = RootSecret("A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
SERVER = {
    "name": "codeb1",
    "address": "10.77.0.2",
    "privateAddress": "10.77.0.2",
    "roles": ["app", "data", "edge"],
    "hostKey": KEY,
}


def plan_of(**sections: Any) -> Plan:
    base: dict[str, Any] = {"project": {"id": "blog-app"}, "environment": {}}
    for name, section in sections.items():
        base[name] = base.get(name, {}) | section
    base["environment"] = {"domain": "blog.lab.test", "image": "ghcr.io/x/blog:1"} | base["environment"]
    settings = parse_settings({"domain": "lab.test", "servers": [SERVER]})
    manifests: list[Manifest] = list(
        load_manifests([ManifestSource("blog.yaml", json.dumps(base))], settings)
    )
    return make_plan(settings, manifests, None)


def release(**sections: Any) -> dict[str, Any]:
    plan = plan_of(**sections)
    return release_document(plan, plan.projects[0])


def credentials() -> ProjectCredentials:
    return project_credentials(ROOT, "blog-app", {"API_KEY": "supplied-value", "OTHER": "not asked for"})


def test_the_document_has_the_agent_s_shape_and_no_secret() -> None:
    document = release(
        features={"cron": [{"name": "tidy", "schedule": "daily", "command": ["node", "tidy.js"]}]}
    )
    assert sorted(document) == [
        *(
            "cache",
            "canary",
            "ceded",
            "domain",
            "environment",
            "health",
            "image",
            "job",
            "maintenance",
            "ports",
            "project",
        ),
        *(
            "publish",
            "pull",
            "secret",
            "sentry_project",
            "site",
            "stage",
            "standby_minutes",
            "units",
            "version",
        ),
    ]
    assert document["environment"] == {}
    rules = document["cache"].pop("rules")
    assert document["cache"] == {"host": "10.77.0.2", "port": 6379, "index": 2, "user": "blog"}
    assert {"&blog:*", "-@all", "+select|2"} <= set(rules)
    assert document["ports"] == {"blue": 3001, "green": 3002}
    text = json.dumps(document)
    for purpose in ("database", "cache", "storage", "session"):
        assert ROOT.derive(f"project/blog-app/{purpose}") not in text


def test_every_container_is_confined() -> None:
    job = {"name": "tidy", "schedule": "daily", "command": ["node", "tidy.js"]}
    document = release(resources={"cpu": 0.5, "memory": "256Mi", "pids": 99}, features={"cron": [job]})
    units = document["units"]
    texts = [units["blue"]["content"], units["green"]["content"], units["cron"][0]["container"]["content"]]
    for text in texts:
        for line in (
            "NoNewPrivileges=true",
            "DropCapability=all",
            "ReadOnly=true",
            "PidsLimit=99",
            "PodmanArgs=--memory=268435456b --memory-swap=268435456b --cpus=0.5",
            "Network=codeb-blog-app.network",
            "Image=@IMAGE@",
        ):
            assert line in text.splitlines()
        assert "AddCapability" not in text
    assert "Options=isolate=true" in units["network"]["content"]


def test_each_line_that_a_container_writes_is_in_the_journal_once() -> None:
    """conmon writes what a service's container says; a oneshot's goes through podman to its unit."""
    job = {"name": "tidy", "schedule": "daily", "command": ["node", "tidy.js"]}
    document = release(features={"cron": [job], "release_command": ["node", "migrate.js"]})
    for unit in (document["units"]["cron"][0]["container"], document["job"]["unit"]):
        assert {"LogDriver=passthrough", "SyslogIdentifier=blog-app"} < set(unit["content"].splitlines())
    assert "LogDriver=journald" in document["units"]["blue"]["content"].splitlines()


def test_the_agent_decides_which_colour_starts_at_boot() -> None:
    units = release()["units"]
    for colour in ("blue", "green"):
        assert "[Install]" not in units[colour]["content"]
        assert "Restart=always" in units[colour]["content"]
        assert f"EnvironmentFile=/etc/codeb/projects/blog-app/{colour}.env" in units[colour]["content"]


def test_an_app_that_writes_to_its_image_gets_a_writable_one() -> None:
    assert "ReadOnly" not in release(resources={"read_only": False})["units"]["blue"]["content"]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("daily", "daily UTC"),
        ("*:0/15", "*:0/15 UTC"),
        ("Mon..Fri 09:00", "Mon..Fri 09:00 UTC"),
        ("Mon..Fri 09:00 Asia/Seoul", "Mon..Fri 09:00 Asia/Seoul"),
        ("*-*-* 03:30 UTC", "*-*-* 03:30 UTC"),
        ("hourly Europe/Berlin", "hourly Europe/Berlin"),
        ("Sat", "Sat UTC"),
    ],
)
def test_schedules_are_utc_unless_they_name_a_zone(schedule: str, expected: str) -> None:
    job = {"name": "tidy", "schedule": schedule, "command": ["true"]}
    timer = release(features={"cron": [job]})["units"]["cron"][0]["timer"]["content"]
    assert f"OnCalendar={expected}\n" in timer


def test_the_site_reads_the_upstream_from_a_file() -> None:
    site = release(environment={"aliases": ["www.blog.lab.test"]}, features={"max_upload": "1Mi"})["site"]
    assert 'vars upstream "{file./etc/caddy/upstreams/blog-app}"' in site
    assert "reverse_proxy {vars.upstream}" in site
    assert "max_size 1048576" in site
    assert "www.blog.lab.test {" in site
    assert "redir https://blog.lab.test{uri} 308" in site
    assert not re.search(r"30\d\d", site.replace("308", "")), "a release would have to reload Caddy"


def test_the_environment_is_documented_and_complete() -> None:
    plan = plan_of(
        environment={"variables": {"GREETING": "hi"}, "secrets": ["API_KEY"]},
        resources={"storage": {"buckets": [{"suffix": "my-files"}]}},
    )
    values = project_environment(plan, plan.projects[0], credentials())
    own = {"GREETING", "API_KEY"}
    documented = {name.replace("<SUFFIX>", "MY_FILES") for name in VARIABLES} - {"CODEB_COLOUR", "REDIS_TLS"}
    assert set(values) - own == documented
    assert (values["API_KEY"], values["GREETING"], values["MINIO_BUCKET_MY_FILES"]) == (
        "supplied-value",
        "hi",
        "blog-my-files",
    )
    assert "not asked for" not in values.values()
    assert values["DATABASE_URL"].endswith("/blog_db?sslmode=verify-full&sslrootcert=/etc/codeb/ca.crt")


@pytest.mark.parametrize("enabled", [True, False])
def test_the_agent_is_told_which_variables_are_secret(enabled: bool) -> None:
    """What it masks: every generated or supplied value, alone or as the password of a URL, and nothing else."""
    switch = {"enabled": enabled}
    plan = plan_of(
        environment={"variables": {"GREETING": "hi"}, "secrets": ["API_KEY"]},
        resources={"database": switch, "cache": switch, "storage": switch},
    )
    project, known = plan.projects[0], credentials()
    values = project_environment(plan, project, known)
    secret = release_document(plan, project)["secret"]
    expected = {"API_KEY", "NEXTAUTH_SECRET"} | ({"REDIS_PASSWORD", "MINIO_SECRET_KEY"} if enabled else set())
    assert set(secret) == expected
    generated = {
        known.database_password,
        known.cache_password,
        known.storage_secret_key,
        known.session_secret,
    }
    redact = Redactor([values[name] for name in secret], [v for n, v in values.items() if n not in secret])
    told = "\n".join(redact(f"{name}={value}") for name, value in values.items())
    assert not any(each in told for each in (*generated, "supplied-value"))
    assert {line.partition("=")[0] for line in told.splitlines() if "*****" in line} == expected | (
        {"DATABASE_URL"} if enabled else set()
    )


def test_services_that_are_off_leave_no_variables() -> None:
    off = {"enabled": False}
    plan = plan_of(resources={"database": off, "cache": off, "storage": off})
    names = set(project_environment(plan, plan.projects[0], credentials()))
    assert not {name for name in names if name.startswith(("DATABASE", "REDIS", "MINIO"))}
    assert release_document(plan, plan.projects[0])["cache"] is None


def test_a_removal_names_the_project() -> None:
    assert remove_document("blog-app") == {"version": 1, "project": "blog-app"}


def test_a_template_never_leaves_out_a_value_silently() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render("project/project.network", id="blog")


def test_websockets_of_every_app_outlive_a_reload() -> None:
    assert "import upstream" in release()["site"]


def test_each_step_of_the_canary_is_a_block_of_its_own() -> None:
    site = release(features={"canary": [5, 25, 100]})["site"]
    assert re.findall(r"@canary(\d+) vars \{vars.canary\} (\d+)", site) == [("5", "5"), ("25", "25")]
    assert re.findall(r"weighted_round_robin (.+)", site) == ["19 1", "3 1"]
    assert "canar" not in release()["site"]
    assert "canar" not in release(features={"canary": [100]})["site"]


def test_the_maintenance_page_shows_what_the_manifest_says_and_runs_nothing() -> None:
    hostile = "</p><script>alert(1)</script>&amp; {{ 7*7 }} {env.HOME} \" ' 정비 중"
    plan = plan_of(project={"name": "Ben & <Jerry>"}, features={"maintenance": {"message": hostile}})
    page = maintenance_page(plan.projects[0])
    assert page.count("<script") == 0
    assert page.count("<title>Ben &amp; &lt;Jerry&gt;</title>") == 1
    assert (
        "&lt;/p&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp; {{ 7*7 }} {env.HOME} &#34; &#39; 정비 중"
        in page
    )
    assert not re.search(r"(src|href)=|url\(|@import", page), "nothing is loaded from elsewhere"
    assert len(page.encode()) < 64 * 1024


def test_there_is_no_page_without_maintenance() -> None:
    with pytest.raises(ValueError, match="blog-app is not in maintenance"):
        maintenance_page(plan_of().projects[0])
