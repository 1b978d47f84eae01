"""`minio:index/s3BucketVersioning:S3BucketVersioning`: whether a bucket keeps what is overwritten and deleted.

As in terraform-provider-minio: deleting it suspends versions, unless they are; a bucket that is not there is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from minio.versioningconfig import SUSPENDED, VersioningConfig

from lab.providers.bridge.resource import BridgedResource
from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.minio.client import MinioServer, doing
from lab.providers.protocol import Properties

TYPE: Final = "minio:index/s3BucketVersioning:S3BucketVersioning"
_CONFIGURATION: Final = "versioningConfiguration"


class S3BucketVersioning(BridgedResource):
    """The versions of one bucket."""

    attributes: ClassVar[Mapping[str, Attribute]] = {
        "bucket": Attribute(required=True, replaces=True),
        _CONFIGURATION: Attribute(
            Kind.LIST,
            required=True,
            single=True,
            elements={
                "status": Attribute(required=True, choices=("Enabled", "Suspended")),
                "excludedPrefixes": Attribute(Kind.LIST),
                "excludeFolders": Attribute(Kind.BOOL),
            },
        ),
    }

    def __init__(self, server: MinioServer) -> None:
        self._server = server

    def insert(self, wanted: Properties) -> str:
        bucket, found = str(wanted["bucket"]), wanted[_CONFIGURATION]
        config = VersioningConfig(
            found["status"],
            excluded_prefixes=list(found.get("excludedPrefixes") or ()),
            exclude_folders=bool(found.get("excludeFolders")),
        )
        with doing("error putting bucket versioning configuration", bucket):
            self._server.s3.set_bucket_versioning(bucket, config)
        return bucket

    def alter(self, id_: str, old: Properties, wanted: Properties, changed: frozenset[str]) -> str:
        return self.insert(wanted)

    def remove(self, id_: str, old: Properties) -> None:
        if (old.get(_CONFIGURATION) or {}).get("status") == SUSPENDED:
            return
        with doing("error suspending bucket versioning", id_):
            self._server.s3.set_bucket_versioning(id_, VersioningConfig(SUSPENDED))

    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        with doing("failed to load bucket versioning", id_):
            found = self._server.s3.get_bucket_versioning(id_)
        configuration = {
            "status": found.status or "",
            "excludedPrefixes": [str(prefix) for prefix in found.excluded_prefixes or ()],
            "excludeFolders": found.exclude_folders,
        }
        return id_, {"bucket": id_, _CONFIGURATION: configuration}
