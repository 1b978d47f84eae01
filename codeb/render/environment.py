"""The environment that an app finds: names, meaning, values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote as url_quote

from codeb import managed_names, names
from codeb.plan import Plan, ProjectPlan, monitored
from codeb.render.quote import environment_value
from codeb.secrets import ProjectCredentials

VARIABLES: Final = {
    "NODE_ENV": "always `production`: what runs here is a built app",
    "PORT": "port that the app listens on (`environment.port`)",
    "HOSTNAME": "address that the app listens on: all of the container",
    "APP_STAGE": "`production`, `staging` or `development` (`environment.stage`)",
    "CODEB_COLOUR": "`blue` or `green`: which of the two containers this is",
    "CODEB_PROJECT": "id of the project",
    "DATABASE_URL": "the project's PostgreSQL database, TLS with the platform's CA",
    "DATABASE_POOL_SIZE": "connections that one container may keep open; two containers run during a release",
    "NEXTAUTH_URL": "public URL of the app",
    "NEXTAUTH_SECRET": "key for sessions",
    "REDIS_HOST": "the project's Redis",
    "REDIS_PORT": "its port",
    "REDIS_DB": "the project's index in it",
    "REDIS_CHANNEL_PREFIX": "how the names of the project's channels (publish, subscribe) have to start",
    "REDIS_USERNAME": "the project's user",
    "REDIS_PASSWORD": "its password",
    "REDIS_TLS": "`true` where Redis takes TLS alone (Vultr's managed Valkey); not there otherwise",
    "MINIO_ENDPOINT": "URL of object storage inside the platform",
    "MINIO_PUBLIC_ENDPOINT": "URL of object storage for browsers: sign URLs for this one",
    "MINIO_REGION": "region to sign for",
    "MINIO_BUCKET": "the project's first bucket",
    "MINIO_BUCKET_<SUFFIX>": "each bucket by its suffix, e.g. `MINIO_BUCKET_UPLOADS`",
    "MINIO_ACCESS_KEY": "the project's own key",
    "MINIO_SECRET_KEY": "its secret",
    "NEXT_PUBLIC_APP_NAME": "name for people (`environment.app_name`)",
    "NEXT_PUBLIC_API_URL": "base URL of the API (`environment.api_url`)",
    "NODE_EXTRA_CA_CERTS": "file with the platform's CA, which Node trusts in addition",
}
"""Every variable that the platform sets. Cache, database and storage variables only come when they are
enabled."""

TRACING_VARIABLES: Final = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "where traces go to (OTLP over HTTP)",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "how: `http/protobuf`",
    "OTEL_SERVICE_NAME": "whose they are: the project's id",
    "OTEL_RESOURCE_ATTRIBUTES": "what traces say of where they are from: project, colour, release (the image's digest)",
}
"""What it sets with `features.tracing` where something watches; a manifest may set each of them otherwise."""
RESOURCE_ATTRIBUTES: Final = "OTEL_RESOURCE_ATTRIBUTES"
MINIO_REGION: Final = "us-east-1"


def project_environment(plan: Plan, project: ProjectPlan, credentials: ProjectCredentials) -> dict[str, str]:
    """Variables of the app's environment file, in order of name; secret values among them.

    Of the supplied secrets only those that `environment.secrets` names get in; the program has checked before
    that none is missing.

    Raises:
        QuoteError: a value can't stand in an environment file; names the variable.
    """
    manifest = project.manifest.environment
    found = dict(_platform(project))
    found |= {"NEXTAUTH_SECRET": credentials.session_secret}
    found |= dict(_database(project, credentials))
    found |= dict(_cache(project, credentials))
    found |= dict(_storage(plan, project, credentials))
    found |= dict(_tracing(plan, project))
    found |= dict(manifest.variables)
    found |= {name: credentials.supplied[name] for name in manifest.secrets if name in credentials.supplied}
    return {name: environment_value(name, found[name]) for name in sorted(found)}


def secret_variables(project: ProjectPlan) -> list[str]:
    """Names of the app's variables whose whole values are secret, in order.

    `DATABASE_URL` is not among them: of a URL that is no secret as a whole its password is.
    """
    manifest = project.manifest.environment
    generated = {"NEXTAUTH_SECRET"}
    generated |= {"REDIS_PASSWORD"} if project.cache else set()
    generated |= {"MINIO_SECRET_KEY"} if project.buckets else set()
    return sorted(generated - set(manifest.variables) | set(manifest.secrets))


def _platform(project: ProjectPlan) -> Iterator[tuple[str, str]]:
    environment = project.manifest.environment
    yield "NODE_ENV", "production"
    yield "PORT", str(environment.port)
    yield "HOSTNAME", "0.0.0.0"
    yield "APP_STAGE", environment.stage
    yield "CODEB_PROJECT", project.id
    yield "NEXTAUTH_URL", project.url
    yield "NEXT_PUBLIC_APP_NAME", environment.app_name or project.manifest.display_name
    yield "NEXT_PUBLIC_API_URL", environment.api_url or f"{project.url}/api"
    yield "NODE_EXTRA_CA_CERTS", names.CA_FILE


def _database(project: ProjectPlan, credentials: ProjectCredentials) -> Iterator[tuple[str, str]]:
    database = project.database
    if database is None:
        return
    login = (
        f"{credentials.database_login or database.role}:{url_quote(credentials.database_password, safe='')}"
    )
    tls = f"sslmode=verify-full&sslrootcert={names.CA_FILE}"
    yield "DATABASE_URL", f"postgresql://{login}@{database.place}/{database.name}?{tls}"
    yield "DATABASE_POOL_SIZE", str(max(1, project.manifest.resources.database.connection_limit * 2 // 5))


def _cache(project: ProjectPlan, credentials: ProjectCredentials) -> Iterator[tuple[str, str]]:
    cache = project.cache
    if cache is None:
        return
    yield "REDIS_HOST", cache.host
    yield "REDIS_PORT", str(cache.port)
    yield "REDIS_DB", str(cache.index)
    yield "REDIS_CHANNEL_PREFIX", names.channel_prefix(project.id)
    yield "REDIS_USERNAME", cache.user
    yield "REDIS_PASSWORD", credentials.cache_password
    if cache.managed:
        yield "REDIS_TLS", "true"


def traced(plan: Plan, project: ProjectPlan) -> bool:
    """Whether the app sends traces, and somebody takes them."""
    return project.manifest.features.tracing and monitored.monitoring_server(plan) is not None


def resource_attributes(project: ProjectPlan) -> str:
    """What all traces of a project say of where they are from; an app's unit adds colour and release."""
    return f"project={project.id}"


def _tracing(plan: Plan, project: ProjectPlan) -> Iterator[tuple[str, str]]:
    """The collector is at the same name on whatever server the container runs: Podman's for the host."""
    if not traced(plan, project):
        return
    yield "OTEL_EXPORTER_OTLP_ENDPOINT", f"http://host.containers.internal:{monitored.OTLP_PORT}"
    yield "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"
    yield "OTEL_SERVICE_NAME", project.id
    yield RESOURCE_ATTRIBUTES, resource_attributes(project)


def _storage(plan: Plan, project: ProjectPlan, credentials: ProjectCredentials) -> Iterator[tuple[str, str]]:
    if not project.buckets:
        return
    there = project.objects if project.objects and project.objects.used else None
    yield "MINIO_ENDPOINT", there.url if there else plan.data.minio_url
    yield "MINIO_PUBLIC_ENDPOINT", there.url if there else f"https://{plan.settings.platform_hosts['s3']}"
    yield "MINIO_REGION", MINIO_REGION
    found = [managed_names.objects_bucket(there.mark, b.name) if there else b.name for b in project.buckets]
    yield "MINIO_BUCKET", found[0]
    for bucket, name in zip(project.buckets, found, strict=True):
        yield f"MINIO_BUCKET_{bucket.suffix.replace('-', '_').upper()}", name
    yield "MINIO_ACCESS_KEY", credentials.storage_access_key
    yield "MINIO_SECRET_KEY", credentials.storage_secret_key
