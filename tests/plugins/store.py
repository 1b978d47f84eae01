"""What the tests ask of a MinIO server: clients, objects, policy documents."""

from __future__ import annotations

import io
import json
import ssl
from typing import Any

import urllib3
from minio import Minio


def policy(bucket_name: str, *actions: str, principal: Any = None) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": [f"arn:aws:s3:::{bucket_name}/*"]}
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [statement | ({"Principal": principal} if principal else {})]}
    )


def client(config: dict[str, str], access_key: str | None = None, secret_key: str | None = None) -> Minio:
    context = ssl.create_default_context(cafile=config["minioCacertFile"])
    pool = urllib3.PoolManager(ssl_context=context, retries=False)
    return Minio(
        config["minioServer"],
        access_key=access_key,
        secret_key=secret_key,
        region="us-east-1",
        http_client=pool,
    )


def put(store: Minio, name: str, key: str, data: bytes = b"hello") -> None:
    store.put_object(name, key, io.BytesIO(data), len(data))


def admin(config: dict[str, str]) -> Minio:
    return client(config, config["minioUser"], config["minioPassword"])
