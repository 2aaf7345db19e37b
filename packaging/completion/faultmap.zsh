#compdef faultmap
# SPDX-License-Identifier: GPL-2.0-only
# zsh completion for faultmap(1). tests/cli/completion.sh holds it against --help.

_faultmap() {
	local curcontext=$curcontext state line threads unwind debuginfod
	local -a commands common watch context code table interval count filter
	commands=(
		'run:profile a command or running processes, then print where they fault'
		'top:show who faults now'
		'log:write the page faults of all processes as JSON lines'
		'stacks:show which code faults, and who called it'
		'report:print the summary of recorded JSON lines'
		'explain:say what the faults of processes or of a log mean, and what to do'
		'guard:report each page fault of real-time threads at once'
		'daemon:run as a service\: metrics for Prometheus, JSON lines to a file'
		'check:say what works with this kernel, this machine and your privileges'
	)
	common=(
		'*'{-v,--verbose}'[say more on stderr]'
		'(-h --help)'{-h,--help}'[print this help]'
	)
	watch=(
		'--detail=[fast, or full: exact kind and latency]:level:(fast full)'
		'--slice=[count each slice of a mapping separately]:size:(4K 64K 2M 1G)'
		'--max-rows=[room for this many rows in a tick]:number:'
	)
	threads='--threads[count each thread separately]'
	unwind='--stack-samples=[unwind the stack of each N-th fault]:number:'
	debuginfod='--debuginfod=[ask this server for debug information]:URL:'
	context=(
		'--code[count each instruction separately]'
		'--stacks[count each call path separately]'
		$unwind
	)

	code=(
		'--weight=[sort code by]:weight:(faults pages major stall)'
		'--kind=[only faults of this kind]:kind:(unknown demand_zero huge_zero cow file_map file_cow mkwrite shmem swap_in hugetlb numa_hint userfaultfd stack_growth wp_other device populate denied_unmapped denied_access denied_pkey denied_bus)'
		'--mapping=[only mappings of this name]:name:'
		'--folded=[call paths for flamegraph.pl]:file:_files'
		'--pprof=[a profile for pprof]:file:_files'
		'--flame=[a flame graph]:file:_files'
		$debuginfod
	)
	table=(
		'--by=[one line per]:what:(process thread mapping file kind unit cgroup comm exe uid parent row)'
		'--sort=[sort lines by]:what:(stall faults minor major denied bytes rate pages rss vsz pid name)'
		'--rows=[number of lines]:number:'
		'--all[all lines]'
		'--columns=[these columns]:titles: '
		'--csv[comma-separated values]'
		'--color=[colour]:when:(auto never always)'
	)
	interval=(
		'(-d --interval)'{-d+,--interval=}'[read the counters this often]:seconds:'
	)
	filter=(
		'*'{-p+,--pid=}'[only these processes]:pids:_pids'
		'--children=[also count the processes they start]:whether:(yes no)'
		'*--comm=[only programs of this name]:name:'
		'*--exe=[only programs with this file]:path:_files'
		'*--unit=[only this unit or container]:unit:'
		'*--cgroup=[only this cgroup and those below]:path:'
		'*--uid=[only this user]:user:_users'
	)
	count=(
		'(-n --count)'{-n+,--count=}'[end after this many ticks]:count:'
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
				'*--budget=[allow at most this, as in major<=0]:terms:' \
				'--budget-file=[read the budget from this file]:file:_files' \
				'--phase=[apply budgets to this phase only]:name:' \
				'--no-explain[print no findings]' \
				'--junit=[the result of each budget, as a JUnit report]:file:_files' \
				'--jsonl=[JSON lines beside the summary]:file:_files' \
				'--slices[show where along each mapping the faults were]' \
				'(-o --output)'{-o+,--output=}'[write to this file]:file:_files' \
				'*::command:_normal'
			;;
		top)
			_arguments $threads $watch $common $filter $table $interval $count \
				'--json[each table as one line of JSON]' \
				'(-c --command)'{-c,--command}'[show command lines]' \
				'--code[count each instruction separately]' \
				'--once[print one table and exit]' \
				'(-b --batch)'{-b,--batch}'[print a table at each tick]' \
				'(-w --width)'{-w+,--width=}'[width of the table]:columns:' \
				'--replay[show recorded JSON lines]' \
				'--connect=[show the stream of a running daemon]:where: ' \
				'--credentials=[file whose first line is USER\:PASSWORD]:file:_files' \
				'--ca=[trust these certificate authorities]:file:_files' \
				'--ascii[draw with ASCII only]' \
				'--user=[become this user]:user:_users' \
				'*:file:_files'
			;;
		log)
			_arguments $threads $context $watch $common $filter $interval $count \
				'(-o --output)'{-o+,--output=}'[write to this file]:file:_files' \
				'--jsonl-max=[rename the file when it has grown to this size]:size' \
				'--jsonl-keep=[number of renamed files to keep]:number' \
				'--min-faults=[sum up lines with fewer faults]:number' \
				'--top=[write so many lines at each tick]:number' \
				'--fold=[sum up processes between two ticks]:what:(exit none)' \
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
				'--json[each table as one line of JSON]' \
				'--from=[only intervals that ended then or later]:time:' \
				'--to=[only intervals that ended before]:time:' \
				'*:file:_files'
			;;
		explain)
			_arguments $watch $common $filter $interval \
				'(-a --everything)'{-a,--everything}'[attach to all processes]' \
				'--unused[also which memory nobody touches]' \
				'*:file:_files'
			;;
		guard)
			_arguments $common \
				'*'{-p+,--pid=}'[guard these processes or threads]:PID[/TID]:_pids' \
				'*--unit=[guard all processes of this unit]:unit:' \
				'--since-mlockall[only while mlockall is in force]' \
				'(-d --duration)'{-d+,--duration=}'[end after this many seconds]:seconds:' \
				'(-o --output)'{-o+,--output=}'[write to this file]:file:_files' \
				'--prometheus-textfile=[keep counters in this file]:file:_files' \
				'--user=[become this user]:user:_users'
			;;
		daemon)
			_arguments $watch $common $unwind $debuginfod \
				'--stacks[count each call path separately, and serve a profile]' \
				'--config=[file with a flag per line, NAME = VALUE]:file:_files' \
				'--check-config[check the configuration and exit]' \
				'*--listen=[where to serve HTTP]:address:' \
				'--web.config.file=[TLS, users, headers, a rate limit]:file:_files' \
				'--web.enable-lifecycle[allow POST /-/reload]' \
				'--jsonl=[append JSON lines to this file]:file:_files' \
				'--jsonl-max=[rename the file when it has grown to this size]:size' \
				'--jsonl-keep=[number of renamed files to keep]:number' \
				'--jsonl-min-faults=[sum up lines with fewer faults]:number' \
				'--jsonl-top=[write so many lines at each tick]:number' \
				'--jsonl-fold=[sum up processes between two ticks]:what:(exit none)' \
				'--stream[serve JSON lines at /stream]' \
				'--interval=[seconds between two ticks]:seconds:' \
				'--group-by=[make metrics for each]:what:(cgroup comm exe pid pod uid unit)' \
				'--group-rules=[name groups by the rules in this file]:file:_files' \
				'--pod-logs=[directories of the kubelet that name pods]:directory:_files -/' \
				'--mappings=[series for mappings]:which:(none top=5)' \
				'--mappings-names=[which file names to show]:which:(all auto public)' \
				'--otlp=[push metrics to this OpenTelemetry receiver]:URL:' \
				'--otlp-interval=[seconds between two pushes]:seconds:' \
				'--max-series=[largest number of series in a scrape]:count:' \
				'--user=[become this user]:user:_users'
			;;
		check)
			_arguments $common '--json[each feature as one line of JSON]'
			;;
		esac
		;;
	esac
}

_faultmap "$@"
