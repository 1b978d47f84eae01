"""A stack that sends logs and traces elsewhere as well: which servers get what, and where the secret is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from codeb.model import MonitoringCredentials
from codeb.model.settings import Export
from codeb.plan import Plan
from codeb.render import export_texts, host_files
from codeb.render.bundle import HostFile
from codeb.render.quote import QuoteError, collector
from codeb.secrets import PlatformSecrets, RootSecret, holds_secret, resolve
from tests.cases.render.case import FOLDER, Case

ONE, SEVERAL = Case(FOLDER / "watched"), Case(FOLDER / "watched-several")
SECRET = "/etc/codeb/secrets/monitoring-export"


def files(plan: Plan, server: str) -> dict[str, HostFile]:
    return {file.path: file for file in host_files(plan, plan.server(server)).files}


def config(plan: Plan, server: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(files(plan, server)["/etc/codeb/collector/config.yaml"].content)
    return found


def exporting(plan: Plan, **export: str) -> Plan:
    """With settings that the model would perhaps not take."""
    found = Export.model_construct(
        **{"endpoint": "https://otlp.example.com", "header": "Authorization", **export}
    )
    monitoring = plan.settings.monitoring.model_copy(update={"export": found})
    return replace(plan, settings=plan.settings.model_copy(update={"monitoring": monitoring}))


def test_every_server_sends_its_lines_and_the_one_that_watches_the_traces_of_all() -> None:
    plan = SEVERAL.plan()
    for server in plan.servers:
        found = config(plan, server.name)
        pipelines = found["service"]["pipelines"]
        ends = {name: "forward/elsewhere" in each["exporters"] for name, each in pipelines.items()}
        watches = server.name == "eye1"
        assert {name for name, sends in ends.items() if sends} == {
            "logs/journal", "logs/audit", *(["traces"] if watches else []),
        }  # fmt: skip
        assert ("traces/elsewhere" in pipelines) == watches
        assert "tail_sampling" in pipelines["traces"]["processors"] or not watches
        queue = found["exporters"]["otlp_http/elsewhere"]["sending_queue"]
        assert queue["block_on_overflow"] is False
        assert queue["storage"] == "file_storage"
        assert found["exporters"]["otlp_http/logs"]["sending_queue"]["block_on_overflow"] is True


def test_the_value_is_in_a_file_of_its_own_that_the_collector_alone_is_given() -> None:
    plan = SEVERAL.plan()
    for server in plan.servers:
        found = files(plan, server.name)
        secret = found[SECRET]
        assert (secret.mode, secret.owner) == ("0600", "root:root")
        assert secret.restarts == ("codeb-collector.service",), (
            "a file that is replaced stays in there as it was"
        )
        assert not holds_secret(found["/etc/codeb/collector/config.yaml"].content)
        given = [
            path for path, file in found.items() if path != SECRET and f"{SECRET}:{SECRET}:ro" in file.content
        ]
        assert given == ["/etc/containers/systemd/codeb-collector.container"]


def test_its_value_is_all_of_the_file() -> None:
    texts = export_texts(MonitoringCredentials("Bearer token"))
    secrets = PlatformSecrets(RootSecret("A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0"), ["127.0.0.1"], texts)
    assert resolve(files(SEVERAL.plan(), "eye1")[SECRET].content, secrets.lookup) == "Bearer token"
    assert export_texts(None) == {}


def test_nothing_of_it_is_there_in_a_stack_that_sends_nowhere() -> None:
    plan = ONE.plan()
    assert SECRET not in files(plan, "codeb1")
    assert "elsewhere" not in files(plan, "codeb1")["/etc/codeb/collector/config.yaml"].content


@pytest.mark.parametrize(
    "text",
    ['a" b', "a\\", "a: b", "# a", "{a}", "${env:HOME}", "$$", "'", "</x>", "ü", "*a", "", "@{private:a}"],
)
def test_a_setting_stays_one_text_whatever_it_is(text: str) -> None:
    """The model refuses most of these first; here nothing is taken on trust."""
    whole = config(exporting(ONE.plan(), endpoint=text, header=text or "X"), "codeb1")
    plain = config(exporting(ONE.plan()), "codeb1")
    found = whole["exporters"].pop("otlp_http/elsewhere")
    doubled = text.replace("$", "$$")
    assert found["logs_endpoint"] == f"{doubled}/v1/logs"
    assert found["traces_endpoint"] == f"{doubled}/v1/traces"
    assert list(found["headers"]) == [doubled or "X"]
    plain["exporters"].pop("otlp_http/elsewhere")
    assert whole == plain


@pytest.mark.parametrize(
    "text", ["a\nb", "a\x00b", "a\u2028b", "@{secret:postgres/admin}", "@{public:platform/ca}"]
)
def test_a_setting_that_is_no_line_or_would_be_filled_in_is_refused(text: str) -> None:
    with pytest.raises(QuoteError):
        collector(text)
    for part in ("endpoint", "header"):
        with pytest.raises(QuoteError):
            files(exporting(ONE.plan(), **{part: text}), "codeb1")
