"""What is known of this host's projects as series: names, labels and units of docs/monitoring-series.md. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from agent.monitoring.exposition import Family, Labels, labels
from agent.monitoring.gather import Found, Project, Saved, seconds, services
from agent.monitoring.memory import Memory

_DIGEST_DIGITS = 12


def families(found: Found, memory: Memory) -> list[Family]:
    """All of them."""
    return [
        *_of_projects(found.projects),
        *_ends(found, memory),
        *_of_sites(found, memory),
        *_of_backups(found),
    ]


def _of_projects(projects: Sequence[Project]) -> Iterator[Family]:
    serving = [project for project in projects if project.release]
    yield Family(
        "codeb_project_info",
        "1 for each project that serves here, with its release.",
        series={_info(project): 1 for project in serving},
    )
    yield _gauge(
        "codeb_project_healthy",
        "Whether what serves answers its health check, and something serves.",
        {project.id: project.healthy for project in projects},
    )
    yield _gauge(
        "codeb_project_maintenance",
        "Whether visitors get the maintenance page.",
        {project.id: project.maintenance for project in serving},
    )
    yield _gauge(
        "codeb_project_workers_wrong",
        "Workers of what serves that do not all run, or keep ending.",
        {project.id: project.workers_wrong for project in serving},
    )
    yield Family(
        "codeb_release_timestamp_seconds",
        "Since when the release serves.",
        series={
            labels(project=project.id, release=project.release.release_id): at
            for project in serving
            if project.release and (at := seconds(project.release.released_at)) is not None
        },
    )
    yield from _alerts(serving)


def _info(project: Project) -> Labels:
    release = project.release
    return labels(
        project=project.id,
        domain=release.spec.domain if release else "",
        colour=project.serving or "",
        release=release.release_id if release else "",
        image=release.spec.image if release else "",
        image_digest12=release.image.digest.removeprefix("sha256:")[:_DIGEST_DIGITS] if release else "",
    )


def _alerts(serving: Sequence[Project]) -> Iterator[Family]:
    """Nothing of projects that nobody is told about: rules look for these series."""
    wanted = {each.id: each.release.spec.alerts for each in serving if each.release}
    told = {project: alerts for project, alerts in wanted.items() if alerts}
    yield _gauge("codeb_alert_enabled", "1 for each project whose alerts are sent.", dict.fromkeys(told, 1))
    yield _gauge(
        "codeb_alert_error_ratio",
        "Share of 5xx answers from which on somebody is told, 0 to 1.",
        {project: round(alerts.error_percent / 100, 9) for project, alerts in told.items()},
    )
    yield _gauge(
        "codeb_alert_p95_seconds",
        "95th percentile of the response time from which on somebody is told.",
        {project: alerts.p95_ms / 1000 for project, alerts in told.items()},
    )
    yield _gauge(
        "codeb_project_scraped",
        "1 for each project that offers metrics of its own.",
        {each.id: 1 for each in serving if each.release and each.release.spec.metrics_path},
    )


def _ends(found: Found, memory: Memory) -> Iterator[Family]:
    """Both colours are there from the start: an increase is seen only of what was 0 before."""
    restarts: dict[Labels, float] = {}
    killed: dict[Labels, float] = {}
    for service, (project, colour) in services(found.projects).items():
        key = labels(project=project, colour=colour)
        killed[key] = killed.get(key, 0) + memory.killed.get(service, 0)
        if "@" not in service:
            restarts[key] = found.restarts.get(service, 0)
    yield Family(
        "codeb_project_restarts_total",
        "How often the app ended by itself and was started again, since it was started last.",
        "counter",
        restarts,
    )
    yield Family(
        "codeb_project_oom_total",
        "Processes of app and workers that the kernel has killed for their memory.",
        "counter",
        killed,
    )


def _of_sites(found: Found, memory: Memory) -> Iterator[Family]:
    names = {host: labels(host=host, project=project) for host, (project, _) in found.sites.items()}
    held = {names[host]: known for host, known in memory.certificates.items() if host in names and known.ends}
    yield Family(
        "codeb_site_info",
        "1 for each host name that Caddy answers to here, and whose it is.",
        series=dict.fromkeys(names.values(), 1),
    )
    yield Family(
        "codeb_certificate_expires_timestamp_seconds",
        "Until when the certificate holds that visitors are shown.",
        series={key: known.ends for key, known in held.items()},
    )
    yield Family(
        "codeb_certificate_lifetime_seconds",
        "How long that certificate holds in all.",
        series={key: known.lasts for key, known in held.items()},
    )


def _of_backups(found: Found) -> Iterator[Family]:
    saved = found.backups
    yield _moments("codeb_backup_last_timestamp_seconds", "Of when the newest good backup is.", saved, "last")
    yield _moments(
        "codeb_backup_proven_timestamp_seconds",
        "When a backup was last restored and compared.",
        saved,
        "proven",
    )
    late = {project: facts.late for project, facts in saved.items()}
    yield _gauge("codeb_backup_late", "Whether a backup should have been made long ago.", late)
    unproven = {project: facts.unproven for project, facts in saved.items()}
    yield _gauge("codeb_backup_unproven", "Whether a proof should have come long ago.", unproven)
    yield Family(
        "codeb_archive_reached_timestamp_seconds",
        "Up to which moment everything is in the archive.",
        series={} if found.archived is None else {(): found.archived},
    )


def _moments(name: str, meaning: str, saved: Mapping[str, Saved], which: str) -> Family:
    moments = {project: getattr(facts, which) for project, facts in saved.items()}
    return _gauge(name, meaning, {project: at for project, at in moments.items() if at is not None})


def _gauge(name: str, meaning: str, by_project: Mapping[str, float]) -> Family:
    series = {labels(project=project): float(value) for project, value in by_project.items()}
    return Family(name, meaning, series=series)
