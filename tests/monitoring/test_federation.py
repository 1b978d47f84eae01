"""A Prometheus of somebody else takes figures through `metrics.<domain>`, as docs/monitoring-setup.md says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml

from lab.paths import REPO
from tests.cases.render.case import FOLDER, Case
from tests.monitoring.processes import eventually, get, prometheus, running
from tests.ports import free_port

PAGE = REPO / "docs" / "monitoring-setup.md"


def job_of_the_page() -> dict[str, Any]:
    (text,) = re.findall(r"^```yaml\n(scrape_configs:.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    (job,) = yaml.safe_load(text)["scrape_configs"]
    return dict(job)


def configured(folder: Path, **sections: Any) -> Path:
    folder.mkdir()
    (folder / "prometheus.yml").write_text(yaml.safe_dump(sections))
    return folder / "prometheus.yml"


def test_the_job_of_the_page_gets_figures_with_their_own_labels(tmp_path: Path) -> None:
    door, wanted = free_port(), job_of_the_page()
    assert (wanted["scheme"], wanted["static_configs"]) == ("https", [{"targets": ["metrics.example.com"]}])
    wanted |= {"scheme": "http", "static_configs": [{"targets": [f"127.0.0.1:{door}"]}]}
    often = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    nobody = {"targets": ["127.0.0.1:1"], "labels": {"server": "db1", "instance": "db1"}}
    rule = {"record": "codeb:server:up", "expr": "max by (server) (up)"}
    (tmp_path / "rules.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "a", "interval": "1s", "rules": [rule]}]})
    )
    ours = configured(
        tmp_path / "ours",
        rule_files=[str(tmp_path / "rules.yml")],
        scrape_configs=[{"job_name": "node", "static_configs": [nobody], **often}],
    )
    theirs = configured(tmp_path / "theirs", scrape_configs=[wanted | often])
    caddyfile = Case(FOLDER / "watched").rendered()["hosts/codeb1/etc/caddy/Caddyfile"]
    site = caddyfile[caddyfile.index("metrics.lab.test {") :].partition("\n}\n")[0]
    caddy = [str(Path(sys.executable).parent / "caddy"), "run", "--adapter", "caddyfile", "--config"]
    with prometheus(ours.parent, ours) as url:
        changes = {
            "metrics.lab.test {": f"{{\n\tadmin off\n\tauto_https off\n}}\nhttp://127.0.0.1:{door} {{",
            "\timport site\n": "",
            "127.0.0.1:9090": url.removeprefix("http://"),
        }
        for old, new in changes.items():
            assert old in site, old
            site = site.replace(old, new)
        (tmp_path / "Caddyfile").write_text(f"{site}\n}}\n")
        line = [*caddy, str(tmp_path / "Caddyfile")]
        with (
            running(line, tmp_path / "caddy.log", f"http://127.0.0.1:{door}/-/ready"),
            prometheus(theirs.parent, theirs) as there,
        ):
            found = {
                query: eventually(
                    query, lambda query=query: get(f"{there}/api/v1/query?query={query}")["data"]["result"]
                )
                for query in ("codeb:server:up", 'up{job="node"}')
            }
    assert [each["metric"] for each in found["codeb:server:up"]] == [
        {"__name__": "codeb:server:up", "job": "codeb", "server": "db1"}
    ]
    assert [each["metric"] for each in found['up{job="node"}']] == [
        {"__name__": "up", "instance": "db1", "job": "node", "server": "db1"}
    ]
