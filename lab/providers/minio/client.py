"""The MinIO server that the provider is configured for: S3 and admin clients, and errors as the plugin words them."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import urllib3
from minio import Minio, MinioAdmin
from minio.credentials.providers import StaticProvider
from minio.crypto import decrypt, encrypt
from minio.error import MinioAdminException, MinioException, S3Error
from minio.minioadmin import _COMMAND

from lab.providers.protocol import REMEDY, UNKNOWN, Properties, ProviderError

_TRUE: Final = ("true", "True", "1", True)
_CONNECT_TIMEOUT_S: Final = 10
_READ_TIMEOUT_S: Final = 60
_CONNECTIONS: Final = 16
GONE: Final = frozenset(
    {
        "NoSuchBucket",
        "NoSuchBucketPolicy",
        "NoSuchLifecycleConfiguration",
        "ObjectLockConfigurationNotFoundError",
        "XMinioAdminNoSuchUser",
        "XMinioAdminNoSuchPolicy",
        "XMinioInvalidIAMCredentials",
        "XMinioAdminServiceAccountNotFound",
    }
)
"""Error codes that mean: there is no such thing (any more)."""


class NotThereError(ProviderError):
    """The thing to read or to change does not exist."""


class Admin(MinioAdmin):
    """The admin client, and the one call that it lacks."""

    def add_service_account_for(self, user: str, policy: Mapping[str, Any]) -> dict[str, str]:
        """Make a service account of another user; returns its `accessKey` and `secretKey`."""
        secret = self._provider.retrieve().secret_key
        body = json.dumps({"targetUser": user, "policy": policy}).encode()
        response = self._url_open(
            method="PUT",
            command=_COMMAND.SERVICE_ACCOUNT_ADD,
            body=encrypt(body, secret),
            preload_content=False,
        )
        credentials: dict[str, str] = json.loads(decrypt(response, secret))["credentials"]
        return credentials


class MinioServer:
    """Clients for one server, made at first use and shared by all threads."""

    def __init__(self) -> None:
        self._config: Properties = {}
        self._lock = threading.Lock()
        self._clients: tuple[Minio, Admin] | None = None
        self._cancelled = False

    def configure(self, config: Properties) -> None:
        """Take the provider's configuration (strings, as Pulumi keeps it); connects later.

        Raises:
            ProviderError: it asks for a way to connect that the lab does not have.
        """
        if config.get("minioApiVersion") not in (None, "v4", UNKNOWN):
            raise ProviderError(f"the lab's stand-in knows signature v4 only (minioApiVersion); {REMEDY}")
        self._config = dict(config)

    @property
    def s3(self) -> Minio:
        """The S3 client."""
        return self._both()[0]

    @property
    def admin(self) -> Admin:
        """The admin client."""
        return self._both()[1]

    @property
    def region(self) -> str:
        """Where buckets are made."""
        return str(self._config.get("minioRegion") or "us-east-1")

    @property
    def url(self) -> str:
        """The server's address, as in `bucketDomainName`."""
        return f"{'https' if self._secure else 'http'}://{self._config['minioServer']}"

    def cancel(self) -> None:
        """Let no new call begin; those that run end by themselves, within a minute."""
        self._cancelled = True

    @property
    def _secure(self) -> bool:
        return self._config.get("minioSsl") in _TRUE

    def _both(self) -> tuple[Minio, Admin]:
        if self._cancelled:
            raise ProviderError("cancelled")
        with self._lock:
            if self._clients is None:
                self._clients = self._connect()
            return self._clients

    def _connect(self) -> tuple[Minio, Admin]:
        config = self._config
        unknown = sorted(key for key, value in config.items() if value is UNKNOWN)
        if unknown:
            raise ProviderError(f"the minio provider's {', '.join(unknown)} is not known yet")
        credentials = StaticProvider(
            config.get("minioUser") or config.get("minioAccessKey") or "",
            config.get("minioPassword") or config.get("minioSecretKey") or "",
            config.get("minioSessionToken") or None,
        )
        endpoint = str(config.get("minioServer") or "")
        secure, pool = self._secure, self._pool()
        try:
            return (
                Minio(endpoint, credentials=credentials, region=self.region, secure=secure, http_client=pool),
                Admin(
                    endpoint=endpoint,
                    credentials=credentials,
                    region=self.region,
                    secure=secure,
                    http_client=pool,
                ),
            )
        except ValueError as error:
            raise ProviderError(f"[FATAL] client creation failed (client): {error}") from error

    def _pool(self) -> urllib3.PoolManager:
        retries = urllib3.Retry(total=3, backoff_factor=0.2, status_forcelist=[502, 503, 504])
        timeout = urllib3.Timeout(connect=_CONNECT_TIMEOUT_S, read=_READ_TIMEOUT_S)
        context = self._tls() if self._secure else None
        return urllib3.PoolManager(
            timeout=timeout, retries=retries, maxsize=_CONNECTIONS, ssl_context=context
        )

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        try:
            if self._config.get("minioCacertFile"):
                context.load_verify_locations(str(self._config["minioCacertFile"]))
            if self._config.get("minioCertFile") and self._config.get("minioKeyFile"):
                context.load_cert_chain(str(self._config["minioCertFile"]), str(self._config["minioKeyFile"]))
        except OSError as error:
            raise ProviderError(f"[FATAL] client creation failed (client): {error}") from error
        if self._config.get("minioInsecure") in _TRUE:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


@contextmanager
def doing(what: str, resource: str) -> Iterator[None]:
    """Frame errors as the plugin does: `[FATAL] what (resource): cause`.

    Raises:
        NotThereError: the server says that there is no such thing.
        ProviderError: anything else went wrong.
    """
    try:
        yield
    except (S3Error, MinioAdminException) as error:
        code, message = _said(error)
        kind = NotThereError if code in GONE else ProviderError
        raise kind(f"[FATAL] {what} ({resource}): {message}") from None
    except urllib3.exceptions.MaxRetryError as error:
        pool = error.pool
        where = f"{getattr(pool, 'host', '?')}:{getattr(pool, 'port', '?')}"
        raise ProviderError(f"[FATAL] {what} ({resource}): {where}: {error.reason}") from None
    except (urllib3.exceptions.HTTPError, MinioException, OSError, ValueError) as error:
        raise ProviderError(f"[FATAL] {what} ({resource}): {error}") from None


def _said(error: S3Error | MinioAdminException) -> tuple[str, str]:
    """Code and message of the server's answer."""
    if isinstance(error, S3Error):
        return str(error.code), str(error.message)
    try:
        answer = json.loads(error._body)
    except ValueError:
        return str(error._code), str(error._body)
    return str(answer.get("Code")), str(answer.get("Message"))
