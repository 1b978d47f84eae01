"""Objects of a run, brought back into a bucket as they were: content, type, and what the app had noted of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from email.header import Header

from agent.host.ports import Ports
from agent.host.s3 import Place, Sent
from agent.store.sealed import opened
from agent.uploads import runs
from agent.uploads.entries import Entry
from agent.uploads.runs import Run


def content(
    ports: Ports, place: Place, run: Run, entry: Entry, unless: Callable[[], object] = lambda: False
) -> Generator[bytes, None, None]:
    """An object's bytes; right and whole once the generator is exhausted. Raises as `opened` does."""
    key = runs.object_key(run.project, run.bucket, entry.name)
    return opened(ports, place, key, plain_sha256=entry.sha256, unless=unless)


def brought_back(
    ports: Ports, place: Place, run: Run, entries: Iterable[Entry], target: Place
) -> Generator[Entry, None, None]:
    """Write these objects of a run, kept at `place`, into the bucket `target`; tells each once it is there.

    One that is damaged is not written: what was there by its name stays. Raises Damaged, StoreError, PipeBroken.
    """
    for entry in entries:
        pieces = content(ports, place, run, entry, ports.asker.gone)
        put(ports, entry.key, pieces, target, entry.headers, entry.size)
        yield entry


def put(
    ports: Ports, key: str, pieces: Iterable[bytes], target: Place, headers: Mapping[str, str], size: int
) -> Sent:
    """Write a content with its headers into the bucket `target`. Raises StoreError, and what `pieces` raises."""
    return ports.s3.upload(
        target, key, pieces, size, {name: _ascii(value) for name, value in headers.items()}
    )


def _ascii(value: str) -> str:
    """A header's value; with other letters in it as S3 itself gives it back (RFC 2047)."""
    if value.isascii():
        return value
    return Header(
        value.encode("latin-1", "replace").decode("utf-8", "replace"), "utf-8", maxlinelen=2048
    ).encode()
