"""Peers on the lab host: kamal-proxy and Caddy's reload, with `podman run` and `podman stop` by script as Kamal does.

Everything of theirs on the host has a name that begins with `codeb-peer`, and goes at the end. What the scripts did
and the peers logged is in `peers.log` beside the lab's other logs.
"""

from __future__ import annotations

from pathlib import Path

from lab.bench.releases.peers.host import Host
from lab.bench.releases.peers.peer import App, Peer
from lab.bench.releases.peers.proxies import CaddyReload, KamalProxy, build
from lab.bench.releases.stack import HOST, Stack
from lab.certificates import issue

__all__ = ["peers_of"]


def peers_of(stack: Stack, folder: Path) -> list[Peer]:
    """Both, for the app of the stack, which must serve now: kamal-proxy first. Their certificate goes below `folder`."""
    lab = stack.lab
    lab.folders.logs.mkdir(parents=True, exist_ok=True)
    host = Host(lambda argv, stdin: lab.run(HOST, argv, stdin), lab.folders.logs / "peers.log")
    app = App(stack.image, stack.tag, stack.environment())
    shown = folder / "peers"
    shown.mkdir()
    certificate = issue(shown, stack.target.host)
    proxies = (KamalProxy(build(lab)), CaddyReload())
    return [Peer(proxy, host, app, stack.target, certificate) for proxy in proxies]
