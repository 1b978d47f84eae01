"""`minio:index/ilmPolicy:IlmPolicy`: when a bucket's objects expire."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from minio.commonconfig import ENABLED, AndOperator, Filter, Tags
from minio.lifecycleconfig import Expiration, LifecycleConfig, NoncurrentVersionExpiration, Rule

from lab.providers.bridge.resource import BridgedResource
from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.minio.client import MinioServer, NotThereError, doing
from lab.providers.minio.names import longest
from lab.providers.protocol import Properties

TYPE: Final = "minio:index/ilmPolicy:IlmPolicy"
_DAYS: Final = re.compile(r"(\d+)d")
_DATE: Final = "%Y-%m-%d"
_DELETE_MARKER: Final = "DeleteMarker"


class IlmPolicy(BridgedResource):
    """The lifecycle rules of one bucket."""

    attributes: ClassVar[Mapping[str, Attribute]] = {
        "bucket": Attribute(required=True, replaces=True, valid=longest("bucket", 63)),
        "rules": Attribute(
            Kind.LIST,
            required=True,
            terraform_name="rule",
            elements={
                "id": Attribute(required=True),
                "expiration": Attribute(),
                "noncurrentVersionExpirationDays": Attribute(Kind.INT),
                "status": Attribute(output_only=True, computed=True),
                "filter": Attribute(),
                "tags": Attribute(Kind.MAP),
            },
        ),
    }

    def __init__(self, server: MinioServer) -> None:
        self._server = server

    def insert(self, wanted: Properties) -> str:
        bucket = str(wanted["bucket"])
        with doing("creating bucket lifecycle failed", bucket):
            config = LifecycleConfig([_rule(rule) for rule in wanted["rules"]])
            self._server.s3.set_bucket_lifecycle(bucket, config)
        return bucket

    def alter(self, id_: str, old: Properties, wanted: Properties, changed: frozenset[str]) -> str:
        return self.insert(wanted)

    def remove(self, id_: str, old: Properties) -> None:
        try:
            with doing("deleting lifecycle configuration failed", id_):
                self._server.s3.delete_bucket_lifecycle(id_)
        except NotThereError:
            return

    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        try:
            with doing("reading lifecycle configuration failed", id_):
                config = self._server.s3.get_bucket_lifecycle(id_)
        except NotThereError:
            return None
        if config is None:
            return None
        return id_, {"bucket": id_, "rules": [_attributes(rule) for rule in config.rules]}


def _rule(rule: Properties) -> Rule:
    days = rule.get("noncurrentVersionExpirationDays")
    return Rule(
        status=ENABLED,
        rule_filter=_filter(rule),
        rule_id=rule["id"],
        expiration=_expiration(rule.get("expiration")),
        noncurrent_version_expiration=NoncurrentVersionExpiration(noncurrent_days=int(days))
        if days
        else None,
    )


def _filter(rule: Properties) -> Filter:
    prefix = rule.get("filter") or ""
    if not rule.get("tags"):
        return Filter(prefix=prefix)
    tags = Tags.new_object_tags()
    tags.update(rule["tags"])
    return Filter(and_operator=AndOperator(prefix=prefix, tags=tags))


def _expiration(text: str | None) -> Expiration | None:
    """`5d`, a date `2030-01-01`, or `DeleteMarker`."""
    if not text:
        return None
    if text == _DELETE_MARKER:
        return Expiration(expired_object_delete_marker=True)
    if match := _DAYS.match(text):
        return Expiration(days=int(match.group(1)))
    try:
        return Expiration(date=datetime.strptime(text, _DATE).replace(tzinfo=UTC))
    except ValueError:
        raise ValueError('expiration must be a duration (5d), date (1970-01-01), or "DeleteMarker"') from None


def _attributes(rule: Rule) -> dict[str, Any]:
    both = rule.rule_filter.and_operator if rule.rule_filter else None
    prefix = (both.prefix if both else rule.rule_filter.prefix if rule.rule_filter else None) or ""
    noncurrent = rule.noncurrent_version_expiration
    return {
        "id": rule.rule_id,
        "expiration": _expiration_text(rule.expiration),
        "noncurrentVersionExpirationDays": (noncurrent.noncurrent_days if noncurrent else 0) or 0,
        "status": rule.status,
        "filter": prefix,
        "tags": dict(both.tags) if both and both.tags else {},
    }


def _expiration_text(expiration: Expiration | None) -> str:
    if expiration is None:
        return ""
    if expiration.expired_object_delete_marker:
        return _DELETE_MARKER
    if expiration.days:
        return f"{expiration.days}d"
    return expiration.date.strftime(_DATE) if expiration.date else ""
