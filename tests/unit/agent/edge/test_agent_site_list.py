"""The list of sites that the Caddyfile imports: whatever is killed, Caddy could start, and the next run puts it right."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.bundle.apply import apply
from agent.documents.reader import Reader
from agent.edge import drain, site, sites
from agent.host import paths
from agent.host.ports import Result
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.verbs import GLOBBED, LISTED, V1, call, new_host, run, with_caddyfile

REPO = Path(__file__).parents[4]
SITE = paths.site("shop-app")
OTHER = paths.site("blog")


def text(project: str, *names: str) -> str:
    return (
        f"# {project}\n{', '.join([f'{project}.lab.test', *names])} {{\n\treverse_proxy 10.1.0.2:8100\n}}\n"
    )


def route(host: FakeHost, project: str, *names: str) -> tuple[int, dict[str, Any], str]:
    document = {"version": 1, "project": project, "domain": f"{project}.lab.test", "ceded": []}
    return call(host.ports(), "route", {**document, "site": text(project, *names)})


def unroute(host: FakeHost, project: str) -> None:
    assert call(host.ports(), "unroute", {"version": 1, "project": project})[0] == 0


def listed(host: FakeHost) -> list[str]:
    return [
        line.removeprefix("import ")
        for line in (host.tell(paths.SITES_LIST) or "").splitlines()
        if line.startswith("import ")
    ]


def bundle(caddyfile: str) -> Reader:
    files = [{"path": paths.CADDYFILE, "content": caddyfile, "reloads": [paths.CADDY_SERVICE]}]
    whole = [{"mode": "0644", "owner": "root:root", "restarts": [], **file} for file in files]
    return Reader({"version": 1, "packages": [], "directories": [], "files": whole, "services": []}, "")


def test_what_the_templates_import_is_what_the_agent_writes() -> None:
    for name in ("Caddyfile", "Caddyfile.inner"):
        template = (REPO / f"codeb/templates/caddy/{name}.j2").read_bytes()
        assert re.findall(rb"(?m)^import sites.*$", template) == [b"import sites.list"]
        assert sites.importing(template, "/x/list").count(b"\nimport /x/list\n") == 1
    assert f"{paths.CADDY}/sites.list" == paths.SITES_LIST


def test_the_list_names_sites_in_the_order_of_a_pattern_and_nothing_that_is_none() -> None:
    names = [
        "b.caddy",
        "a-b.caddy",
        "a.caddy",
        "a.caddy.kept",
        "x y.caddy",
        "[z].caddy",
        "*.caddy",
        "é.caddy",
    ]
    found = sites.imports(f"sites/{name}" for name in names).decode().splitlines()
    assert found[1:] == ["import sites/a-b.caddy", "import sites/a.caddy", "import sites/b.caddy"]


def test_the_list_follows_sites_as_they_come_and_go() -> None:
    host = new_host()
    route(host, "shop-app")
    route(host, "blog")
    assert listed(host) == ["sites/blog.caddy", "sites/shop-app.caddy"]
    assert set(host.caddy.sites) == {SITE, OTHER}
    unroute(host, "blog")
    assert listed(host) == ["sites/shop-app.caddy"]
    assert set(host.caddy.sites) == {SITE}


def test_a_site_that_caddy_refuses_at_its_reload_leaves_the_list_as_well() -> None:
    host = new_host()
    route(host, "blog")
    reload = "podman exec caddy caddy reload --config /etc/caddy/Caddyfile --adapter caddyfile"
    host.answers[reload] = Result(1, err="Error: no room")
    assert route(host, "shop-app")[0] == 1
    assert listed(host) == ["sites/blog.caddy"]


def test_a_removed_project_is_off_the_list() -> None:
    host = new_host()
    run(host, V1)
    assert listed(host) == ["sites/shop-app.caddy"]
    call(host.ports(), "remove", {"version": 1, "project": "shop-app"})
    assert (listed(host), SITE in host.files) == ([], False)


def test_a_retired_host_has_neither_sites_nor_list() -> None:
    host = new_host()
    run(host, V1)
    assert call(host.ports(), "retire", {"version": 1})[0] == 0
    assert not [path for path in host.files if path.startswith(paths.CADDY)]


def test_a_host_without_caddy_gets_no_list() -> None:
    host = FakeHost(caddy=False)
    with sites.held(host.ports()):
        sites.put(host.ports(), {SITE: None})
    assert paths.SITES_LIST not in host.files


def test_a_check_reads_the_sites_one_by_one_and_the_candidate_in_place_of_its_own() -> None:
    host = new_host()
    route(host, "shop-app")
    route(host, "blog")
    read: list[str] = []
    check = "podman exec caddy caddy validate"

    def look() -> None:
        if host.calls and " ".join(host.calls[-1]).startswith(check) and not read:
            read.append(host.tell(f"{paths.CADDY}/.check-x/sites.list") or "")
            read.append(host.tell(f"{paths.CADDY}/.check-x/Caddyfile") or "")

    for caddyfile in (LISTED, GLOBBED):
        host.put(paths.CADDYFILE, caddyfile)
        host.calls.clear()
        host.after = look
        assert site.validate(host.ports(), "x", {SITE: b"new.test {\n}\n"}) is None
        host.after = lambda: None
        assert read[0].splitlines()[1:] == [
            f"import {OTHER}",
            f"import {paths.CADDY}/.check-x/shop-app.caddy",
        ]
        assert read[1] == f"import {paths.CADDY}/.check-x/sites.list\n"
        read.clear()
    assert not [path for path in host.files if "/.check-" in path]


def test_the_doctor_tells_of_a_list_that_lacks_a_site() -> None:
    host = new_host()
    run(host, V1)
    assert "sites.list" not in call(host.ports(), "doctor", {"version": 1})[2]
    host.put(paths.SITES_LIST, "")
    assert "sites.list is not the list" in call(host.ports(), "doctor", {"version": 1})[2]
    host.put(paths.CADDYFILE, GLOBBED)
    assert "sites.list" not in call(host.ports(), "doctor", {"version": 1})[2]


def test_a_host_of_before_goes_on_with_an_agent_that_writes_the_list() -> None:
    host = with_caddyfile(new_host(), GLOBBED)
    del host.files[paths.SITES_LIST]
    run(host, V1)
    route(host, "blog")
    assert set(host.caddy.sites) == {SITE, OTHER}
    assert listed(host) == ["sites/blog.caddy", "sites/shop-app.caddy"], "for the Caddyfile that comes"


def test_a_caddyfile_with_the_list_is_refused_where_no_agent_keeps_one() -> None:
    """As an agent of before would see it: its check, and Caddy itself, don't take a list that isn't there."""
    host = new_host()
    run(host, V1)
    del host.files[paths.SITES_LIST]
    assert not host.caddy.could_start()


Deed = Callable[[FakeHost], object]


def deeds() -> dict[str, Deed]:
    return {
        "a site comes": lambda host: route(host, "new"),
        "a site changes": lambda host: route(host, "blog", "more.test"),
        "a site goes": lambda host: unroute(host, "blog"),
        "a name changes hands": lambda host: route(host, "blog", "old.test"),
        "the bundle of now": lambda host: apply(host.ports(), bundle(LISTED), "t"),
        "a bundle of before": lambda host: apply(host.ports(), bundle(GLOBBED), "t"),
    }


def before(caddyfile: str, *, written: bool) -> FakeHost:
    """A host that serves three projects; `written`: it has a list already."""
    host = new_host()
    for project, names in (("shop-app", ["old.test"]), ("blog", []), ("wiki", [])):
        route(host, project, *names)
    apply(host.ports(), bundle(caddyfile), "t")
    if not written:
        host.files.pop(paths.SITES_LIST)
    return host


@pytest.mark.parametrize(
    ("caddyfile", "written"),
    [(LISTED, True), (GLOBBED, True), (GLOBBED, False)],
    ids=["of-now", "of-before-with-a-new-agent", "of-before"],
)
@pytest.mark.parametrize("what", deeds())
def test_a_kill_at_each_effect_leaves_files_with_which_caddy_starts(
    what: str, caddyfile: str, written: bool
) -> None:
    deed = deeds()[what]
    for kill in range(1, 200):
        host = before(caddyfile, written=written)
        host.after = lambda host=host: _holds(host)
        host.operations, host.kill_at = 0, kill
        try:
            deed(host)
        except Killed:
            host.held.clear()
        else:
            assert kill > 1
            return
        host.kill_at = 0
        host.reboot()
        deed(host)
        drain.reload(host.ports())
        assert listed(host) == [
            f"sites/{name.rpartition('/')[2]}" for name in sorted(sites.texts(host.ports()))
        ]
        assert set(host.caddy.sites) == set(sites.texts(host.ports()))
    raise AssertionError("it never ends")


def _holds(host: FakeHost) -> None:
    assert host.caddy.could_start(), "Caddy would refuse all of its configuration"
    there = set(host.caddy._imported(paths.CADDYFILE))
    assert {SITE, paths.site("wiki")} <= there, "a site that nobody touched is not read"


@pytest.mark.parametrize("fail", range(1, 40))
def test_an_effect_that_fails_leaves_files_with_which_caddy_starts(fail: int) -> None:
    host = before(LISTED, written=True)
    host.after = lambda: _holds(host)
    host.operations, host.fail_at = 0, fail
    route(host, "blog", "more.test")
    host.fail_at = 0
    assert route(host, "blog", "more.test")[0] == 0
    assert set(host.caddy.sites) == {SITE, OTHER, paths.site("wiki")}
