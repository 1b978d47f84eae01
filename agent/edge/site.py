"""A project's site in Caddy: checked with all others before it is live, written with a reload that fails nobody."""

from __future__ import annotations

from agent.documents.errors import Failed
from agent.edge import drain
from agent.host import commands, paths
from agent.host.ports import Ports
from agent.project.spec import Spec


def caddy_runs(ports: Ports) -> bool:
    """Whether this host has a running Caddy."""
    return ports.runner.run(commands.caddy_running()).ok


def differs(ports: Ports, spec: Spec) -> bool:
    """Whether the site on disk is another than the one wanted."""
    wanted = None if spec.site is None else spec.site.encode()
    return ports.files.read(paths.site(spec.project)) != wanted


def check(ports: Ports, spec: Spec) -> None:
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
    error = validate(ports, spec.project, {paths.site(spec.project): spec.site.encode()})
    if error:
        raise Failed(
            "check",
            f"Caddy refuses the site of {spec.domain}: {error}",
            "correct what the message names in the manifest",
        )


def validate(ports: Ports, name: str, candidates: dict[str, bytes]) -> str | None:
    """What Caddy says against its configuration with these files (path → content); None when it's fine.

    The check runs on a copy beside the real files (links to the unchanged ones), so nothing live changes.
    """
    folder, files = _check_folder(name), ports.files
    files.remove_tree(folder)
    caddyfile = candidates.get(paths.CADDYFILE) or files.read(paths.CADDYFILE) or b""
    files.write(
        f"{folder}/Caddyfile", caddyfile.replace(paths.SITES.encode(), f"{folder}/sites".encode()), 0o644
    )
    files.directory(f"{folder}/sites", 0o755, "root:root")
    for site in files.listing(paths.SITES):
        if f"{paths.SITES}/{site}" not in candidates:
            files.link(f"{folder}/sites/{site}", f"{paths.SITES}/{site}")
    for path, content in candidates.items():
        if path.startswith(f"{paths.SITES}/"):
            files.write(f"{folder}/sites/{path.rpartition('/')[2]}", content, 0o644)
    result = ports.runner.run(commands.caddy_validate(f"{folder}/Caddyfile"), timeout_s=120)
    files.remove_tree(folder)
    return None if result.ok else drain.error_line(result.text)


def _check_folder(name: str) -> str:
    """In Caddy's own folder, as that is what its container sees; a killed run may leave one behind."""
    return f"{paths.CADDY}/.check-{name}"


def write(ports: Ports, spec: Spec) -> bool:
    """Put the wanted site in place and reload Caddy, which takes up to 10 s; True when it changed. Raises Failed."""
    if not differs(ports, spec):
        return False
    if spec.site is None:
        ports.files.remove(paths.site(spec.project))
    else:
        ports.files.write(paths.site(spec.project), spec.site.encode(), 0o644)
    drain.reload(ports)
    return True
