"""What people read of a release that failed: its cause, without a secret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.documents.errors import Failed
from agent.host.ports import Result
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.verbs import JOB, V1, V2, back, fails, new_host, run

ENVIRONMENT = {
    "DATABASE_URL": "postgresql://shop:generated-database-password@10.77.0.2:5432/shop_db?sslmode=verify-full",
    "NODE_ENV": "production",
    "HOSTNAME": "0.0.0.0",
    "CODEB_PROJECT": "shop-app",
    "DATASET": "orders",
    "PAGE": "1000000",
    "NEXTAUTH_SECRET": "generated-session-secret",
    "STRIPE_KEY": "sk_live_supplied",
    "MODE": "production",
}
NAMES = ["MODE", "NEXTAUTH_SECRET", "STRIPE_KEY"]
SECRETS = [
    "generated-database-password",
    "generated-session-secret",
    "sk_live_supplied",
    "cache-password-of-shop",
]
OPEN = (
    "relation orders does not exist at character 1000000 in production of shop-app at 0.0.0.0, root@10.77.0.2"
)


def logging(host: FakeHost, *lines: str) -> None:
    said = "".join(json.dumps({"MESSAGE": line}) + "\n" for line in lines)
    host.systemd.journalctl = lambda words: Result(0, out=said)  # type: ignore[method-assign]


def failing_job(**changes: Any) -> tuple[str, ...]:
    host = new_host()
    host.podman.registry[V1] = App(job_status=1)
    logging(host, OPEN, *(f"tried {secret}" for secret in SECRETS))
    return fails(host, V1, job=JOB, environment=ENVIRONMENT, **changes).failure.log


def test_only_secrets_are_masked_in_the_log_of_a_release_command() -> None:
    assert failing_job(secret=NAMES) == (OPEN, *["tried *****"] * len(SECRETS))


def test_a_document_that_names_no_secrets_hides_all_its_values() -> None:
    log = failing_job()
    assert "orders" not in log[0]
    assert set(log[1:]) == {"tried *****"}


def test_the_secrets_of_the_release_before_are_masked_too() -> None:
    host = new_host()
    run(host, V1, environment={**ENVIRONMENT, "STRIPE_KEY": "sk_live_before"}, secret=NAMES)
    host.podman.registry[V2] = App(crashes=True)
    logging(host, OPEN, "sk_live_before sk_live_supplied")
    assert fails(host, V2, environment=ENVIRONMENT, secret=NAMES).failure.log == (OPEN, "***** *****")


def test_a_rollback_knows_from_the_record_what_is_secret() -> None:
    host = new_host()
    run(host, V1, environment=ENVIRONMENT, secret=NAMES)
    run(host, V2, environment=ENVIRONMENT, secret=NAMES)
    host.advance(3601)
    host.podman.images[V1] = App(crashes=True)
    logging(host, OPEN, *(SECRETS[:3]))
    with pytest.raises(Failed) as caught:
        back(host)
    assert caught.value.failure.log == (OPEN, *["*****"] * 3)


def test_which_variables_are_secret_changes_no_container() -> None:
    """So an update of the platform releases nothing anew."""
    host = new_host()
    run(host, V1, environment=ENVIRONMENT)
    assert run(host, V1, environment=ENVIRONMENT, secret=NAMES)["active"] == "blue"
    assert not any("green" in name for name in host.systemd.running)
