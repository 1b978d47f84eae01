"""The programs of a session, as token lists.

Whatever a session starts is in a scope of its own, which ends with the service that watches over it (`BindsTo=`). That
service waits for the lock that `attach` holds; so it notices each end of `attach`, `kill -9` among them, and then runs
`codeb-agent end`, which systemd does even if the watcher itself is killed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from agent.host import paths
from agent.sessions.services import Client
from agent.sessions.wish import Login

_AGENT: Final = "/usr/local/bin/codeb-agent"
_NOBODY: Final = "65534:65534"
EXPIRES_S: Final = 60
"""For how long a session that was prepared may be begun."""


def watcher(token: str, *, reaps: bool) -> list[str]:
    """The service that watches over a session.

    With `reaps` it is process 1 of a PID namespace for a one-off container: when it ends, the kernel kills all that is in
    there. And the container's own process isn't process 1, which Ctrl-C would not reach.
    """
    name = paths.session(token)
    namespace = ["unshare", "--fork", "--pid", "--kill-child=KILL"] if reaps else []
    return [
        *("systemd-run", "--quiet", "--collect", f"--unit={name}.service", "--service-type=exec"),
        *("--description=watches over a session", f"--property=ExecStopPost={_AGENT} end {token}"),
        *("--property=KillSignal=SIGKILL", "--property=SuccessExitStatus=SIGKILL"),
        *("--property=TimeoutStopSec=90", "--"),
        *(*namespace, "flock", "--exclusive", paths.session_file(token, "lock"), "true"),
    ]


def unwatched(token: str) -> list[str]:
    """End a session's watcher, and with it all that there is of the session."""
    return ["systemctl", "stop", f"{paths.session(token)}.service"]


def watcher_process(token: str) -> list[str]:
    return ["systemctl", "show", "--property=MainPID", "--value", f"{paths.session(token)}.service"]


def forgotten_later(token: str) -> list[str]:
    """Delete what was prepared, if nobody comes for it."""
    return [
        *("systemd-run", "--quiet", "--collect", f"--unit={paths.session(token)}.forget"),
        *(f"--on-active={EXPIRES_S}s", "--timer-property=AccuracySec=1s"),
        *("rm", "--force", paths.session_file(token, "wanted")),
    ]


def in_scope(token: str, argv: Sequence[str]) -> list[str]:
    """A program of the session, killed with the process that starts it or with the watcher."""
    name = paths.session(token)
    return [
        *("setpriv", "--pdeathsig=KILL"),
        *("systemd-run", "--quiet", "--scope", "--collect", f"--unit={name}.scope"),
        *(f"--property=BindsTo={name}.service", f"--property=After={name}.service"),
        *("--property=Delegate=yes", "--property=KillSignal=SIGKILL", "--expand-environment=no", "--"),
        *argv,
    ]


def killed_scope(token: str) -> list[str]:
    return ["systemctl", "kill", "--signal=SIGKILL", f"{paths.session(token)}.scope"]


def exec_in(token: str, container_id: str) -> list[str]:
    """A process in a container that runs, in a control group of its own below the container's.

    It is the runtime that is asked, as `podman exec` knows no control group: what it starts can't be told from the app's
    own processes once they are orphans, and goes on when the client is gone.
    """
    return [
        *("crun", f"--log=file:{paths.session_file(token, 'said')}", "exec"),
        *(
            f"--cgroup={paths.session(token)}",
            f"--process={paths.session_file(token, 'process')}",
            container_id,
        ),
    ]


def run_in(token: str, watcher_id: str, terminal: bool, argv: Sequence[str]) -> list[str]:
    """A container of the session's own, from the words of `one_off`; all of it is in the scope's control group."""
    modules = [word for word in argv if word.startswith("--module=")]
    return [
        *(
            "podman",
            *modules,
            "run",
            "--rm",
            f"--name={paths.session(token)}",
            "--cgroups=split",
            "--replace",
        ),
        *(
            f"--pid=ns:/proc/{watcher_id}/ns/pid_for_children",
            "--interactive",
            *(["--tty"] if terminal else []),
        ),
        *("--pull=never", "--log-driver=none", "--no-healthcheck", "--sdnotify=ignore", "--http-proxy=false"),
        *argv[len(modules) :],
    ]


def one_off(
    modules: Sequence[str], options: Sequence[str], image: str, command: Sequence[str]
) -> tuple[str, ...]:
    """A command instead of the image's own entry point, in a container with these options."""
    return (*modules, *options, f"--entrypoint={json.dumps([command[0]])}", "--", image, *command[1:])


def console(client: Client, login: Login, image: str, network: str, terminal: bool) -> tuple[str, ...]:
    """A data service's own client, in the service's image and network; it has neither the service's data nor its user."""
    names = sorted({*client.environment(login), "TERM"})
    options = [
        *(
            f"--network=ns:{network}",
            f"--user={_NOBODY}",
            "--cap-drop=all",
            "--security-opt=no-new-privileges",
        ),
        *("--read-only", "--read-only-tmpfs=false", "--tmpfs=/tmp:rw,mode=1777,size=64m"),
        *("--image-volume=ignore", "--pids-limit=64", "--memory=256m", "--memory-swap=256m"),
        *("--env=HOME=/tmp", *(f"--env={name}" for name in names)),
    ]
    return one_off([], options, image, client.words(login, terminal))


def killed(cgroup: str) -> list[str]:
    """Kill whatever is in a control group; needs `1` on standard input."""
    return ["tee", f"{cgroup}/cgroup.kill"]


def made(cgroup: str) -> list[str]:
    return ["mkdir", cgroup]


def unmade(cgroup: str) -> list[str]:
    return ["rmdir", cgroup]


def removed(token: str) -> list[str]:
    return ["podman", "rm", "--force", "--ignore", "--time=0", "--volumes", paths.session(token)]
