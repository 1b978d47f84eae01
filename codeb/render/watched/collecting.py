"""The collector of a server: journal and audit log to the log store, traces to where they are chosen from."""

from __future__ import annotations

from typing import Final

from codeb import names, watch_names
from codeb.plan import Plan, ServerPlan, monitored
from codeb.render.bundle import Directory, HostBundle, HostFile
from codeb.render.text import render
from codeb.render.watched.elsewhere import Elsewhere, elsewhere
from codeb.render.watched.memory import memory_of
from codeb.render.watched.service import Watching, service_files

_FOLDER: Final = f"{names.CONFIG_DIR}/collector"
_STATE: Final = "/state"
KNOWN: Final = f"{_FOLDER}/known.yaml"
"""Regular expressions of what is secret on this server, a list: the agent's to write, an empty one is put there first."""
_NOTHING: Final = f"{_FOLDER}/known-nothing.yaml"
_AUDIT: Final = "/var/log/codeb"
_PATHS: Final = {"victorialogs": "/insert/opentelemetry/v1/logs", "loki": "/otlp/v1/logs"}

_FIRST: Final = (
    r"Traceback \(most recent call last\)|[A-Za-z_$][\w.$]*(Error|Exception)\b|(panic|fatal error): "
)
GOES_ON: Final = r"^(\s|Caused by: |[}\])]|goroutine [0-9]+ )"
"""What all lines of a trace of the stack but the first begin with."""
STACK: Final = rf"^({_FIRST})|{GOES_ON}"
"""What each of its lines begins with."""
_NAMES: Final = "passw(?:or)?d|secret|token|api_?key|access_?key|authorization|cookie|credential"
BLOCKED: Final = (
    r"""://[^/@\s:"']*:[^/@\s"']+@""",
    r"""(?i)\b(?:bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}""",
    r"""\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*""",
    rf"""(?i)\b[a-z0-9_.-]*(?:{_NAMES})s?\\?["']?\s*[:=]\s*\\?["']?[^\s"',;&}}\\]{{4,}}""",
    r"""X-Amz-(?:Signature|Credential|Security-Token)=[^&\s"]+""",
    r"""-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*""",
    r"""\bAGE-SECRET-KEY-1[0-9A-Z]+""",
    r"""\b[0-9A-Za-z]{40}\b""",
)
"""What is masked by its form; the last is the form of every password that the platform makes (and of a commit's SHA-1)."""


def collecting_files(plan: Plan, server: ServerPlan, watcher: ServerPlan) -> HostBundle:
    """For every server of a stack that is watched. `watcher` has the role monitoring."""
    gathers = server.name == watcher.name
    target, store = monitored.sent_to(plan, server, watcher), monitored.log_store(plan)
    traces = monitored.TRACES_IN_PORT if gathers else monitored.OTLP_PORT
    beside = elsewhere(plan)
    watching = _unit(plan, beside)
    config = render(
        "monitoring/collector.yaml",
        folder=_STATE,
        unit=watching.unit,
        stack=STACK,
        goes_on=GOES_ON,
        audit=f"{_AUDIT}/audit.log",
        otlp_port=monitored.OTLP_PORT,
        traces_mib=memory_of(plan, "collector") * 4 // 5,
        blocked=BLOCKED,
        known=KNOWN,
        server=server.name,
        gathers=gathers,
        trace_percent=plan.settings.monitoring.trace_percent,
        logs_url=f"http://{target}:{monitored.LOG_PORTS[store]}{_PATHS[store]}",
        traces_url=f"http://{target}:{traces}/v1/traces",
        log_store=store,
        elsewhere=beside,
        asked_at=monitored.asked_at(plan, server),
        metrics_port=monitored.COLLECTOR_PORT,
    )
    restarts = (watching.unit,)
    return HostBundle(
        directories=(Directory(_FOLDER), Directory(_AUDIT, "0700")),
        files=(
            HostFile(_NOTHING, "[]\n"),
            HostFile(f"{_FOLDER}/readers-end.sh", render("monitoring/readers-end.sh", unit=watching.unit)),
            *((beside.secret(watching.unit),) if beside else ()),
            HostFile(f"{_FOLDER}/config.yaml", config, restarts=restarts),
        ),
    ) + service_files(plan, watching)


def _unit(plan: Plan, beside: Elsewhere | None) -> Watching:
    """It is root, who may read the journal, without any right over others' files; of the host it sees programs and logs.

    They are at their own places in its image, which has none, and not in a folder to change the root to: journalctl needs
    a `/proc` to be told of new lines (inotify), and the host's own has what no container should see.
    """
    host = {
        "/usr": "/usr",
        "/usr/lib": "/lib",
        "/usr/lib64": "/lib64",
        "/var/log/journal": "/var/log/journal",
    }
    return Watching(
        name=watch_names.COLLECTOR,
        description="OpenTelemetry Collector",
        image=plan.settings.images.collector,
        part="collector",
        user=0,
        data=_STATE,
        volumes=(
            *(f"{there}:{here}:ro" for there, here in host.items()),
            f"{_AUDIT}:{_AUDIT}:ro",
            f"{_FOLDER}:{_FOLDER}:ro",
            *((f"{beside.file}:{beside.file}:ro",) if beside else ()),
        ),
        command=(
            f"--config={_FOLDER}/config.yaml",
            # Else what was read last is in memory alone when it is killed.
            "--feature-gates=stanza.synchronousLogEmitter",
        ),
        before=(
            f"/usr/bin/cp --update=none --no-preserve=mode {_NOTHING} {KNOWN}",
            f"/usr/bin/chmod 0600 {KNOWN}",
        ),
        # What reads ends first: lines that it has read are then on their way, and those after them are read by the next one.
        stops=(f"-/usr/bin/sh {_FOLDER}/readers-end.sh",),
        reloads=True,
    )
