"""What `python -m lab` prints at the end: the registry as a table, and lines to try that were tried."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from codeb.model import ManifestErrors, load_manifests, read_sources

COLUMNS = ("PROJECT", "STATUS", "RELEASE", "URL", "PORTS", "REDIS", "DATABASE", "BUCKET", "HEALTH")
ORDINARY = "released"
DIGEST_DIGITS = 12


def print_registry(registry: Mapping[str, Any], console: Console) -> None:
    """The stack output `registry` as a table, one row a project; never cut off, however narrow the terminal.

    Below it a line for each project whose release serves for another reason than that it was released.
    """
    entries = [entry for _, entry in sorted(registry["projects"].items())]
    rows = [list(COLUMNS), *map(_row, entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        console.print(line.rstrip(), soft_wrap=True, markup=False)
    for entry in entries:
        why = (entry.get("release") or {}).get("why", ORDINARY)
        if why != ORDINARY and entry["status"] != "retained":
            console.print(f"{entry['id']}: {why}", soft_wrap=True, markup=False)


def _row(entry: Mapping[str, Any]) -> list[str]:
    ports, redis = entry.get("ports"), entry.get("redis")
    return [
        entry["id"],
        entry["status"],
        _release(entry.get("release") or {}),
        f"https://{entry['domain']}" if entry.get("domain") else "-",
        f"{ports['app']:.0f}/{ports['internal']:.0f}" if ports else "-",
        f"{redis['instance']}/{redis['db_index']:.0f}" if redis else "-",
        (entry.get("database") or {}).get("name", "-"),
        (entry.get("minio") or {}).get("bucket", "-"),
        (entry.get("health") or {}).get("status", "-"),
    ]


def _release(release: Mapping[str, Any]) -> str:
    """Id, and the image's tag or the first digits of its digest: `r12 1.4.2`."""
    name, _, pinned = str(release.get("image") or "").partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    digest = str(pinned or release.get("digest") or "").removeprefix("sha256:")[:DIGEST_DIGITS]
    return f"{release.get('id') or ''} {tag or digest}".strip() or "-"


def curl_line(url: str, address: str, ca: str) -> str:
    """A command that a person can paste: the lab's names are in no DNS."""
    host = url.split("/")[2]
    return f"curl --cacert {ca} --resolve {host}:443:{address} {url}"


def probe(url: str, address: str, ca: Path, timeout: float = 10) -> int:
    """HTTP status of `url`, asked at `address`, its certificate checked against `ca`.

    Raises:
        OSError: nothing answers, or the certificate is not valid.
    """
    host, _, path = url.removeprefix("https://").partition("/")
    context = ssl.create_default_context(cafile=str(ca))
    with (
        socket.create_connection((address, 443), timeout) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        connection = http.client.HTTPConnection(host, timeout=timeout)
        connection.sock = secure
        connection.request("GET", f"/{path}")
        return connection.getresponse().status


def print_urls(urls: Sequence[str], address: str, ca: Path, shown_ca: str, console: Console) -> list[str]:
    """Ask every URL once and print its line with the answer; return those that did not answer 200."""
    failed = []
    for url in urls:
        try:
            status = str(probe(url, address, ca))
        except OSError as error:
            status = f"no answer ({error})"
        if status != "200":
            failed.append(url)
        console.print(f"{status:>4}  {curl_line(url, address, shown_ca)}", soft_wrap=True, highlight=False)
    return failed


def health_paths(folder: Path) -> dict[str, str]:
    """What each app is asked for to see that it works; nothing is known of manifests with errors in them."""
    try:
        manifests = load_manifests(read_sources(folder))
    except ManifestErrors:
        return {}
    return {manifest.id: manifest.monitoring.health.path for manifest in manifests}


def running(registry: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Entries of projects that are meant to answer."""
    return [entry for _, entry in sorted(registry["projects"].items()) if entry["status"] == "running"]
