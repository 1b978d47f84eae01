"""Registers as many resources of the platform's own types as `bench.json` says and does nothing else: the yardstick."""

import json
from pathlib import Path

import pulumi
import pulumi_minio as minio
import pulumi_postgresql as postgresql
from pulumi_command import remote

KINDS = 9


class Project(pulumi.ComponentResource):
    def __init__(self, name: str) -> None:
        super().__init__("bench:index:Project", name, {"name": name})


def declare(number: int, version: int) -> None:
    """The resource number `number`: every ninth is a component, the rest are its kinds of children."""
    name = f"r{number}"
    kind = number % KINDS
    if kind == 0:
        Project(name)
    elif kind == 1:
        postgresql.Role(name, name=name, login=True, password=pulumi.Output.secret("x" * 40))
    elif kind == 2:
        postgresql.Database(name, name=name, owner="owner")
    elif kind == 3:
        postgresql.Grant(name, database="database", role="public", object_type="database", privileges=[])
    elif kind == 4:
        minio.S3Bucket(name, bucket=name, acl="private")
    elif kind == 5:
        minio.IamUser(name, name=name, secret=pulumi.Output.secret("x" * 40))
    elif kind == 6:
        minio.IamPolicy(name, name=name, policy="{}")
    elif kind == 7:
        minio.IamUserPolicyAttachment(name, user_name=name, policy_name=name)
    else:
        remote.Command(
            name,
            connection=remote.ConnectionArgs(host="127.66.0.1", user="root"),
            create="true",
            stdin=pulumi.Output.secret(f"{version}" + "x" * 4000),
        )


wanted = json.loads(Path("bench.json").read_text())
for number in range(wanted["resources"] - 1):
    declare(number, wanted["version"] if number // KINDS < wanted["count"] else 1)
