# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# bash completion for faultmap(1). tests/cli/completion.sh holds it against --help.

_faultmap_flags()
{
	local common='-v --verbose -h --help' watch='--detail --slice --max-rows'
	local context='--code --stacks --stack-samples'
	local code='--weight --kind --mapping --folded --pprof --flame --debuginfod'
	local table='--by --sort --rows --all --columns --csv --color' interval='-d --interval'
	local filter='-p --pid --children --comm --exe --unit --cgroup --uid'

	case $1 in
	run) echo "--budget --budget-file --phase --no-explain --junit --json --jsonl -a --everything -n --count --user --slices -o --output $code -c --command $filter $table $interval --threads $context $watch $common" ;;
	top) echo "--once -b --batch -n --count --json -c --command -w --width --replay --connect --credentials --ca --ascii --user $filter $table $interval --threads --code $watch $common" ;;
	log) echo "-n --count -o --output --jsonl-max --jsonl-keep --min-faults --top --fold --schema --user $filter $interval --threads $context $watch $common" ;;
	stacks) echo "-a --everything -n --count --user --all --stack-samples $code $filter $interval $watch $common" ;;
	report) echo "--from --to --json --code $code $table $common" ;;
	explain) echo "-a --everything --unused $filter $interval $watch $common" ;;
	guard) echo "-p --pid --unit --since-mlockall -d --duration -o --output --prometheus-textfile --user $common" ;;
	daemon)
		echo "--config --check-config --listen --web.config.file --web.enable-lifecycle" \
			"--jsonl --jsonl-max --jsonl-keep --jsonl-min-faults --jsonl-top --jsonl-fold --stream --interval --group-by --group-rules --pod-logs --mappings --mappings-names --max-series --otlp --otlp-interval --user --stacks --stack-samples --debuginfod $watch $common"
		;;
	check) echo "--json $common" ;;
	esac
}

# The words that a flag takes; fails for a flag without a value.
_faultmap_values()
{
	case $1 in
	--detail) echo 'fast full' ;;
	--by) echo 'process thread mapping file kind unit cgroup comm exe uid parent row' ;;
	--sort) echo 'stall faults minor major denied bytes rate pages rss vsz pid name' ;;
	--color) echo 'auto never always' ;;
	--group-by) echo 'cgroup comm exe pid pod uid unit' ;;
	--mappings) echo 'none top=5' ;;
	--mappings-names) echo 'all auto public' ;;
	--children) echo 'yes no' ;;
	--fold | --jsonl-fold) echo 'exit none' ;;
	--weight) echo 'faults pages major stall' ;;
	--kind)
		echo 'unknown demand_zero huge_zero cow file_map file_cow mkwrite shmem swap_in hugetlb numa_hint' \
			'userfaultfd stack_growth wp_other device populate denied_unmapped denied_access denied_pkey denied_bus'
		;;
	--user | --uid) compgen -u ;;
	--slice) echo '4K 64K 2M 1G' ;;
	--budget | --phase | -d | --delay | --duration | -p | --pid | --comm | --exe | --unit | --cgroup | -n | --number | --count | --rows | --listen | --interval | --max-series | --otlp | --otlp-interval | --jsonl-max | --jsonl-keep | --min-faults | --jsonl-min-faults | --top | --jsonl-top | --max-rows | --stack-samples | --debuginfod | --from | --to | --mapping) ;;
	*) return 1 ;;
	esac
}

# _faultmap_operand: sets $operand to the index of the first operand after the command, or to 0.
_faultmap_operand()
{
	local i

	operand=0
	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--)
			operand=$((i + 1))
			return
			;;
		-o | --output | --jsonl | --budget-file | --junit | --prometheus-textfile) i=$((i + 1)) ;;
		-*) [ "${COMP_WORDS[i + 1]}" = = ] || ! _faultmap_values "${COMP_WORDS[i]}" >/dev/null ||
			i=$((i + 1)) ;;
		=) i=$((i + 1)) ;;
		*)
			operand=$i
			return
			;;
		esac
	done
}

_faultmap_files()
{
	compopt -o filenames
	mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

_faultmap()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
	local operand values

	COMPREPLY=()
	# bash splits --by=kind into three words.
	[ "$cur" != = ] || cur=
	[ "$prev" != = ] || prev=${COMP_WORDS[COMP_CWORD - 2]}
	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W \
			'run top log stacks report explain guard daemon check -h --help -V --version' -- "$cur")
		return
	fi
	_faultmap_operand
	if [ "$command" = run ] && [ "$operand" -gt 0 ]; then
		if declare -F _command_offset >/dev/null; then
			_command_offset "$operand"
		elif [ "$COMP_CWORD" -eq "$operand" ]; then
			mapfile -t COMPREPLY < <(compgen -c -- "$cur")
		else
			_faultmap_files "$cur"
		fi
		return
	fi
	case $prev in
	-o | --output | --config | --web.config.file | --jsonl | --budget-file | --junit | --prometheus-textfile | --folded | --pprof | --flame | --credentials | --ca)
		_faultmap_files "$cur"
		return
		;;
	esac
	if [ "$operand" -eq 0 ] && values=$(_faultmap_values "$prev"); then
		mapfile -t COMPREPLY < <(compgen -W "$values" -- "$cur")
	elif [ "$operand" -eq 0 ] && [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_faultmap_flags "$command")" -- "$cur")
	elif [ "$command" = run ] || [ "$command" = stacks ]; then
		mapfile -t COMPREPLY < <(compgen -c -- "$cur")
	elif [ "$command" = report ] || [ "$command" = explain ]; then
		_faultmap_files "$cur"
	fi
}

complete -F _faultmap faultmap
