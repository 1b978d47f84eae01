"""What servers of a watched stack get: who listens where, who may ask, which files have secrets, what stays as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml

from codeb.model.outside import parse_outside
from codeb.model.settings import Monitoring
from codeb.plan import Plan, monitored
from codeb.render import admins_document, host_bundle, host_files, outside_texts, release_document
from codeb.render.outside import alert_urls
from codeb.render.quote import QuoteError
from codeb.render.rules import rule_files
from codeb.render.watched.targets import target_files
from codeb.secrets import holds_secret
from tests.cases.render.case import FOLDER, STAND_INS, Case

ONE, SEVERAL = Case(FOLDER / "watched"), Case(FOLDER / "watched-several")
_PORT = re.compile(r"(?:^|[^0-9.])((?:[0-9]{1,3}\.){3}[0-9]{1,3}):([0-9]{2,5})")
WATCHING = (
    "prometheus",
    "alertmanager",
    "grafana",
    "victorialogs",
    "loki",
    "jaeger",
    "codeb-collector",
    "codeb/collector",
    "exporter",
)


def texts(plan: Plan, server: str, configured: tuple[str, ...] = ()) -> Mapping[str, str]:
    return {file.path: file.content for file in host_files(plan, plan.server(server), configured).files}


def without(plan: Plan) -> Plan:
    """The same stack, in which no server has the role."""
    servers = tuple(
        replace(each, roles=tuple(role for role in each.roles if role != "monitoring"))
        for each in plan.servers
    )
    return replace(plan, servers=servers)


def off(plan: Plan) -> Plan:
    settings = plan.settings.model_copy(update={"monitoring": Monitoring(enabled=False)})
    return replace(plan, settings=settings)


def test_switched_off_a_stack_gets_what_one_without_the_role_gets() -> None:
    plan = ONE.plan()
    for project in plan.projects:
        assert release_document(off(plan), project) == release_document(without(plan), project)
    bare, plain = (host_bundle(each, each.servers[0]) for each in (off(plan), without(plan)))
    assert bare == plain
    assert not [file["path"] for file in bare["files"] if any(name in file["path"] for name in WATCHING)]
    assert "metrics" not in bare["admins"]


def test_secrets_are_in_files_of_their_own_that_only_their_readers_read() -> None:
    plan = ONE.plan()
    outside = parse_outside(
        {
            "notifications": {
                "slack": ["https://hooks.example.com/a", "https://hooks.example.com/b"],
                "webhook": [],
            }
        }
    )
    configured = outside_texts(outside, "prod")
    files = host_files(plan, plan.servers[0], configured).files
    found = {
        file.path: (file.mode, file.owner)
        for file in files
        if "monitoring/" in file.content and holds_secret(file.content)
    }
    assert found == {
        "/etc/codeb/secrets/prometheus-minio": ("0600", "65534:65534"),
        "/etc/codeb/secrets/monitoring-alerts-slack-0": ("0600", "65534:65534"),
        "/etc/codeb/secrets/monitoring-alerts-slack-1": ("0600", "65534:65534"),
        "/etc/codeb/secrets/grafana-admin": ("0600", "472:0"),
        "/etc/codeb/secrets/postgres-metrics": ("0600", "root:root"),
        "/etc/codeb/secrets/redis-metrics": ("0600", "root:root"),
    }


def test_alerts_go_to_every_address_of_notifications_and_no_address_is_in_the_configuration() -> None:
    many = [f"https://hooks.example.com/{number}" for number in range(12)]
    outside = parse_outside({"notifications": {"slack": many, "webhook": ["https://ops.example.com/hook"]}})
    found = outside_texts(outside, "prod")
    plan = ONE.plan()
    config = yaml.safe_load(texts(plan, "codeb1", tuple(found))["/etc/codeb/alertmanager/alertmanager.yml"])
    people = next(each for each in config["receivers"] if each["name"] == "people")
    paths = [each["api_url_file"] for each in people["slack_configs"]]
    assert paths == [f"/etc/codeb/secrets/monitoring-alerts-slack-{number}" for number in range(12)]
    assert [each["url_file"] for each in people["webhook_configs"]] == [
        "/etc/codeb/secrets/monitoring-alerts-webhook-0"
    ]
    assert [found[purpose] for purpose in alert_urls(found)["slack"]] == many
    assert "hooks.example.com" not in json.dumps(config)


def test_nobody_to_tell_is_no_error() -> None:
    config = yaml.safe_load(texts(ONE.plan(), "codeb1")["/etc/codeb/alertmanager/alertmanager.yml"])
    assert config["receivers"] == [{"name": "nobody"}, {"name": "people"}]


def test_a_server_that_watches_itself_listens_at_its_loopback_alone() -> None:
    found = texts(ONE.plan(), "codeb1")
    ours = {path: text for path, text in found.items() if any(name in path for name in WATCHING)}
    addresses = {address for text in ours.values() for address, _ in _PORT.findall(text)}
    # Apps come to the collector by the networks of their own; the firewall knows those.
    assert addresses == {"127.0.0.1", "0.0.0.0"}
    assert re.findall(r"0\.0\.0\.0:[0-9]+", "".join(ours.values())) == ["0.0.0.0:4318"]


def test_the_firewall_lets_apps_send_traces_and_reach_nothing_else_of_monitoring() -> None:
    rules = texts(ONE.plan(), "codeb1")["/etc/nftables.conf"]
    chain = rules[rules.index("chain input") : rules.index("chain forward")]
    assert 'iifname "podman*" tcp dport 4318 accept\n\t\tiifname "podman*" drop' in chain
    assert not re.search(r"saddr[^\n]*(9090|9093|13000|9100|2020)", chain)


def test_only_the_server_that_watches_is_let_in_to_exporters() -> None:
    plan = SEVERAL.plan()
    for name, ports in {
        "web1": "9100, 9256, 8888, 2020",
        "db1": "9100, 9256, 8888, 9187, 9121",
    }.items():
        rules = texts(plan, name)["/etc/nftables.conf"]
        assert f"ip saddr {{ 10.1.0.4 }} tcp dport {{ {ports} }} accept" in rules
    assert (
        "ip saddr { 10.1.0.4 } ct status dnat ct original proto-dst { 9000 } accept"
        in texts(plan, "db1")["/etc/nftables.conf"]
    )


def test_the_server_that_watches_lets_in_edges_to_look_and_all_to_send() -> None:
    rules = texts(SEVERAL.plan(), "eye1")["/etc/nftables.conf"]
    assert "ip saddr { 10.1.0.1, 10.1.0.2 } tcp dport { 9090 } accept" in rules
    assert "ip saddr { 10.1.0.1, 10.1.0.2, 10.1.0.3 } tcp dport { 13100, 4318 } accept" in rules


def test_containers_reach_no_port_of_monitoring_by_way_of_another_server() -> None:
    """Their packets leave with this server's address, which the others let in."""
    plan = SEVERAL.plan()
    for server in plan.servers:
        rules = texts(plan, server.name)["/etc/nftables.conf"]
        forward = rules[rules.index("chain forward") :]
        others = ", ".join(each.private_address for each in plan.servers if each.name != server.name)
        ports = ", ".join(map(str, monitored.own_ports(plan)))
        drop = f'iifname "podman*" ip daddr {{ {others} }} tcp dport {{ {ports} }} drop'
        assert forward.index(drop) < forward.index('iifname "podman*" oifname != "podman*" accept')


def test_every_server_is_asked_and_each_target_says_whose_it_is() -> None:
    plan = SEVERAL.plan()
    found = {
        path.rpartition("/")[2].removesuffix(".json"): json.loads(text)
        for path, text in texts(plan, "eye1").items()
        if path.startswith("/etc/codeb/prometheus/targets/")
    }
    where = {job: [each["labels"]["server"] for each in targets] for job, targets in found.items()}
    everybody = ["web1", "web2", "db1", "eye1"]
    assert where["node"] == where["process"] == where["collector"] == everybody
    assert where["caddy"] == ["web1", "web2"]
    assert where["postgres"] == where["minio"] == where["redis"] == ["db1"]
    assert where["grafana"] == [], "the stack does without it"
    assert {each["labels"]["project"] for each in found["apps-web1"]} <= {"shop", "blog"}
    assert sorted(each["labels"]["project"] for job in ("apps-web1", "apps-web2") for each in found[job]) == [
        *("blog", "shop", "shop"),
    ]


def test_a_project_that_comes_changes_a_file_of_targets_and_nothing_that_is_reloaded() -> None:
    plan = SEVERAL.plan()
    fewer = replace(plan, projects=tuple(each for each in plan.projects if each.id != "blog"))
    files = {file.path: file for file in host_files(plan, plan.server("eye1")).files}
    before = texts(fewer, "eye1")
    changed = [files[path] for path, text in before.items() if files[path].content != text]
    assert {file.path.rpartition("/")[0] for file in changed} == {"/etc/codeb/prometheus/targets"}
    assert not any(file.restarts or file.reloads for file in changed)


def test_all_of_it_takes_no_more_memory_than_the_setting_says() -> None:
    for case, server, most in ((ONE, "codeb1", 600), (SEVERAL, "eye1", 2000)):
        found = texts(case.plan(), server)
        taken = sum(int(each) for text in found.values() for each in re.findall(r"--memory=([0-9]+)m ", text))
        taken += sum(
            int(each) for text in found.values() for each in re.findall(r"MemoryMax=([0-9]+)M", text)
        )
        assert most * 0.95 <= taken <= most


def test_what_watches_sees_no_secret_of_the_host() -> None:
    unit = texts(ONE.plan(), "codeb1")["/etc/containers/systemd/codeb-collector.container"]
    volumes = re.findall(r"Volume=(\S+?):(\S+)", unit)
    assert [source for source, _ in volumes] == [
        *("/srv/codeb/codeb-collector", "/usr", "/usr/lib", "/usr/lib64", "/var/log/journal"),
        *("/var/log/codeb", "/etc/codeb/collector"),
    ]
    assert all(target.endswith(":ro") for source, target in volumes if not source.startswith("/srv/codeb/"))


def test_an_app_that_is_traced_finds_where_to_and_its_own_word_counts() -> None:
    from codeb.render import project_environment

    plan = SEVERAL.plan()
    shop, blog = (project_environment(plan, plan.project(name), STAND_INS) for name in ("shop", "blog"))
    assert shop["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://host.containers.internal:4318"
    assert (shop["OTEL_SERVICE_NAME"], shop["OTEL_RESOURCE_ATTRIBUTES"]) == ("shop", "project=shop")
    assert (blog["OTEL_SERVICE_NAME"], blog["OTEL_RESOURCE_ATTRIBUTES"]) == ("articles", "team=words")
    units = {
        name: release_document(plan, plan.project(name))["units"]["green"]["content"]
        for name in ("shop", "blog")
    }
    told = "Environment=OTEL_RESOURCE_ATTRIBUTES=project=shop,colour=green,release=${CODEB_IMAGE_DIGEST}\n"
    assert told in units["shop"]
    assert "OTEL_" not in units["blog"]


def test_nothing_is_traced_where_nothing_watches() -> None:
    from codeb.render import project_environment

    plan = without(SEVERAL.plan())
    assert not [
        name for name in project_environment(plan, plan.project("shop"), STAND_INS) if name.startswith("OTEL")
    ]


def test_the_agent_is_told_passwords_of_those_who_ask() -> None:
    found = admins_document(ONE.plan())["metrics"]
    assert found == {kind: f"@{{secret:monitoring/{kind}}}" for kind in ("postgres", "redis")}


@pytest.mark.parametrize("page", ['x" }} {{ evil', "a\nb", "`id`", ""])
def test_an_address_of_runbooks_that_could_be_more_than_one_is_refused(page: str) -> None:
    with pytest.raises(QuoteError):
        rule_files(page)


def test_rules_lead_to_the_page_of_the_setting() -> None:
    found = texts(SEVERAL.plan(), "eye1")["/etc/codeb/prometheus/alerts.yml"]
    pages: list[Any] = re.findall(r'runbook: "([^"]+)"', found)
    assert pages
    assert all(page.startswith("https://wiki.example.com/runbooks#") for page in pages)


@pytest.mark.parametrize("path", ["/m {env.HOME}", "/m\n\trespond hi", "/m`id`", '/m"', "/m {", "/*"])
def test_a_path_of_figures_that_would_break_out_of_its_site_is_refused(path: str) -> None:
    """The model refuses it first; here nothing is taken on trust."""
    plan = ONE.plan()
    project = plan.project("shop")
    monitoring = project.manifest.monitoring.model_copy(update={"metrics_path": path})
    hostile = replace(project, manifest=project.manifest.model_copy(update={"monitoring": monitoring}))
    with pytest.raises(QuoteError):
        release_document(plan, hostile)


def test_names_in_targets_are_strings_whatever_is_in_them() -> None:
    plan = ONE.plan()
    project = replace(plan.project("shop"), id='"}], evil: "${x}')
    found = target_files(replace(plan, projects=(project,)))["apps-codeb1"]
    assert json.loads(found)[0]["labels"]["project"] == '"}], evil: "${x}'
