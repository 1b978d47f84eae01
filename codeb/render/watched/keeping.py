"""What the server with the role monitoring runs: Prometheus, Alertmanager, Grafana, the log store, Jaeger."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from codeb import names, watch_names
from codeb.plan import Plan, ServerPlan, monitored
from codeb.render.bundle import Directory, HostBundle, HostFile
from codeb.render.grafana import DASHBOARDS, PROVISIONING, Sources, grafana_files
from codeb.render.monitored import places_file
from codeb.render.outside import alert_urls
from codeb.render.rules import rule_files
from codeb.render.text import render, secret_marker
from codeb.render.watched.service import NOBODY, Watching, service_files
from codeb.render.watched.targets import JOBS, doors, target_files

SCRAPE_S: Final = 15
_LOOPBACK: Final = "127.0.0.1"
_PAGE: Final = "docs/monitoring-runbooks.md"
_MOST_SAMPLES: Final = 5000
"""Series of one app; one that has more is not taken, and its target is down."""
_TRACE_HOURS: Final = 72
_GRAFANA_UID: Final = 472
_OTHERS_UID: Final = 10001
_LOGS_PLUGIN: Final = "victoriametrics-logs-datasource"


def keeping_files(plan: Plan, server: ServerPlan, configured: Collection[str]) -> HostBundle:
    """For the server with the role monitoring."""
    found = _prometheus(plan, server) + _alertmanager(plan, configured) + _logs(plan, server) + _jaeger(plan)
    if plan.settings.monitoring.grafana:
        found += _grafana(plan, server)
    return found + HostBundle(files=(places_file(plan),))


def _addresses(plan: Plan, server: ServerPlan, *, shown: bool) -> tuple[str, ...]:
    """Where a service listens: `shown` ones edges may be asked for; the log store other servers send to."""
    others = len(plan.servers) > 1
    outer = monitored.seen_at(plan, server) if shown else server.private_address if others else _LOOPBACK
    return tuple(dict.fromkeys((_LOOPBACK, outer)))


def _prometheus(plan: Plan, server: ServerPlan) -> HostBundle:
    keeps, folder = plan.settings.monitoring, watch_names.PROMETHEUS_DIR
    token = f"{names.SECRETS_DIR}/prometheus-minio"
    listens = _addresses(plan, server, shown=True)
    watching = Watching(
        name=watch_names.PROMETHEUS,
        description="Prometheus",
        image=plan.settings.images.prometheus,
        part="prometheus",
        user=NOBODY,
        data="/prometheus",
        # The folder, not its files: one that is replaced would stay as it was in there.
        volumes=(f"{folder}:{folder}:ro", f"{token}:{token}:ro"),
        command=(
            f"--config.file={folder}/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            f"--storage.tsdb.retention.time={keeps.retention_days}d",
            f"--storage.tsdb.retention.size={keeps.retention_size}GB",
            *(f"--web.listen-address={address}:{monitored.PROMETHEUS_PORT}" for address in listens),
            f"--web.external-url=https://{plan.settings.platform_hosts['metrics']}/",
        ),
        reloads=True,
        stop_s=60,
    )
    reloads = (watching.unit,)
    targets, rules = target_files(plan), rule_files(keeps.runbooks or _PAGE)
    config = render(
        "prometheus/prometheus.yml",
        scrape_s=SCRAPE_S,
        folder=folder,
        rules=list(rules),
        targets=watch_names.TARGETS_DIR,
        alertmanager=f"{_LOOPBACK}:{monitored.ALERTMANAGER_PORT}",
        jobs=[job for job in JOBS if job != "grafana" or keeps.grafana],
        redis_exporter=f"{monitored.asked_at(plan, plan.server(plan.data.server))}:{monitored.REDIS_PORT}",
        minio_token=token,
        doors=[
            (each.name, f"{monitored.asked_at(plan, each)}:{monitored.CADDY_PORT}") for each in doors(plan)
        ],
        most_samples=_MOST_SAMPLES,
    )
    return HostBundle(
        directories=(Directory(folder), Directory(watch_names.TARGETS_DIR)),
        files=(
            HostFile(
                token,
                secret_marker("monitoring/minio/token"),
                "0600",
                watching.owner,
                restarts=(watching.unit,),
            ),
            *(HostFile(f"{folder}/{name}", text, reloads=reloads) for name, text in rules.items()),
            *(HostFile(f"{watch_names.TARGETS_DIR}/{job}.json", text) for job, text in targets.items()),
            HostFile(f"{folder}/prometheus.yml", config, reloads=reloads),
        ),
    ) + service_files(plan, watching)


def _alertmanager(plan: Plan, configured: Collection[str]) -> HostBundle:
    folder = f"{names.CONFIG_DIR}/{watch_names.ALERTMANAGER}"
    urls = alert_urls(configured)
    files = {
        purpose: f"{names.SECRETS_DIR}/{purpose.replace('/', '-')}"
        for each in urls.values()
        for purpose in each
    }
    watching = Watching(
        name=watch_names.ALERTMANAGER,
        description="Alertmanager",
        image=plan.settings.images.alertmanager,
        part="alertmanager",
        user=NOBODY,
        data="/alertmanager",
        volumes=(f"{folder}:{folder}:ro", *(f"{file}:{file}:ro" for file in files.values())),
        command=(
            f"--config.file={folder}/alertmanager.yml",
            "--storage.path=/alertmanager",
            f"--web.listen-address={_LOOPBACK}:{monitored.ALERTMANAGER_PORT}",
            "--cluster.listen-address=",
        ),
        reloads=True,
    )
    config = render(
        "monitoring/alertmanager.yml",
        domain=plan.settings.domain,
        **{kind: [files[purpose] for purpose in purposes] for kind, purposes in urls.items()},
    )
    return HostBundle(
        directories=(Directory(folder),),
        files=(
            *(
                HostFile(path, secret_marker(purpose), "0600", watching.owner, restarts=(watching.unit,))
                for purpose, path in files.items()
            ),
            HostFile(f"{folder}/alertmanager.yml", config, reloads=(watching.unit,)),
        ),
    ) + service_files(plan, watching)


def _logs(plan: Plan, server: ServerPlan) -> HostBundle:
    keeps, store = plan.settings.monitoring, monitored.log_store(plan)
    port = monitored.LOG_PORTS[store]
    listens = _addresses(plan, server, shown=False)
    if store == "victorialogs":
        return service_files(
            plan,
            Watching(
                name=store,
                description="VictoriaLogs",
                image=plan.settings.images.victorialogs,
                part="logs",
                user=NOBODY,
                data="/data",
                command=(
                    "-storageDataPath=/data",
                    f"-retentionPeriod={keeps.log_days}d",
                    *(f"-httpListenAddr={address}:{port}" for address in listens),
                    "-loggerLevel=WARN",
                ),
            ),
        )
    folder = f"{names.CONFIG_DIR}/{store}"
    watching = Watching(
        name=store,
        description="Loki",
        image=plan.settings.images.loki,
        part="logs",
        user=_OTHERS_UID,
        data="/data",
        volumes=(f"{folder}:{folder}:ro",),
        command=(f"-config.file={folder}/loki.yaml",),
    )
    # It listens at one address: all of them where others send to it, which the firewall has no way in to but theirs.
    config = render(
        "monitoring/loki.yaml",
        listen=_LOOPBACK if len(listens) == 1 else "0.0.0.0",
        port=port,
        days=keeps.log_days,
    )
    return _configured(plan, watching, f"{folder}/loki.yaml", config)


def _jaeger(plan: Plan) -> HostBundle:
    folder = f"{names.CONFIG_DIR}/{watch_names.JAEGER}"
    watching = Watching(
        name=watch_names.JAEGER,
        description="Jaeger",
        image=plan.settings.images.jaeger,
        part="jaeger",
        user=_OTHERS_UID,
        data="/data",
        volumes=(f"{folder}:{folder}:ro",),
        command=(f"--config={folder}/jaeger.yaml",),
    )
    config = render(
        "monitoring/jaeger.yaml",
        metrics_port=monitored.TRACES_METRICS_PORT,
        query_port=monitored.TRACES_PORT,
        in_port=monitored.TRACES_IN_PORT,
        hours=_TRACE_HOURS,
    )
    return _configured(plan, watching, f"{folder}/jaeger.yaml", config)


def _configured(plan: Plan, watching: Watching, path: str, config: str) -> HostBundle:
    """A service that reads one file when it starts, in a folder of its own."""
    return HostBundle(
        directories=(Directory(path.rpartition("/")[0]),),
        files=(HostFile(path, config, restarts=(watching.unit,)),),
    ) + service_files(plan, watching)


def _grafana(plan: Plan, server: ServerPlan) -> HostBundle:
    password, store = f"{names.SECRETS_DIR}/grafana-admin", monitored.log_store(plan)
    places = monitored.monitoring_places(plan)
    watching = Watching(
        name=watch_names.GRAFANA,
        description="Grafana",
        image=plan.settings.images.grafana,
        part="grafana",
        user=_GRAFANA_UID,
        group=0,
        data="/var/lib/grafana",
        volumes=(
            f"{PROVISIONING}:{PROVISIONING}:ro",
            f"{DASHBOARDS}:{DASHBOARDS}:ro",
            f"{password}:/run/secrets/grafana-admin:ro",
        ),
        environment=_grafana_environment(plan, server, plugin=store == "victorialogs"),
        command=(),
    )
    sources = Sources(places["prometheus"], places["logs"], places["traces"], store, SCRAPE_S)
    # Read at its first start alone.
    secret = HostFile(password, secret_marker("monitoring/grafana"), "0600", watching.owner)
    return HostBundle(files=(secret,)) + grafana_files(sources) + service_files(plan, watching)


def _grafana_environment(plan: Plan, server: ServerPlan, *, plugin: bool) -> dict[str, str]:
    found = {
        "GF_PATHS_PROVISIONING": PROVISIONING,
        "GF_SERVER_HTTP_ADDR": monitored.seen_at(plan, server),
        "GF_SERVER_HTTP_PORT": str(monitored.GRAFANA_PORT),
        "GF_SERVER_ROOT_URL": f"https://{plan.settings.platform_hosts['grafana']}/",
        "GF_SECURITY_ADMIN_USER": "admin",
        "GF_SECURITY_ADMIN_PASSWORD__FILE": "/run/secrets/grafana-admin",
        "GF_SECURITY_COOKIE_SECURE": "true",
        "GF_SECURITY_DISABLE_GRAVATAR": "true",
        "GF_USERS_ALLOW_SIGN_UP": "false",
        "GF_AUTH_ANONYMOUS_ENABLED": "false",
        "GF_UNIFIED_ALERTING_ENABLED": "false",
        "GF_SNAPSHOTS_EXTERNAL_ENABLED": "false",
        "GF_NEWS_NEWS_FEED_ENABLED": "false",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
        "GF_LOG_MODE": "console",
        "GF_LOG_LEVEL": "warn",
    }
    return found | ({"GF_PLUGINS_PREINSTALL": _LOGS_PLUGIN} if plugin else {})
