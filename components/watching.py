"""The account by which Prometheus asks MinIO for its figures: it may do that and nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pulumi
import pulumi_minio as minio

from codeb import watch_names
from components.server import Server


@dataclass(frozen=True)
class WatchingArgs:
    """`secret` is the account's secret key, by which its token is signed (`codeb.bearer`)."""

    data_server: Server
    secret: str = field(repr=False)


class Watching(pulumi.ComponentResource):
    """There while a server has the role monitoring."""

    def __init__(self, name: str, args: WatchingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:watching:Watching", name, None, opts)
        opts = pulumi.ResourceOptions(parent=self, deleted_with=args.data_server.bundle)
        policy = minio.IamPolicy(
            f"{name}-policy", name=watch_names.METRICS_USER, policy=metrics_policy(), opts=opts
        )
        secret = pulumi.Output.secret(args.secret)
        user = minio.IamUser(f"{name}-user", name=watch_names.METRICS_USER, secret=secret, opts=opts)
        minio.IamUserPolicyAttachment(
            f"{name}-access", user_name=user.name, policy_name=policy.name, opts=opts
        )
        self.register_outputs({})


def metrics_policy() -> str:
    """An IAM policy for MinIO's endpoint of figures, and for no bucket and nothing else of the admin API."""
    statement = {"Effect": "Allow", "Action": ["admin:Prometheus"]}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
