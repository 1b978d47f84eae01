"""Documents as the plan renders them, small."""

from __future__ import annotations

from typing import Any


def worker(
    name: str, replicas: int = 1, *, exclusive: bool = False, project: str = "shop-app"
) -> dict[str, Any]:
    """A worker of a release's document."""
    units = {
        colour: {
            "name": f"codeb-{project}-{colour}-w-{name}@.container",
            "content": f"[Container]\nImage=@IMAGE@\nLabel=codeb.project={project}\n"
            f"[Service]\nEnvironmentFile=/etc/codeb/projects/{project}/{colour}.image\n",
        }
        for colour in ("blue", "green")
    }
    return {"name": name, "replicas": replicas, "exclusive": exclusive, "stop_ms": 30_000, "units": units}


def release_document(
    image: str, project: str = "shop-app", pair: tuple[int, int] = (3001, 3002), **changes: object
) -> dict[str, Any]:
    """A release of an app whose image is `image`, on these ports; `changes` replace what is in the document."""
    blue, green = pair

    def unit(colour: str, port: int) -> dict[str, str]:
        return {
            "name": f"codeb-{project}-{colour}.container",
            "content": f"[Container]\nImage=@IMAGE@\nPublishPort=127.0.0.1:{port}:3000\n"
            f"[Service]\nEnvironmentFile=/etc/codeb/projects/{project}/{colour}.image\n",
        }

    document: dict[str, Any] = {
        "version": 1,
        "project": project,
        "image": image,
        "pull": "missing",
        "ports": {"blue": blue, "green": green},
        "publish": "127.0.0.1",
        "units": {
            "network": {"name": f"codeb-{project}.network", "content": "[Network]\n"},
            "blue": unit("blue", blue),
            "green": unit("green", green),
            "cron": [],
        },
        "site": f"{project}.lab.test {{\n}}\n",
        "domain": f"{project}.lab.test",
        "environment": {"DATABASE_URL": "postgresql://u:hunter2-hunter2@db/x", "PORT": "3000"},
        "cache": {
            "host": "10.77.0.2",
            "port": 6379,
            "index": 2,
            "user": "shop",
            "rules": ["~*", "resetchannels", "&shop:*", "-@all", "+@string", "-select", "+select|2"],
            "password": "cache-password-of-shop",
            "admin_password": "cache-admin-password",
        },
        "health": {
            "path": "/api/health",
            "interval_ms": 1000,
            "timeout_ms": 5000,
            "successes": 3,
            "max_response_ms": 500,
            "start_timeout_ms": 30000,
        },
        "standby_minutes": 60,
    }
    return {**document, **changes}
