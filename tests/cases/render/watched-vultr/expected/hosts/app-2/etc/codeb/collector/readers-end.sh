# Ends the journalctl of the collector, and gives it the time to queue what that has said.
for process in $(cat /sys/fs/cgroup/system.slice/codeb-collector.service/*/cgroup.procs /sys/fs/cgroup/system.slice/codeb-collector.service/*/*/cgroup.procs 2>/dev/null); do
	[ "$(cat "/proc/$process/comm" 2>/dev/null)" = journalctl ] && kill -KILL "$process"
done
sleep 0.5
