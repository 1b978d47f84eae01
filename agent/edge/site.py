"""A project's site in Caddy: checked with all others before it is live, written with a reload that fails nobody.

A name is one project's at a time. A release takes the names of its site from whoever has them; a name that it gives up
to another project (`Spec.ceded`) it goes on answering until that one takes it: so names change hands one release after
the other, and at each moment somebody answers to them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from agent.documents.errors import Failed
from agent.edge import drain, names, sites
from agent.host import commands, paths
from agent.host.ports import Ports
from agent.project import record, routed


class Sited(Protocol):
    """What has a site here: a release, or a route to the servers that have one."""

    @property
    def project(self) -> str:
        """Its id."""

    @property
    def domain(self) -> str:
        """The name that people know it by."""

    @property
    def site(self) -> str | None:
        """The site as it is wanted."""

    @property
    def ceded(self) -> tuple[str, ...]:
        """Names that were its own and are others' now."""


def caddy_runs(ports: Ports) -> bool:
    """Whether this host has a running Caddy."""
    return ports.runner.run(commands.caddy_running()).ok


def differs(ports: Ports, spec: Sited) -> bool:
    """Whether the sites on disk are others than those wanted."""
    return bool(changes(ports, spec))


def answered(ports: Ports, project: str) -> tuple[str, ...]:
    """The names that the project's site answers visitors to just now."""
    return names.public((ports.files.read(paths.site(project)) or b"").decode())


def damaged(ports: Ports, spec: Sited, but: Collection[str] = ()) -> bool:
    """Whether the project's own site is another than its last release made it: changed by hand, or short of names.

    Names that it may lack, as others have them, are told by `but`.
    """
    text = ports.files.read(paths.site(spec.project))
    before = None if text is None else text.decode()
    wanted = _kept(spec, before)
    if wanted is not None and but:
        wanted = names.composed(wanted, [name for name in names.addresses(wanted) if name not in but])
    return before != wanted


def changes(ports: Ports, spec: Sited) -> dict[str, str | None]:
    """What has to be written for this site to be as wanted, by path: other sites that give names up or get some back."""
    path = paths.site(spec.project)
    others = sites.texts(ports)
    before = others.pop(path, None)
    missed = _missed(ports, others, names.addresses(before or ""), names.addresses(spec.site or ""))
    wanted = _kept(spec, before, frozenset(name for found in missed.values() for name in found))
    taken = frozenset(names.addresses(wanted or ""))
    found: dict[str, str | None] = {}
    for other, text in others.items():
        here = names.addresses(text)
        left = names.without(here, taken)
        if other in missed:
            found[other] = _with(ports, other, text, [*left, *missed[other]])
        elif len(left) < len(here):
            found[other] = names.composed(text, left)
    return found | ({path: wanted} if wanted != before else {})


def _missed(
    ports: Ports, others: Mapping[str, str], before: Collection[str], wanted: Collection[str]
) -> dict[str, list[str]]:
    """Names that a site gives up and another one lacks though its project's release has them: they go back there."""
    left = [name for name in before if name not in wanted]
    found: dict[str, list[str]] = {}
    for other, text in others.items() if left else ():
        spec = _released(ports, other)
        released = names.addresses(spec.site or "") if spec else ()
        lacking = [name for name in released if name not in names.addresses(text)]
        free = names.without(lacking, [*wanted, *(name for back in found.values() for name in back)])
        lost = [name for name in free if any(names.overlap(name, given) for given in left)]
        if lost:
            found[other] = lost
    return found


def _kept(spec: Sited, before: str | None, missed: Collection[str] = ()) -> str | None:
    """The wanted site, with the ceded names that it has and nobody has taken or gets back."""
    if spec.site is None or not spec.ceded:
        return spec.site
    here = names.addresses(before or "")
    kept = names.without([name for name in spec.ceded if name in here], missed)
    return names.composed(spec.site, [*names.addresses(spec.site), *kept]) if kept else spec.site


def _project(path: str) -> str:
    return path.removeprefix(f"{paths.SITES}/").removesuffix(".caddy")


def _claims(ports: Ports, path: str, among: Iterable[str]) -> list[str]:
    """Which of these names the release behind a site answers to, be it only until another project takes them."""
    spec = _released(ports, path)
    mine = () if spec is None else (*names.addresses(spec.site or ""), *spec.ceded)
    return [name for name in among if name in mine]


def _with(ports: Ports, path: str, now: str, wanted: Collection[str]) -> str:
    """Another project's site for these names."""
    spec = _released(ports, path)
    return names.composed((spec.site if spec else None) or now, wanted)


def _released(ports: Ports, path: str) -> Sited | None:
    """The release that serves behind a site, or the route; None when nothing is known of it."""
    project = _project(path)
    try:
        return routed.load(ports, project) or record.serving_spec(ports, project)
    except Failed as error:  # its own release says so
        ports.journal.log(f"{project}: {error.failure.cause}")
        return None


def taken(ports: Ports, spec: Sited) -> dict[str, str]:
    """Names of this site that other projects' sites have, and whose."""
    mine = names.addresses(spec.site or "")
    return {
        name: _project(path)
        for path, text in sites.texts(ports).items()
        if path != paths.site(spec.project)
        for name in mine
        if any(names.overlap(name, other) for other in names.addresses(text))
    }


def check(ports: Ports, spec: Sited) -> None:
    """Validate the wanted site together with all others, on a copy of the configuration. Raises Failed."""
    ports.files.remove_tree(_check_folder(spec.project))
    if spec.site is None or not differs(ports, spec):
        return
    if not caddy_runs(ports):
        raise Failed(
            "check",
            "Caddy's container doesn't run on this host",
            "run the server's bundle (codeb-agent apply) first",
        )
    error = validate(
        ports,
        spec.project,
        {path: text.encode() for path, text in changes(ports, spec).items() if text is not None},
    )
    if error:
        raise Failed(
            "check",
            f"Caddy refuses the site of {spec.domain}: {error}",
            "correct what the message names in the manifest",
        )


def validate(ports: Ports, name: str, candidates: dict[str, bytes]) -> str | None:
    """What Caddy says against its configuration with these files (path → content); None when it's fine.

    The check runs on a Caddyfile and candidates beside the real ones, with a list of all sites of its own, so nothing live
    changes.
    """
    folder, files = _check_folder(name), ports.files
    files.remove_tree(folder)
    caddyfile = candidates.get(paths.CADDYFILE) or files.read(paths.CADDYFILE) or b""
    files.write(f"{folder}/Caddyfile", sites.importing(caddyfile, f"{folder}/sites.list"), 0o644)
    read = {name: f"{paths.SITES}/{name}" for name in files.listing(paths.SITES)}
    for path, content in candidates.items():
        if path.startswith(f"{paths.SITES}/"):
            candidate = path.rpartition("/")[2]
            read[candidate] = f"{folder}/{candidate}"
            files.write(read[candidate], content, 0o600)
    files.write(f"{folder}/sites.list", sites.imports(read.values()), 0o644)
    result = ports.runner.run(commands.caddy_validate(f"{folder}/Caddyfile"), timeout_s=120)
    files.remove_tree(folder)
    return None if result.ok else drain.error_line(result.text)


def _check_folder(name: str) -> str:
    """In Caddy's own folder, as that is what its container sees; a killed run may leave one behind."""
    return f"{paths.CADDY}/.check-{name}"


def write(ports: Ports, spec: Sited) -> bool:
    """Put the wanted site in place and reload Caddy, which takes up to 10 s; True when it changed. Raises Failed."""
    with sites.held(ports):
        wanted = changes(ports, spec)
        sites.put(ports, wanted)
    if wanted:
        drain.reload(ports)
    return bool(wanted)


def restore(ports: Ports, saved: Mapping[str, str | None]) -> None:
    """Put sites back as they were (path → text, the project's own first), but for what others did meanwhile.

    Of the other sites that are still there only the names go back that were taken and that their release still has.
    """
    with sites.held(ports):
        here = sites.texts(ports)
        own = next(iter(saved), "")
        found: dict[str, str | None] = {}
        for path, text in saved.items():
            claimed = {
                name
                for other, now in here.items()
                if other not in (own, path)
                for name in names.addresses(now)
            }
            if path == own:
                found[path] = None if text is None else _without(text, claimed)
            elif path in here and text is not None:
                found[path] = _given_back(
                    ports, path, here[path], names.without(names.addresses(text), claimed)
                )
        sites.put(ports, found)


def _given_back(ports: Ports, path: str, now: str, before: Collection[str]) -> str:
    here = names.addresses(now)
    back = [name for name in _claims(ports, path, before) if name not in here]
    return _with(ports, path, now, [*here, *back]) if back else now


def _without(text: str, claimed: Collection[str]) -> str:
    mine = names.addresses(text)
    left = names.without(mine, claimed)
    return text if len(left) == len(mine) else names.composed(text, left)
