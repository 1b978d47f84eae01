"""A run in a further store: the contents that it lacks, of whatever run they came with, then the list and its document."""

from __future__ import annotations

from collections.abc import Iterable

from agent.host.ports import Ports
from agent.host.s3 import StoreError
from agent.store.settings import Store
from agent.uploads import runs
from agent.uploads.entries import Entry
from agent.uploads.runs import Run


def copied(ports: Ports, source: Store, target: Store, run: Run, entries: Iterable[Entry]) -> str:
    """Bring a run there; what went wrong, in words, or "". A store that was away gets what it has missed with the next."""
    prefix = f"{runs.folder(run.project, run.bucket)}objects/"
    try:
        there = {found.key.rpartition("/")[2] for found in ports.s3.objects(target.place, prefix)}
        for entry in entries:
            if ports.asker.gone():
                return "nobody waits for it any more"
            if entry.name not in there:
                _brought(ports, source, target, runs.object_key(run.project, run.bucket, entry.name))
                there.add(entry.name)
        _brought(ports, source, target, runs.list_key(run.project, run.bucket, run.id))
        _brought(ports, source, target, runs.document_key(run.project, run.bucket, run.id))
    except StoreError as error:
        return str(error)
    return ""


def _brought(ports: Ports, source: Store, target: Store, key: str) -> None:
    ports.s3.upload(target.place, key, ports.s3.get(source.place, key))
