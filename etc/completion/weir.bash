# SPDX-License-Identifier: BSD-2-Clause
# Completion of weir(1); made by tools/documents.
# shellcheck shell=bash

_weir_tables()
{
	templates='standard biflow quality full geo top ntop v9 v5'
	urls='udp:// ipfix+file: ipfix+udp:// ipfix+tcp:// ipfix+tls:// ipfix+dtls:// ipfix+sctp:// netflow9+file: netflow9+udp:// netflow5+file: netflow5+udp:// json+file: json+tcp:// json+tls:// text+file:'
	commands='replay templates elements check run start stop reload list status stats flows top flush set doctor bench geo help'
}

_weir_offer() # words, to match what is typed
{
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

# A folder and what its files' names end with: the names before that. compgen expands its words, and
# the folder may be another user's: what the shell would execute is none.
_weir_names()
(
	cd "$1" 2>/dev/null || return
	for name in *"$2"; do
		[[ $name == *[!A-Za-z0-9_@+,:.~-]* ]] || printf '%s\n' "${name%"$2"}"
	done
)

_weir_add() # a kind: what the machine has of it
{
	local -a more=()
	case $1 in
	files) mapfile -t more < <(compgen -f -- "$cur") ;;
	folders) mapfile -t more < <(compgen -d -- "$cur") ;;
	interfaces) mapfile -t more < <(compgen -W "$(_weir_names /sys/class/net '')" -- "$cur") ;;
	instances) mapfile -t more < <(compgen -W "$(_weir_names /run/weir .sock)" -- "$cur") ;;
	configured) mapfile -t more < <(compgen -W "$(_weir_names /etc/weir .conf)" -- "$cur") ;;
	esac
	COMPREPLY+=("${more[@]}")
	case $1 in files | folders) compopt -o filenames 2>/dev/null ;; esac
}

_weir_value() # of the option before, where that takes one
{
	case "$command $prev" in
	"replay --idle-timeout" | "run --idle-timeout")
		_weir_offer ""
		;;
	"replay --active-timeout" | "run --active-timeout")
		_weir_offer ""
		;;
	"replay --max-flows" | "run --max-flows" | "doctor --max-flows" | "bench --max-flows")
		_weir_offer ""
		;;
	"replay --filter" | "replay -f" | "run --filter" | "run -f" | "top --filter" | "top -f")
		_weir_offer ""
		;;
	"replay --sample" | "run --sample")
		_weir_offer ""
		;;
	"replay --sample-mode" | "run --sample-mode")
		_weir_offer "count random"
		;;
	"replay --dedup-window" | "run --dedup-window" | "top --dedup-window")
		_weir_offer ""
		;;
	"replay --dedup-packets" | "run --dedup-packets" | "top --dedup-packets")
		_weir_offer ""
		;;
	"replay --tunnels" | "run --tunnels" | "top --tunnels")
		_weir_offer "inner outer both"
		;;
	"replay --mirror" | "run --mirror" | "top --mirror")
		_weir_offer ""
		;;
	"replay --tunnel-ports" | "run --tunnel-ports" | "top --tunnel-ports")
		_weir_offer ""
		;;
	"replay --detail" | "run --detail" | "doctor --detail")
		_weir_offer "auto basic tcp full"
		;;
	"replay --seed")
		_weir_offer ""
		;;
	"replay --batch")
		_weir_offer ""
		;;
	"replay --to" | "replay -t" | "run --to" | "run -t" | "stop --to" | "stop -t")
		_weir_offer "$urls"; compopt -o nospace 2>/dev/null
		;;
	"replay --fanout" | "run --fanout" | "stop --fanout")
		_weir_offer "all hash failover"
		;;
	"replay --template" | "replay -T" | "run --template" | "run -T" | "stop --template" | "stop -T")
		_weir_offer "$templates"; _weir_add files
		;;
	"replay --domain" | "run --domain" | "stop --domain")
		_weir_offer ""
		;;
	"replay --pen" | "elements --pen" | "run --pen" | "stop --pen")
		_weir_offer ""
		;;
	"elements --for")
		_weir_offer "libfixbuf ipfixcol2 goflow2 logstash telegraf pmacct vflow graylog filebeat"
		;;
	"replay --geo" | "run --geo" | "stop --geo" | "top --geo" | "geo lookup --geo")
		_weir_offer "auto off"; _weir_add files
		;;
	"run --statistics")
		_weir_offer ""
		;;
	"replay --json-stats" | "run --json-stats" | "stop --json-stats")
		_weir_offer ""; _weir_add files
		;;
	"run --metrics")
		_weir_offer ""
		;;
	"run --metrics-cert")
		_weir_offer ""; _weir_add files
		;;
	"run --metrics-key")
		_weir_offer ""; _weir_add files
		;;
	"run --metrics-token-file")
		_weir_offer ""; _weir_add files
		;;
	"replay --log-level" | "run --log-level" | "stop --log-level")
		_weir_offer "error warning info debug"
		;;
	"run --log-file")
		_weir_offer ""; _weir_add files
		;;
	"replay --config" | "replay -c" | "run --config" | "run -c" | "stop --config" | "stop -c")
		_weir_offer ""; _weir_add files
		;;
	"run --hook")
		_weir_offer "auto xdp xdp-generic tc af_packet"
		;;
	"run --direction")
		_weir_offer "in out both"
		;;
	"run --cache" | "doctor --cache")
		_weir_offer "auto set hash"
		;;
	"run --ring")
		_weir_offer ""
		;;
	"run --duration")
		_weir_offer ""
		;;
	"run --interface")
		_weir_offer ""; _weir_add interfaces
		;;
	"run --instance")
		_weir_offer ""
		;;
	"run --user")
		_weir_offer "none"
		;;
	"bench --traffic")
		_weir_offer "mix small elephants all"
		;;
	"bench --detail")
		_weir_offer "all basic tcp full"
		;;
	"bench --packets")
		_weir_offer ""
		;;
	"bench --rounds")
		_weir_offer ""
		;;
	"bench --keep")
		_weir_offer ""; _weir_add folders
		;;
	"bench --json")
		_weir_offer ""; _weir_add files
		;;
	"flows --filter")
		_weir_offer ""
		;;
	"flows --sort")
		_weir_offer "octets packets start last duration retransmissions rtt response"
		;;
	"flows --limit")
		_weir_offer ""
		;;
	"flows --template")
		_weir_offer "$templates"; _weir_add files
		;;
	"geo build --output" | "geo build -o")
		_weir_offer ""; _weir_add files
		;;
	"geo build --csv")
		_weir_offer ""; _weir_add files
		;;
	"geo build --country")
		_weir_offer ""; _weir_add files
		;;
	"geo build --location")
		_weir_offer ""; _weir_add files
		;;
	"top --read" | "top -r")
		_weir_offer ""; _weir_add files
		;;
	"top --group" | "top -g")
		_weir_offer "host pair flow port protocol country as interface"
		;;
	"top --sort" | "top -s")
		_weir_offer "octets packets flows retransmissions rtt rate"
		;;
	"top --match" | "top -m")
		_weir_offer ""
		;;
	"top --interval" | "top -i")
		_weir_offer ""
		;;
	"top --speed")
		_weir_offer ""
		;;
	"top --limit" | "top -n")
		_weir_offer ""
		;;
	*) return 1 ;;
	esac
	return 0
}

_weir_options()
{
	case "$command" in
	"replay") _weir_offer "--idle-timeout --active-timeout --max-flows --filter --sample --sample-mode --dedup --dedup-window --dedup-packets --tunnels --mirror --tunnel-ports --detail --seed --batch --to --fanout --strict --template --biflow --uniflow --domain --pen --geo --json-stats --progress --no-progress --quiet --log-level --log-json --log-time --no-log-time --config --help" ;;
	"templates") _weir_offer "--biflow --uniflow --help" ;;
	"elements") _weir_offer "--pen --for --help" ;;
	"check") _weir_offer "--help" ;;
	"run") _weir_offer "--idle-timeout --active-timeout --max-flows --filter --sample --sample-mode --dedup --dedup-window --dedup-packets --tunnels --mirror --tunnel-ports --detail --to --fanout --strict --view --no-view --template --biflow --uniflow --domain --pen --geo --statistics --json-stats --metrics --metrics-open --metrics-cert --metrics-key --metrics-token-file --quiet --log-level --log-json --log-time --no-log-time --log-file --config --hook --direction --drop --promiscuous --no-promiscuous --force --cache --ring --duration --interface --instance --user --help" ;;
	"start") _weir_offer "--quiet --help" ;;
	"stop") _weir_offer "--to --fanout --strict --template --biflow --uniflow --domain --pen --geo --json-stats --quiet --log-level --log-json --log-time --no-log-time --config --help" ;;
	"reload") _weir_offer "--quiet --help" ;;
	"list") _weir_offer "--json --help" ;;
	"status") _weir_offer "--json --help" ;;
	"stats") _weir_offer "--json --watch --help" ;;
	"flows") _weir_offer "--quiet --json --filter --sort --limit --template --help" ;;
	"top") _weir_offer "--filter --dedup --dedup-window --dedup-packets --tunnels --mirror --tunnel-ports --geo --json --read --group --sort --match --interval --speed --ascii --once --limit --help" ;;
	"flush") _weir_offer "--quiet --help" ;;
	"set") _weir_offer "--quiet --help" ;;
	"doctor") _weir_offer "--max-flows --detail --cache --json --help" ;;
	"bench") _weir_offer "--max-flows --traffic --detail --packets --rounds --keep --json --help" ;;
	"geo") _weir_offer "--help" ;;
	"geo build") _weir_offer "--quiet --output --csv --only-csv --country --location --help" ;;
	"geo lookup") _weir_offer "--geo --json --help" ;;
	"help") _weir_offer "--json --help" ;;
	esac
}

_weir_argument()
{
	case "$command" in
	"replay") _weir_offer ""; _weir_add files ;;
	"templates") _weir_offer "$templates"; _weir_add files ;;
	"elements") _weir_offer "" ;;
	"check") _weir_offer ""; _weir_add files ;;
	"run") _weir_offer ""; _weir_add interfaces ;;
	"start") _weir_offer ""; _weir_add configured ;;
	"stop") _weir_offer ""; _weir_add instances ;;
	"reload") _weir_offer ""; _weir_add instances ;;
	"list") _weir_offer "" ;;
	"status") _weir_offer ""; _weir_add instances ;;
	"stats") _weir_offer ""; _weir_add instances ;;
	"flows") _weir_offer ""; _weir_add instances ;;
	"top") _weir_offer ""; _weir_add instances; _weir_add files ;;
	"flush") _weir_offer ""; _weir_add instances ;;
	"set") _weir_offer "" ;;
	"doctor") _weir_offer ""; _weir_add interfaces ;;
	"bench") _weir_offer "export" ;;
	"geo") _weir_offer "build lookup" ;;
	"geo build") _weir_offer "" ;;
	"geo lookup") _weir_offer "" ;;
	"help") _weir_offer "$commands" ;;
	esac
}

_weir()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command
	local templates urls commands
	local -i at=$COMP_CWORD

	_weir_tables
	COMPREPLY=()
	# bash splits --option=value, and URLs at their colon.
	if [ "$cur" = = ]; then
		cur=
	elif [ "$cur" = : ]; then
		cur= prev=:
	fi
	if [ "$prev" = = ] && [ $at -ge 2 ]; then
		prev=${COMP_WORDS[at-2]}
	elif [ "$prev" = : ]; then
		case ${COMP_WORDS[at-2]}${COMP_WORDS[at-1]} in
		*+file: | *+file) _weir_add files ;;
		esac
		return
	fi
	if [ $at -eq 1 ]; then
		_weir_offer "$commands --help --version"
		return
	fi
	command=${COMP_WORDS[1]}
	if [ "$command" = geo ] && [ $at -gt 2 ]; then
		command="geo ${COMP_WORDS[2]}"
	fi
	_weir_value && return
	if [[ $cur == -* ]]; then
		_weir_options
	else
		_weir_argument
	fi
}

complete -F _weir weir
