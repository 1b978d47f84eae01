"""The native providers of a server that holds the data services, reached through its SSH tunnel."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_minio as minio
import pulumi_postgresql as postgresql


@dataclass(frozen=True)
class DataArgs:
    """Ports are local ends of the tunnel on 127.0.0.1."""

    postgres_port: int
    postgres_user: str
    postgres_password: str
    minio_port: int
    minio_user: str
    minio_password: str

    def __repr__(self) -> str:
        return f"DataArgs(postgres_port={self.postgres_port}, minio_port={self.minio_port}, [redacted])"


class DataServices(pulumi.ComponentResource):
    """Explicit providers for PostgreSQL and MinIO; every database and bucket of the stack is made through them."""

    postgres: postgresql.Provider
    minio: minio.Provider

    def __init__(self, name: str, args: DataArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:data:DataServices", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.postgres = postgresql.Provider(
            f"{name}-postgres",
            host="127.0.0.1",
            port=args.postgres_port,
            username=args.postgres_user,
            password=pulumi.Output.secret(args.postgres_password),
            sslmode="require",
            superuser=True,
            connect_timeout=60,
            opts=child,
        )
        self.minio = minio.Provider(
            f"{name}-minio",
            minio_server=f"127.0.0.1:{args.minio_port}",
            minio_user=args.minio_user,
            minio_password=pulumi.Output.secret(args.minio_password),
            minio_ssl=False,
            opts=child,
        )
        self.register_outputs({})
