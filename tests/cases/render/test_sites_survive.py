"""A stack that grows or shrinks has, for a while, sites of the form before under the Caddyfile of the form after."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from codeb.model import load_manifests, parse_settings, read_sources
from codeb.plan import Balancer, Fleet, ForwardingRule, Plan, make_plan
from codeb.render import host_files
from codeb.render.edge import caddyfile as configuration
from codeb.render.edge import edge_files
from codeb.render.project import site

from .case import FOLDER, Case
from .test_consumers import caddy, caddyfile, list_sites

SEVERAL = Case(FOLDER / "several-edges")


def alone(plan: Plan, server: str) -> Plan:
    """The same with everything on one server."""
    kept = replace(plan.server(server), roles=("app", "data", "edge"))
    projects = tuple(replace(project, servers=(server,)) for project in plan.projects)
    return replace(plan, servers=(kept,), data=replace(plan.data, server=server), projects=projects)


def balanced(plan: Plan, tls: str) -> Plan:
    balancer = Balancer(
        ("web1", "web2"),
        tls,  # type: ignore[arg-type]
        proxy_protocol=tls == "passthrough",
        rules=(ForwardingRule("tcp", 443, "tcp", 443),),
    )
    return replace(plan, fleet=Fleet("icn", "10.1.0.0", 20, (), (), balancer))


FORMS = {
    "alone": lambda plan: alone(plan, "web1"),
    "several": lambda plan: plan,
    "passthrough": lambda plan: balanced(plan, "passthrough"),
    "terminate": lambda plan: balanced(plan, "terminate"),
}


@pytest.mark.parametrize("after", FORMS)
@pytest.mark.parametrize("before", FORMS)
def test_caddy_takes_the_sites_of_one_form_under_the_other(before: str, after: str, tmp_path: Path) -> None:
    then, now = FORMS[before](SEVERAL.plan()), FORMS[after](SEVERAL.plan())
    path = caddyfile(SEVERAL, "web1", tmp_path)
    text = configuration(now, now.server("web1")).replace(
        "/etc/codeb/ca.crt", str(tmp_path / "etc/codeb/ca.crt")
    )
    path.write_text(text.replace("/run/secrets/ca.key", str(tmp_path / "etc/codeb/secrets/ca.key")))
    for project in then.projects:
        (path.parent / f"sites/{project.id}.caddy").write_text(site(then, project, then.server("web1")))
    list_sites(path.parent)
    result = caddy("validate", "--adapter", "caddyfile", "--config", str(path), home=tmp_path)
    assert result.returncode == 0, result.stderr[-2000:]
    if before == after:
        for file in (path, *path.parent.glob("sites/*.caddy")):
            assert caddy("fmt", str(file), home=tmp_path).stdout == file.read_text(), file.name


def test_one_server_has_none_of_it() -> None:
    """What only several servers need is in no text of one."""
    plan = alone(SEVERAL.plan(), "web1")
    server = plan.server("web1")
    texts = [file.content for file in edge_files(plan, server).files]
    texts += [site(plan, project, server) for project in plan.projects]
    for text in texts:
        for word in ("8100", ".inner", "trusted_proxies static", "health_uri", "X-Codeb-Check"):
            assert word not in text


def test_a_server_that_is_no_edge_has_no_key_and_no_certificate() -> None:
    plan = SEVERAL.plan()
    files = edge_files(plan, plan.server("work1")).files
    assert not [file.path for file in files if "secrets" in file.path]
    assert "ca.key" not in "".join(file.content for file in files)


FLEET = {
    "domain": "example.com",
    "provider": "vultr",
    "region": "icn",
    "acmeEmail": "ann@example.com",
    "pools": [
        {"name": "default", "roles": ["app", "edge"], "count": 2, "plan": "vc2-6c-16gb"},
        {"name": "data", "roles": ["data"], "count": 1, "plan": "vc2-4c-8gb", "dataDisk": "100Gi"},
    ],
}


def _only_shop(folder: Path) -> Path:
    """A folder of manifests with those of the case's that the fleet's pools can hold."""
    (folder / "manifests").mkdir()
    text = (SEVERAL.folder / "manifests/shop.yaml").read_text()
    (folder / "manifests/shop.yaml").write_text(text)
    return folder / "manifests"


KNOWN = {"app-1": 1, "app-2": 2, "data-1": 3}


def filled(text: str) -> str:
    """With the addresses that Vultr would have answered."""
    return re.sub(
        r"@\{(address|private):([a-z0-9-]+)\}",
        lambda found: f"{'203.0.113' if found[1] == 'address' else '10.64.0'}.{KNOWN[found[2]]}",
        text,
    )


@pytest.mark.parametrize("tls", ["passthrough", "terminate"])
def test_caddy_takes_what_a_balanced_fleet_gets_once_its_addresses_are_known(
    tls: str, tmp_path: Path
) -> None:
    settings = parse_settings({**FLEET, "balancer": {"tls": tls}})
    plan = make_plan(settings, load_manifests(read_sources(_only_shop(tmp_path)), settings), None)
    for server in (each for each in plan.servers if each.has("edge")):
        folder = tmp_path / server.name
        (folder / "sites").mkdir(parents=True)
        text = filled(configuration(plan, server))
        private = f"{plan.fleet.subnet}/{plan.fleet.subnet_mask}" if plan.fleet else ""
        assert private in text
        assert "@{" not in text
        (folder / "Caddyfile").write_text(text)
        shop = filled(site(plan, plan.project("shop"), server))
        near = f"127.0.0.1:8100 10.64.0.{3 - KNOWN[server.name]}:8100"
        assert f"reverse_proxy {near} {{" in shop
        (folder / "sites/shop.caddy").write_text(shop)
        list_sites(folder)
        result = caddy("validate", "--adapter", "caddyfile", "--config", f"{folder}/Caddyfile", home=tmp_path)
        assert result.returncode == 0, result.stderr[-2000:]
        rules = filled(
            next(f.content for f in host_files(plan, server).files if f.path == "/etc/nftables.conf")
        )
        assert f"ip saddr {{ {private} }} tcp dport 8100 accept" in rules
