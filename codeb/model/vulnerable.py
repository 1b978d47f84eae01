"""Images that are known to have a hole which a project could use against the others or the platform.

`ADVISORIES` is the whole knowledge; each row says where it is from and when it was looked up. Only exact versions are
judged: a tag that moves (`redis:7-alpine`), a digest alone and an image of another name say nothing about what is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from codeb.model.problems import Problem, SettingsErrors, shown
from codeb.model.settings import Settings

Version = tuple[int, ...]

_STAMP: Final = re.compile(r"RELEASE\.(\d{4})-(\d\d)-(\d\d)T(\d\d)-(\d\d)-(\d\d)Z")
_NUMBERS: Final = re.compile(r"v?(\d+)((?:\.\d+)*)(?![\w.])")


@dataclass(frozen=True)
class Advisory:
    """One hole. `repository` matches an image without its tag; `fixed` has the first good version of each line.

    A line is a version without its last number. What belongs to none of them is vulnerable when it is older than the newest.
    """

    repository: re.Pattern[str]
    fixed: tuple[Version, ...]
    ids: str
    harm: str
    remedy: str
    source: str
    looked_up: str

    def covers(self, repository: str, version: Version) -> bool:
        """Whether this version of the image has the hole; False when the version is not exact enough to tell."""
        if not self.repository.fullmatch(repository) or len(version) < len(self.fixed[0]):
            return False
        own = next((fix for fix in self.fixed if fix[:-1] == version[: len(fix) - 1]), max(self.fixed))
        return version < own


_STORAGE: Final = (
    "Write docker.io/pgsty/silo:RELEASE.2026-09-16T00-00-00Z or later (docs/operations.md, Storage)."
)
_POSTGRES: Final = "Write docker.io/library/postgres:16.16-alpine or a later one of its line."

ADVISORIES: Final = (
    Advisory(
        repository=re.compile(r"(?:.*/)?(?:minio|silo)"),
        fixed=((2025, 10, 15, 17, 29, 55),),
        ids="CVE-2025-62506 (GHSA-jjjj-jwhf-8rgr)",
        harm="a key that is limited to some buckets can make itself one without the limits",
        remedy=_STORAGE,
        source="https://github.com/minio/minio/security/advisories/GHSA-jjjj-jwhf-8rgr",
        looked_up="2026-11-27",
    ),
    Advisory(
        repository=re.compile(r"(?:.*/)?(?:minio|silo)"),
        fixed=((2026, 4, 11, 3, 20, 12),),
        ids="CVE-2026-40344 and CVE-2026-41145 (GHSA-9c4q-hq6p-c237, GHSA-hv4r-mvr4-25vw)",
        harm="whoever knows the name of an access key can write into its buckets without the secret key",
        remedy=_STORAGE,
        source="https://github.com/minio/minio/security/advisories/GHSA-9c4q-hq6p-c237: no open release of MinIO has the "
        "fix, its commercial successor has since 2026-04-11, the fork Silo since 2026-04-17",
        looked_up="2026-11-27",
    ),
    Advisory(
        repository=re.compile(r"(?:.*/)?pgsty/(?:minio|silo)"),
        fixed=((2026, 9, 16, 0, 0, 0),),
        ids="SN-2026-011",
        harm="whoever has one signed upload URL can copy any object that its signer may read",
        remedy=_STORAGE,
        source="https://github.com/pgsty/silo/blob/main/docs/security/advisories.md",
        looked_up="2026-11-27",
    ),
    Advisory(
        repository=re.compile(r"(?:.*/)?redis"),
        fixed=((7, 2, 14), (7, 4, 9), (8, 2, 6), (8, 4, 3), (8, 6, 3)),
        ids="CVE-2026-23479, CVE-2026-25243 and CVE-2026-23631 (before them CVE-2025-49844)",
        harm="whoever can log in may run code in the server, which all projects share",
        remedy="Write docker.io/library/redis:7.4.11-alpine or a later one of its line.",
        source="https://github.com/redis/redis/releases/tag/7.2.14 and https://github.com/redis/docs/pull/3292",
        looked_up="2026-11-27",
    ),
    Advisory(
        repository=re.compile(r"(?:.*/)?postgres"),
        fixed=((14, 21), (15, 16), (16, 12), (17, 8), (18, 2)),
        ids="CVE-2026-2005 and CVE-2026-2006",
        harm="whoever can log in may run code in the server, which all projects share",
        remedy=_POSTGRES,
        source="https://www.postgresql.org/support/security/CVE-2026-2006/",
        looked_up="2026-11-27",
    ),
    Advisory(
        repository=re.compile(r"(?:.*/)?postgres"),
        fixed=((14, 25), (15, 20), (16, 16), (17, 12), (18, 7)),
        ids="CVE-2026-6460",
        harm="a query can make the server read a row as if it were of another type, and programs that do so are public",
        remedy=_POSTGRES,
        source="https://github.com/pgcentralfoundation/pgrx/releases/tag/v0.19.4",
        looked_up="2026-11-27",
    ),
)


def refuse_vulnerable(settings: Settings, stack: str = "<stack>") -> None:
    """Refuse images that are known to be vulnerable.

    Apart from `parse_settings`, so that whoever has such a stack can still ask what runs, and go back.

    Raises:
        SettingsErrors: the setting of each image, what is known of it, and what to write instead.
    """
    problems = [
        Problem(f"Pulumi.{stack}.yaml", 0, 0, f"codeb:images.{service}", _cause(image, found), found.remedy)
        for service, image in settings.images
        for found in known_holes(image)[:1]
    ]
    if problems:
        raise SettingsErrors(problems)


def known_holes(image: str) -> list[Advisory]:
    """What is known against an image, the hole that was fixed first at the front."""
    name, _, _ = image.partition("@")
    place, _, last = name.rpartition("/")
    repository, _, tag = last.partition(":")
    version = _version(tag)
    return [row for row in ADVISORIES if row.covers(f"{place}/{repository}", version)]


def _cause(image: str, found: Advisory) -> str:
    return f"{shown(image)} has {found.ids}: {found.harm}"


def _version(tag: str) -> Version:
    """The numbers at the front of a tag; none for a tag that is no version."""
    if stamp := _STAMP.match(tag):
        return tuple(map(int, stamp.groups()))
    if numbers := _NUMBERS.match(tag):
        return tuple(_parts(numbers))
    return ()


def _parts(numbers: re.Match[str]) -> Iterator[int]:
    yield int(numbers[1])
    yield from map(int, filter(None, numbers[2].split(".")))
