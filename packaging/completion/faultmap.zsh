#compdef faultmap
# SPDX-License-Identifier: GPL-2.0-only
# zsh completion for faultmap(1). tests/cli/completion.sh holds it against --help.

_faultmap() {
	local curcontext=$curcontext state line threads unwind
	local -a commands common watch context code table interval count filter
	commands=(
		'run:profile a command, or what runs already, then print where it faults'
		'top:show who faults now'
		'log:write the page faults of all processes as JSON lines'
		'stacks:show which code faults, and who called it'
		'report:print the summary of recorded JSON lines'
		'explain:say what faults come to, of what runs or of a log, and what to do'
		'guard:tell of any fault of real-time threads at once'
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
	threads='--threads[count each thread apart]'
	unwind='--stack-samples=[unwind the stack of each N-th fault]:number:'
	context=(
		'--code[count each instruction apart]'
		'--stacks[count each call path apart]'
		$unwind
	)

	code=(
		'--weight=[what code is ordered by]:weight:(faults pages major stall)'
		'--kind=[only faults of this kind]:kind:'
		'--mapping=[only mappings of this name]:name:'
		'--folded=[call paths for flamegraph.pl]:file:_files'
		'--pprof=[a profile for pprof]:file:_files'
		'--flame=[a flame graph]:file:_files'
	)
	table=(
		'--by=[what a line is]:what:(process thread mapping file kind unit cgroup comm exe uid parent row)'
		'--sort=[which lines come first]:what:(stall faults minor major denied bytes rate pages rss vsz pid name)'
		'--rows=[so many lines]:number:'
		'--all[every line]'
		'--columns=[these columns]:titles: '
		'--csv[comma-separated values]'
		'--color=[colour]:when:(auto never always)'
	)
	interval=(
		'(-d --interval)'{-d+,--interval=}'[read the counters this often]:seconds:'
	)
	filter=(
		'*'{-p+,--pid=}'[only these processes]:pids:_pids'
		'--children=[and what they start]:whether:(yes no)'
		'*--comm=[only programs of this name]:name:'
		'*--exe=[only programs of this file]:path:_files'
		'*--unit=[only this unit or container]:unit:'
		'*--cgroup=[only this cgroup and those below]:path:'
		'*--uid=[only this user]:user:_users'
	)
	count=(
		'(-n --count)'{-n+,--count=}'[end after so many ticks]:count:'
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
			_arguments $code $threads $context $watch $common $filter $table $interval $count \
				'(-c --command)'{-c,--command}'[show command lines]' \
				'(-a --everything)'{-a,--everything}'[attach to all processes]' \
				'--user=[run the command as this user]:user:_users' \
				'--json[JSON lines instead of the summary]' \
				'*--budget=[what is allowed, as in major<=0]:terms:' \
				'--budget-file=[the same from this file]:file:_files' \
				'--phase=[budgets are of what comes behind this mark]:name:' \
				'--no-explain[print no findings]' \
				'--junit=[what came of each budget, as a JUnit report]:file:_files' \
				'--jsonl=[JSON lines beside the summary]:file:_files' \
				'--slices[show where along each mapping the faults were]' \
				'(-o --output)'{-o+,--output=}'[write to this file]:file:_files' \
				'*::command:_normal'
			;;
		top)
			_arguments $threads $watch $common $filter $table $interval $count \
				'--json[each table as a JSON object]' \
				'(-c --command)'{-c,--command}'[show command lines]' \
				'--once[print one table and exit]' \
				'(-b --batch)'{-b,--batch}'[print a table at each tick]' \
				'(-w --width)'{-w+,--width=}'[columns of a table]:columns:' \
				'--replay[show recorded JSON lines]' \
				'--connect=[show what the daemon there streams]:where: ' \
				'--credentials=[its first line is USER\:PASSWORD]:file:_files' \
				'--ca=[trust what these certificates sign]:file:_files' \
				'--ascii[draw with ASCII alone]' \
				'--user=[become this user]:user:_users' \
				'*:file:_files'
			;;
		log)
			_arguments $threads $context $watch $common $filter $interval $count \
				'(-o --output)'{-o+,--output=}'[write to this file]:file:_files' \
				'--schema[print the JSON Schema of the lines]' \
				'--user=[become this user]:user:_users'
			;;
		stacks)
			_arguments $code $unwind $watch $common $filter $interval $count \
				'(-a --everything)'{-a,--everything}'[attach to all processes]' \
				'--user=[run the command as this user]:user:_users' \
				'--all[every function]' \
				'*::command:_normal'
			;;
		report)
			_arguments $common $code $table \
				'--code[the functions that faulted]' \
				'--json[each table as a JSON object]' \
				'--from=[only intervals that ended then or later]:time:' \
				'--to=[only intervals that ended before]:time:' \
				'*:file:_files'
			;;
		explain)
			_arguments $watch $common $filter $interval \
				'(-a --everything)'{-a,--everything}'[attach to all processes]' \
				'*:file:_files'
			;;
		guard)
			_arguments $common \
				'*'{-p+,--pid=}'[guard these processes or threads]:PID[/TID]:_pids' \
				'*--unit=[guard all processes of this unit]:unit:' \
				'--since-mlockall[only while mlockall is in force]' \
				'(-d --duration)'{-d+,--duration=}'[end after so long]:seconds:' \
				'(-o --output)'{-o+,--output=}'[write to this file]:file:_files' \
				'--prometheus-textfile=[keep counters in this file]:file:_files' \
				'--user=[become this user]:user:_users'
			;;
		daemon)
			_arguments $watch $common $unwind \
				'--stacks[count each call path apart, and serve a profile]' \
				'--config=[flags, as NAME = VALUE a line]:file:_files' \
				'--check-config[only say whether the configuration is good]' \
				'*--listen=[where to serve HTTP]:address:' \
				'--web.config.file=[TLS, users, headers, a rate limit]:file:_files' \
				'--web.enable-lifecycle[allow POST /-/reload]' \
				'--jsonl=[append JSON lines to this file]:file:_files' \
				'--stream[serve JSON lines at /stream]' \
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
