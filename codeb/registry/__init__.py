"""The registry: what the stack runs and holds, as a versioned document in the stack's outputs.

Pulumi state is the registry; the next run reads it back (`read_previous`). Nothing in it is secret. An
entry has the required keys `id, name, status, created_at, ports{app,internal}, database{name,port},
redis{db_index,instance}, minio{bucket}, domain, container_id, health{status,last_check}`, and what the next
run needs to keep things as they are. `status` is `planned` before the first release, `running` after one
(`unhealthy`, or `maintenance` while visitors get its page), and `retained` once the project has left. `release` says
which release serves and why: `{id, image, digest, at, by, why}`. `serves` says which names and ports that release has,
which is not what the manifest asks for while a release of it fails, `ceded` which names it gave up to others.

Beside `projects` stand those that are `leaving`: without manifest and data to keep, but perhaps not stopped yet. What
they hold is given to nobody until their servers say that they are gone.

`images` are those that were deployed in place of the manifests', `previews` the preview environments that are open, `pools`
the numbers of servers that were decided (`codeb.plan.merged`). Each is there only when there are any.

`backup` is what the data server says of the backups of a project's database.

What runs is known from up to three places: the answer that Pulumi keeps of its last release command, the registry
of the last run, and what the hosts say now. The latest one that says something new counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final

from codeb.outputs import VERSIONS
from codeb.plan import Holding, Kept, read_previous
from codeb.plan.kept import NOTHING
from codeb.registry.entries import Entry, planned_entries, planned_entry
from codeb.registry.observed import RUNNING, carried, entries_of, latest, warnings, with_backups, with_release

VERSION: Final = VERSIONS["registry"]

__all__ = [
    "RUNNING",
    "VERSION",
    "Entry",
    "carried",
    "document",
    "entries_of",
    "latest",
    "planned_entries",
    "planned_entry",
    "read_previous",
    "warnings",
    "with_backups",
    "with_release",
]


def document(
    entries: Mapping[str, Entry], leaving: Iterable[Holding] = (), kept: Kept = NOTHING
) -> dict[str, Any]:
    """The whole registry, entries in order of project id; keys of what there is nothing of are left out."""
    left = {held.id: {**held.entry, "status": "leaving"} for held in leaving}
    found: dict[str, Any] = {
        "version": VERSION,
        "projects": {key: entries[key] for key in sorted(entries)},
    }
    images = {key: asdict(pin) for key, pin in sorted(kept.images.items())}
    previews = {key: asdict(each) for key, each in sorted(kept.previews.items())}
    pools = {key: each.document for key, each in sorted(kept.pools.items())}
    rest = {"leaving": left, "images": images, "previews": previews, "pools": pools}
    return found | {key: value for key, value in rest.items() if value}
