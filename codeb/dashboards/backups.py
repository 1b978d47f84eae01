"""Backups: how old the last ones are, what has been proven, how far the archive is."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from codeb.dashboards.parts import Column, Query, columns, lines, number, page

_LAST = "time() - max by (project) (codeb_backup_last_timestamp_seconds)"
_PROVEN = "time() - max by (project) (codeb_backup_proven_timestamp_seconds)"
_ARCHIVE = "time() - max(codeb_archive_reached_timestamp_seconds)"


def backups() -> dashboard.Dashboard:
    """Ages in seconds; a project without a backup has no row."""
    panels = [
        number("Backups late", "none", "sum(codeb_backup_late)", bad_from=1),
        number("Proofs late", "none", "sum(codeb_backup_unproven)", bad_from=1),
        number("Archive behind by", "s", _ARCHIVE, bad_from=900),
        number(
            "Projects with a backup",
            "none",
            "count(count by (project) (codeb_backup_last_timestamp_seconds))",
        ),
        columns(
            "Projects",
            "project",
            "Project",
            [Column("Last backup", _LAST, "s"), Column("Last proven", _PROVEN, "s")],
        ),
        lines("Age of last backups, the ten oldest", "s", Query(f"topk(10, {_LAST})", "{{project}}")),
        lines("Archive behind by", "s", Query(_ARCHIVE, "archive")),
    ]
    return page("codeb-backups", "Backups", panels, "now-7d")
