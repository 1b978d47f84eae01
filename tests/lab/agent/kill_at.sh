#!/bin/sh
# kill_at.sh PHASE VERB DOCUMENT: run the agent and kill -9 it as soon as the journal says that it reached PHASE.
# Prints its exit status: 137 when the kill came before its end.
codeb-agent "$2" <"$3" >/dev/null 2>&1 &
agent=$!
while kill -0 "$agent" 2>/dev/null; do
	if journalctl -q -t codeb-agent "_PID=$agent" -o cat | grep -q ": $1\$"; then
		kill -9 "$agent"
		break
	fi
done
wait "$agent"
echo $?
