"""A server with the role monitoring: its account in MinIO, its secrets in its bundle, and none of it without the role."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pulumi.runtime import rpc

from codeb.bearer import prometheus_token
from codeb.secrets import RootSecret
from tests.components.recording import BASE_CONFIG, ROOT_SECRET, SHOP, Recording, plain_texts, record

ROOT = RootSecret(ROOT_SECRET)
HOOKS = {
    "slack": ["https://hooks.example.com/services/T0/B0/secret-of-slack"],
    "webhook": ["https://ops.example.com/secret-of-ops"],
}


def recorded(folder: Path, *, watched: bool = True, **config: Any) -> Recording:
    (server,) = BASE_CONFIG["servers"]
    roles = [*server["roles"], *(["monitoring"] if watched else [])]
    return record(folder, {"shop.yaml": SHOP}, config={"servers": [{**server, "roles": roles}], **config})


def files(recording: Recording) -> dict[str, dict[str, Any]]:
    document = json.loads(rpc.unwrap_rpc_secret(recording.named("one-bundle").inputs["stdin"]))
    return {file["path"]: file for file in document["files"]}


def test_an_account_of_minio_may_ask_for_figures_and_prometheus_has_its_token(tmp_path: Path) -> None:
    found = recorded(tmp_path)
    user, policy = found.named("watching-user"), found.named("watching-policy")
    assert rpc.unwrap_rpc_secret(user.inputs["secret"]) == ROOT.derive("monitoring/minio")
    (statement,) = json.loads(policy.inputs["policy"])["Statement"]
    assert statement == {"Effect": "Allow", "Action": ["admin:Prometheus"]}
    token = files(found)["/etc/codeb/secrets/prometheus-minio"]
    assert token["content"] == prometheus_token("codeb_metrics", ROOT.derive("monitoring/minio"))


def test_a_stack_that_nothing_watches_has_neither(tmp_path: Path) -> None:
    for found in (
        recorded(tmp_path / "none", watched=False),
        recorded(tmp_path / "off", monitoring={"enabled": False}),
    ):
        assert not [item.name for item in found.registrations if item.name.startswith("watching")]
        assert not [path for path in files(found) if "prometheus" in path or "alertmanager" in path]


def test_alerts_go_where_notifications_go_and_no_address_shows(tmp_path: Path) -> None:
    found = recorded(tmp_path, notifications=json.dumps(HOOKS))
    have = files(found)
    slack, webhook = (have[f"/etc/codeb/secrets/monitoring-alerts-{kind}-0"] for kind in ("slack", "webhook"))
    assert (slack["content"], slack["mode"]) == (HOOKS["slack"][0], "0600")
    assert (webhook["content"], webhook["mode"]) == (HOOKS["webhook"][0], "0600")
    secrets = [
        "secret-of-slack",
        "secret-of-ops",
        *(ROOT.derive(f"monitoring/{kind}") for kind in ("grafana", "postgres", "redis", "minio")),
    ]
    shown = [text for item in found.registrations for text in plain_texts(item.inputs)]
    assert not [secret for secret in secrets if any(secret in text for text in shown)]


def test_the_stack_says_where_it_is_watched_from(tmp_path: Path) -> None:
    found = recorded(tmp_path, monitoring={"logStore": "loki"}).outputs[-1]["monitoring"]
    assert (found["server"], found["logs"], found["log_store"]) == ("one", "127.0.0.1:13100", "loki")
