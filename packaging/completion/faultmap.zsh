#compdef faultmap
# SPDX-License-Identifier: GPL-2.0-only
# zsh completion for faultmap(1). tests/cli/completion.sh holds it against --help.

_faultmap() {
	local curcontext=$curcontext state line
	local -a commands common watch
	commands=(
		'run:profile one command and its children, then print where they faulted'
		'top:show who faults now, as a table'
		'log:write the page faults of all processes as JSON lines'
		'report:print the summary of recorded JSON lines, or a table'
		'daemon:run as a service\: metrics for Prometheus, JSON lines to a file'
		'check:say what this kernel, machine and these privileges allow'
	)
	common=(
		'*'{-v,--verbose}'[say more on stderr]'
		'(-h --help)'{-h,--help}'[print this help]'
	)
	watch=(
		'--detail=[what is learned of each fault]:level:(fast full)'
		'--slice=[count each mapping in slices of this size]:size:(4K 64K 2M 1G)'
		'--max-rows=[let so many rows move in one tick]:number:'
	)
	context=(
		'--threads[count each thread apart]'
		'--code[count each instruction apart]'
		'--stacks[count each call path apart]'
	)

	_arguments -C \
		'(- *)'{-h,--help}'[print the commands]' \
		'(- *)'{-V,--version}'[print the version]' \
		'1:command:->command' \
		'*::argument:->argument'
	case $state in
	command)
		_describe command commands
		;;
	argument)
		case $line[1] in
		run)
			_arguments $context $watch $common \
				'--json[JSON lines instead of the summary]' \
				'--jsonl=[JSON lines beside the summary]:file:_files' \
				'--all[every row and every process]' \
				'--by=[what a line is]:what:(mapping kind process comm row)' \
				'--slices[show where along each mapping the faults were]' \
				'(-o --output)'{-o+,--output=}'[write to this file]:file:_files' \
				'(-d --delay)'{-d+,--delay=}'[read the counters this often]:seconds:' \
				'*::command:_normal'
			;;
		top)
			_arguments $context $watch $common \
				'--once[print one table and exit]' \
				'(-b --batch)'{-b,--batch}'[print a table at each tick]' \
				'(-n --number)'{-n+,--number=}'[rows, or tables with -b]:count:' \
				'(-d --delay)'{-d+,--delay=}'[read the counters this often]:seconds:' \
				'--by=[what a line is]:what:(process mapping kind cgroup unit)' \
				'--sort=[order]:column:(faults minor major denied pages stall rss vsz pid name)' \
				'--user=[become this user]:user:_users'
			;;
		log)
			_arguments $context $watch $common \
				'(-d --delay)'{-d+,--delay=}'[read the counters this often]:seconds:' \
				'(-n --count)'{-n+,--count=}'[end after so many ticks]:count:' \
				'(-o --output)'{-o+,--output=}'[write to this file]:file:_files' \
				'--schema[print the JSON Schema of the lines]' \
				'--user=[become this user]:user:_users'
			;;
		report)
			_arguments $common \
				'--from=[only intervals that ended then or later]:time:' \
				'--to=[only intervals that ended before]:time:' \
				'--by=[what a line is]:what:(process mapping kind cgroup unit)' \
				'--all[every row and every process]' \
				'*:file:_files'
			;;
		daemon)
			_arguments $watch $common \
				'--config=[flags, as NAME = VALUE a line]:file:_files' \
				'--check-config[only say whether the configuration is good]' \
				'*--listen=[where to serve HTTP]:address:' \
				'--web.config.file=[TLS, users, headers, a rate limit]:file:_files' \
				'--web.enable-lifecycle[allow POST /-/reload]' \
				'--jsonl=[append JSON lines to this file]:file:_files' \
				'--interval=[between two readings]:seconds:' \
				'--group-by=[what makes a group]:what:(cgroup comm exe pid uid unit)' \
				'--mappings=[series for mappings]:which:(none top=5)' \
				'--mappings-names=[whose files are named]:which:(all auto public)' \
				'--max-series=[at most so many series]:count:' \
				'--user=[become this user]:user:_users'
			;;
		check)
			_arguments $common '--json[one JSON object per feature and line]'
			;;
		esac
		;;
	esac
}

_faultmap "$@"
