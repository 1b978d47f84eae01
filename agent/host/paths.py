"""Fixed places on a host and the names of a project's units. The contract is docs/layout.md."""

from __future__ import annotations

from typing import Final, Literal

Colour = Literal["blue", "green"]
COLOURS: Final[tuple[Colour, Colour]] = ("blue", "green")

QUADLET: Final = "/etc/containers/systemd"
UNITS: Final = "/etc/systemd/system"
BOOT: Final = f"{UNITS}/multi-user.target.wants"
GENERATED: Final = "/run/systemd/generator"
CADDY: Final = "/etc/caddy"
CADDYFILE: Final = f"{CADDY}/Caddyfile"
SITES: Final = f"{CADDY}/sites"
SITES_LIST: Final = f"{CADDY}/sites.list"
UPSTREAMS: Final = f"{CADDY}/upstreams"
CANARIES: Final = f"{CADDY}/canaries"
MAINTENANCE: Final = f"{CADDY}/maintenance"
DRAINING: Final = f"{CADDY}/draining"
HOLD: Final = "/etc/codeb/hold.nft"
CA_FILE: Final = "/etc/codeb/ca.crt"
ACME_CA: Final = "/etc/caddy/acme-ca.crt"
CONFIG: Final = "/etc/codeb"
DATA: Final = "/srv/codeb"
STATE: Final = "/var/lib/codeb"
RECORDS: Final = f"{STATE}/projects"
ROUTES: Final = f"{STATE}/routes"
BUNDLE: Final = f"{STATE}/bundle.json"
UNITS_LOCK: Final = f"{STATE}/lock"
APPLY_LOCK: Final = f"{STATE}/apply.lock"
OUTBOX: Final = f"{STATE}/outbox"
OUTBOX_LOCK: Final = f"{STATE}/outbox.lock"
IMAGES_LOCK: Final = f"{STATE}/images.lock"
IMAGES_OWED: Final = f"{STATE}/images.owed"
NOTIFY: Final = f"{CONFIG}/secrets/notify.json"
REGISTRIES: Final = f"{CONFIG}/secrets/registries.json"
BACKUP_SETTINGS: Final = f"{CONFIG}/secrets/backup.json"
BACKUP_KEY: Final = f"{CONFIG}/secrets/backup.key"
BACKUP_LOGIN: Final = f"{CONFIG}/secrets/backup.pgpass"
MANAGED_SETTINGS: Final = f"{CONFIG}/secrets/managed.json"
MANAGED_LOGIN: Final = f"{CONFIG}/secrets/managed.pgpass"
MOVES: Final = f"{STATE}/moves"
OBJECTS_SETTINGS: Final = f"{CONFIG}/secrets/objects.json"
OBJECT_COPIES: Final = f"{STATE}/objects"
BACKUP_LOCK: Final = f"{STATE}/backup.lock"
BACKUP_HOLDER: Final = f"{STATE}/backup.holder"
BACKUPS: Final = f"{STATE}/backups"
PLATFORM: Final = f"{STATE}/platform"
SECOND_PLACE: Final = f"{STATE}/second-place.json"
REBUILT: Final = f"{STATE}/rebuilt.json"
RESTORE_LOGIN: Final = f"{STATE}/restore.pgpass"
RESTORE_LIST: Final = f"{STATE}/restore.list"
PROOFS: Final = f"{DATA}/proof"
POSTGRES: Final = f"{DATA}/postgres"
POSTGRES_CONFIG: Final = f"{CONFIG}/postgres"
POSTGRES_KEY: Final = f"{CONFIG}/secrets/postgres.key"
POSTGRES_UNIT: Final = f"{QUADLET}/postgres.container"
POSTGRES_SERVICE: Final = "postgres.service"
UPGRADE: Final = f"{STATE}/upgrade.json"
UPGRADE_FOLDER: Final = f"{DATA}/upgrade"
ARCHIVE: Final = f"{DATA}/archive"
ARCHIVE_RECEIVE: Final = f"{ARCHIVE}/receive"
ARCHIVE_READY: Final = f"{ARCHIVE}/ready"
ARCHIVE_LOGIN: Final = f"{CONFIG}/secrets/postgres-archive"
ARCHIVE_DOCUMENT: Final = f"{CONFIG}/archive.json"
ARCHIVE_STATE: Final = f"{STATE}/archive.json"
ARCHIVE_LOCK: Final = f"{STATE}/archive.lock"
CADDY_LOCK: Final = f"{STATE}/caddy.lock"
SERVING_LOCK: Final = f"{STATE}/serving.lock"
SITES_LOCK: Final = f"{STATE}/sites.lock"
SITES_CHANGE: Final = f"{STATE}/sites.json"
CADDY_READ: Final = f"{STATE}/caddy.read"
STORAGE: Final = f"{STATE}/storage.json"
CERTIFICATES: Final = f"{STATE}/certificates"
SHARE_SERVICE: Final = "codeb-share.service"
SHARE_LOCK: Final = f"{STATE}/share.lock"
AUDIT: Final = "/var/log/codeb/audit.log"
TEXTFILES: Final = "/var/lib/prometheus/node-exporter"
SERIES: Final = f"{TEXTFILES}/codeb_projects.prom"
METRICS_SERVICE: Final = "codeb-metrics.service"
METRICS_STATE: Final = f"{STATE}/metrics.json"
MONITORING: Final = f"{CONFIG}/monitoring.json"
COLLECTOR: Final = f"{CONFIG}/collector/config.yaml"
COLLECTOR_SERVICE: Final = "codeb-collector.service"
KNOWN: Final = f"{CONFIG}/collector/known.yaml"
KNOWN_LOCK: Final = f"{STATE}/known.lock"
SESSIONS: Final = "/run/codeb/sessions"
CADDY_CONTAINER: Final = "caddy"
CADDY_SERVICE: Final = "caddy.service"


def other(colour: Colour) -> Colour:
    """The colour that isn't this one."""
    return "green" if colour == "blue" else "blue"


def network(project: str) -> str:
    """Podman network of a project; its Quadlet file adds `.network`."""
    return f"codeb-{project}"


def container(project: str, colour: Colour) -> str:
    """Container of one colour; its Quadlet file adds `.container`."""
    return f"codeb-{project}-{colour}"


def service(project: str, colour: Colour) -> str:
    """systemd service of one colour."""
    return f"{container(project, colour)}.service"


def worker(project: str, colour: Colour, name: str) -> str:
    """Template of a worker in one colour; its Quadlet file adds `@.container`, a service `@<number>.service`."""
    return f"codeb-{project}-{colour}-w-{name}"


def container_of(service: str) -> str:
    """The container of a service: `codeb-x-blue` of `codeb-x-blue.service`, `…-w-mail.2` of `…-w-mail@2.service`."""
    return service.removesuffix(".service").replace("@", ".")


def starts_at_boot(service: str) -> tuple[str, str]:
    """The link that starts a service of a Quadlet unit at boot, which systemctl can't enable, and where it points."""
    template, at, _ = service.rpartition("@")
    return f"{BOOT}/{service}", f"{GENERATED}/{template}@.service" if at else f"{GENERATED}/{service}"


def standby(project: str) -> str:
    """Transient timer (and service) that stops the standby, without extension."""
    return f"codeb-{project}-standby"


def release_command(project: str) -> str:
    """Container of the release command; its Quadlet file adds `.container`, its service `.service`."""
    return f"codeb-{project}-job"


def quadlet(name: str) -> str:
    """Where a Quadlet file stands."""
    return f"{QUADLET}/{name}"


def unit(name: str) -> str:
    """Where an ordinary unit file stands."""
    return f"{UNITS}/{name}"


def mount_unit(path: str) -> str:
    """The name that systemd gives the mount at a path: `/srv/codeb-certificates` → `srv-codeb\\x2dcertificates.mount`."""
    parts = path.strip("/").split("/")
    return "-".join("".join(_escaped(character) for character in part) for part in parts) + ".mount"


def _escaped(character: str) -> str:
    return character if character.isalnum() or character in ":_." else f"\\x{ord(character):02x}"


def boot_link(project: str, colour: Colour) -> str:
    """The link that starts one colour at boot."""
    return starts_at_boot(service(project, colour))[0]


def project_folder(project: str) -> str:
    """Folder of the project's environment files."""
    return f"/etc/codeb/projects/{project}"


def environment(project: str, colour: Colour) -> str:
    """Environment of one colour (0600)."""
    return f"{project_folder(project)}/{colour}.env"


def module(project: str, colour: Colour) -> str:
    """The variables of one colour that have several lines, as a configuration of Podman's (0600)."""
    return f"{project_folder(project)}/{colour}.conf"


def digest(project: str, colour: Colour) -> str:
    """File with the digest of one colour's image, which systemd reads when it starts the colour."""
    return f"{project_folder(project)}/{colour}.image"


def candidate_links(project: str, colour: Colour) -> dict[str, str]:
    """Links, with their targets, to the files of the colour that is being released: for the release command."""
    return _links(project, "candidate", colour)


def active_links(project: str, colour: Colour) -> dict[str, str]:
    """Links, with their targets, to the files of the colour that serves: for cron jobs."""
    return _links(project, "active", colour)


def _links(project: str, name: str, colour: Colour) -> dict[str, str]:
    files = (environment(project, colour), module(project, colour), digest(project, colour))
    return {f"{project_folder(project)}/{name}.{file.rpartition('.')[2]}": file for file in files}


def site(project: str) -> str:
    """The project's site in Caddy's configuration."""
    return f"{SITES}/{project}.caddy"


def upstream(project: str) -> str:
    """File whose content is the address of the colour that serves."""
    return f"{UPSTREAMS}/{project}"


def canary_weight(project: str) -> str:
    """File with the percent of the requests that the candidate gets, `0` outside of canary releases."""
    return f"{CANARIES}/{project}.weight"


def canary_address(project: str) -> str:
    """File with the candidate's address."""
    return f"{CANARIES}/{project}.address"


def maintenance_page(project: str) -> str:
    """The page that visitors get while the project is in maintenance; its presence switches that on."""
    return f"{MAINTENANCE}/{project}.html"


def maintenance_retry(project: str) -> str:
    """File with the seconds after which clients should come back."""
    return f"{MAINTENANCE}/{project}.retry"


def record(project: str) -> str:
    """What the agent remembers of a project."""
    return f"{RECORDS}/{project}.json"


def routed(project: str) -> str:
    """The project's route, where this host only sends its visitors on."""
    return f"{ROUTES}/{project}.json"


def undo(project: str) -> str:
    """Every file as it was before the release under way (0600); absent when none is."""
    return f"{RECORDS}/{project}.undo"


def project_lock(project: str) -> str:
    """Held for a whole release, rollback or removal of a project."""
    return f"{RECORDS}/{project}.lock"


def session(token: str) -> str:
    """Container, scope, and service that watches over it, of one session; no project's unit has a dot in its name."""
    return f"codeb.session.{token}"


def session_file(token: str, kind: str) -> str:
    """What is known of a session (0600): `wanted`, `runs`, `process`, `said`, `lock`."""
    return f"{SESSIONS}/{token}.{kind}"


def told_of(path: str) -> str | None:
    """The exporter that a drop-in of ours configures: a service of Debian's, which nothing needs without it. None for other
    files; other services (`ssh`) go on without theirs."""
    folder, _, _ = path.rpartition("/")
    name = folder.removeprefix(f"{UNITS}/").removesuffix(".d")
    told = name.startswith("prometheus-") and name.endswith("-exporter.service")
    return name if told and folder == f"{UNITS}/{name}.d" else None


def unit_of(path: str) -> str | None:
    """The unit that a unit file makes: `x.container` → `x.service`, `x.network` → `x-network.service`.

    None for other files and for drop-ins.
    """
    folder, _, name = path.rpartition("/")
    stem, _, kind = name.rpartition(".")
    if folder not in (QUADLET, UNITS) or "." not in name:
        return None
    if kind == "container":
        return f"{stem}.service"
    if kind in ("network", "volume", "pod", "image", "build"):
        return f"{stem}-{kind}.service"
    return name
