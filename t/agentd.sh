# agentd.sh - an agent on this host, in the place of a machine
#
#	. "$TOP/t/agentd.sh"		(after lib.sh)
#	agentd_start NAME [FLAG]	-m: all on one link, as in a machine
#
# Afterwards the directory $T/vms/NAME/ ($VMS/NAME/ with machine.sh) is a
# machine for bng-agent, its path is in $vm, and the process in $agentd. It ends
# with the test, as do the commands of its sessions, which are in $T/sessions.
#
# shellcheck shell=sh

agentd_start() {
	vm=${VMS:-$T/vms}/$1/
	mkdir -p "$vm"
	rm -f "$T/agentd.$1" && mkfifo "$T/agentd.$1"
	"$BUILD/t/agentd" ${2:+"$2"} "$vm" "$AGENT" >"$T/agentd.$1" &
	agentd=$!
	at_end "kill $agentd 2>/dev/null"
	# It answers once it can be connected to; no waiting by the clock.
	read -r _agentd_ready <"$T/agentd.$1" && [ "$_agentd_ready" = ready ]
}

# Keepers outlive the agent, not their command.
_agentd_sessions() {
	set +f
	for _agentd_about in "$T"/sessions/*/about; do
		[ -e "$_agentd_about" ] || continue
		[ ! -e "${_agentd_about%about}end" ] || continue
		_agentd_pid=$(sed 's/.*"pid":\([0-9]*\).*/\1/' "$_agentd_about")
		kill -9 "-$_agentd_pid" 2>/dev/null
	done
	set -f
}
export AGENT_SESSIONS="$T/sessions"
at_end _agentd_sessions

# With sanitizers the agent is built for the host, like all else.
AGENT=$BUILD/t/agent-host
[ -n "${SAN:-}" ] && [ -x "$AGENT" ] || AGENT=$BUILD/agent
