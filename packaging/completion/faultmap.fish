# SPDX-License-Identifier: GPL-2.0-only
# fish completion for faultmap(1). tests/cli/completion.sh holds it against --help.

set -l commands run top log stacks report explain guard daemon check
set -l none "not __fish_seen_subcommand_from $commands"
set -l by 'process thread mapping file kind unit cgroup comm exe uid parent row'
set -l order 'stall faults minor major denied bytes rate pages rss vsz pid name'

complete -c faultmap -f
complete -c faultmap -n $none -s h -l help -d 'print the commands'
complete -c faultmap -n $none -s V -l version -d 'print the version'
complete -c faultmap -n $none -a run -d 'profile a command or running processes'
complete -c faultmap -n $none -a top -d 'show who faults now'
complete -c faultmap -n $none -a log -d 'write the page faults of all processes as JSON lines'
complete -c faultmap -n $none -a stacks -d 'show which code faults, and who called it'
complete -c faultmap -n $none -a report -d 'print the summary of recorded JSON lines'
complete -c faultmap -n $none -a explain -d 'say what faults mean, and what to do'
complete -c faultmap -n $none -a guard -d 'report each page fault of real-time threads at once'
complete -c faultmap -n $none -a daemon -d 'run as a service: metrics, JSON lines'
complete -c faultmap -n $none -a check -d 'say what works with this kernel, this machine and your privileges'

set -l each "__fish_seen_subcommand_from $commands"
complete -c faultmap -n $each -s v -l verbose -d 'say more on stderr'
complete -c faultmap -n $each -s h -l help -d 'print this help'

set -l watching '__fish_seen_subcommand_from run top log daemon stacks explain'
complete -c faultmap -n $watching -l detail -x -a 'fast full' -d 'fast, or full: exact kind and latency'
complete -c faultmap -n $watching -l slice -x -a '4K 64K 2M 1G' -d 'count each slice of a mapping separately'
complete -c faultmap -n $watching -l max-rows -x -d 'room for this many rows in a tick'

set -l ticking '__fish_seen_subcommand_from run top log stacks explain'
complete -c faultmap -n $ticking -s d -l interval -x -d 'read the counters this often'

complete -c faultmap -n $ticking -s p -l pid -x -a '(__fish_complete_pids)' -d 'only these processes'
complete -c faultmap -n $ticking -l children -x -a 'yes no' -d 'also count the processes they start'
complete -c faultmap -n $ticking -l comm -x -d 'only programs of this name'
complete -c faultmap -n $ticking -l exe -x -d 'only programs with this file'
complete -c faultmap -n $ticking -l unit -x -d 'only this unit or container'
complete -c faultmap -n $ticking -l cgroup -x -d 'only this cgroup and those below'
complete -c faultmap -n $ticking -l uid -x -a '(__fish_complete_users)' -d 'only this user'

set -l counting '__fish_seen_subcommand_from run top log stacks'
complete -c faultmap -n $counting -s n -l count -x -d 'end after this many ticks'

set -l table '__fish_seen_subcommand_from run top report'
complete -c faultmap -n $table -l by -x -a $by -d 'one line per'
complete -c faultmap -n $table -l sort -x -a $order -d 'sort lines by'
complete -c faultmap -n $table -l rows -x -d 'number of lines'
complete -c faultmap -n $table -l all -d 'all lines'
complete -c faultmap -n $table -l columns -x -d 'these columns'
complete -c faultmap -n $table -l csv -d 'comma-separated values'
complete -c faultmap -n $table -l color -x -a 'auto never always' -d 'colour'

complete -c faultmap -n '__fish_seen_subcommand_from run top' -s c -l command -d 'show command lines'

set -l tables '__fish_seen_subcommand_from top report'
complete -c faultmap -n $tables -l json -d 'each table as one line of JSON'

set -l showing '__fish_seen_subcommand_from run top log'
complete -c faultmap -n $showing -l threads -d 'count each thread separately'
set -l coding '__fish_seen_subcommand_from run log'
complete -c faultmap -n $coding -l stacks -d 'count each call path separately'
complete -c faultmap -n $coding -l code -d 'count each instruction separately'
set -l unwinding '__fish_seen_subcommand_from run log stacks daemon'
complete -c faultmap -n $unwinding -l stack-samples -x -d 'unwind the stack of each N-th fault'

set -l run '__fish_seen_subcommand_from run'
complete -c faultmap -n $run -l user -x -a '(__fish_complete_users)' -d 'run the command as this user'
complete -c faultmap -n $run -l json -d 'JSON lines instead of the summary'
complete -c faultmap -n $run -l budget -x -d 'allow at most this, as in major<=0'
complete -c faultmap -n $run -l budget-file -r -F -d 'read the budget from this file'
complete -c faultmap -n $run -l phase -x -d 'apply budgets to this phase only'
complete -c faultmap -n $run -l no-explain -d 'print no findings'
complete -c faultmap -n $run -l junit -r -F -d 'the result of each budget, as a JUnit report'
complete -c faultmap -n $run -l jsonl -r -F -d 'JSON lines beside the summary'
complete -c faultmap -n $run -s a -l everything -d 'attach to all processes'
complete -c faultmap -n $run -l slices -d 'show where along each mapping the faults were'
complete -c faultmap -n $run -s o -l output -r -F -d 'write to this file'
complete -c faultmap -n $run -a '(__fish_complete_subcommand --fcs-skip=2)'

set -l top '__fish_seen_subcommand_from top'
complete -c faultmap -n $top -l once -d 'print one table and exit'
complete -c faultmap -n $top -s b -l batch -d 'print a table at each tick'
complete -c faultmap -n $top -s w -l width -x -d 'width of the table'
complete -c faultmap -n $top -l replay -F -d 'show recorded JSON lines'
complete -c faultmap -n $top -l connect -x -d 'show the stream of a running daemon'
complete -c faultmap -n $top -l credentials -r -F -d 'file whose first line is USER:PASSWORD'
complete -c faultmap -n $top -l ca -r -F -d 'trust these certificate authorities'
complete -c faultmap -n $top -l ascii -d 'draw with ASCII only'
complete -c faultmap -n $top -l user -x -a '(__fish_complete_users)' -d 'become this user'

set -l log '__fish_seen_subcommand_from log'
complete -c faultmap -n $log -s o -l output -r -F -d 'write to this file'
complete -c faultmap -n $log -l schema -d 'print the JSON Schema of the lines'
complete -c faultmap -n $log -l user -x -a '(__fish_complete_users)' -d 'become this user'

set -l stacks '__fish_seen_subcommand_from stacks'
complete -c faultmap -n $stacks -s a -l everything -d 'attach to all processes'
complete -c faultmap -n $stacks -l user -x -a '(__fish_complete_users)' -d 'run the command as this user'
complete -c faultmap -n $stacks -l all -d 'every function'

set -l coded '__fish_seen_subcommand_from stacks run report'
complete -c faultmap -n $coded -l weight -x -a 'faults pages major stall' -d 'sort code by'
complete -c faultmap -n $coded -l kind -x -d 'only faults of this kind'
complete -c faultmap -n $coded -l mapping -x -d 'only mappings of this name'
complete -c faultmap -n $coded -l folded -r -F -d 'call paths for flamegraph.pl'
complete -c faultmap -n $coded -l pprof -r -F -d 'a profile for pprof'
complete -c faultmap -n $coded -l flame -r -F -d 'a flame graph'

set -l report '__fish_seen_subcommand_from report'
complete -c faultmap -n $report -F
complete -c faultmap -n $report -l code -d 'the functions that faulted'
complete -c faultmap -n $report -l from -x -d 'only intervals that ended then or later'
complete -c faultmap -n $report -l to -x -d 'only intervals that ended before'

complete -c faultmap -n '__fish_seen_subcommand_from explain' -F
complete -c faultmap -n '__fish_seen_subcommand_from explain' -s a -l everything -d 'attach to all processes'

set -l guard '__fish_seen_subcommand_from guard'
complete -c faultmap -n $guard -s p -l pid -x -a '(__fish_complete_pids)' -d 'guard these processes or threads'
complete -c faultmap -n $guard -l unit -x -d 'guard all processes of this unit'
complete -c faultmap -n $guard -l since-mlockall -d 'only while mlockall is in force'
complete -c faultmap -n $guard -s d -l duration -x -d 'end after this many seconds'
complete -c faultmap -n $guard -s o -l output -r -F -d 'write to this file'
complete -c faultmap -n $guard -l prometheus-textfile -r -F -d 'keep counters in this file'
complete -c faultmap -n $guard -l user -x -a '(__fish_complete_users)' -d 'become this user'

set -l daemon '__fish_seen_subcommand_from daemon'
complete -c faultmap -n $daemon -l stacks -d 'count each call path separately, and serve a profile'
complete -c faultmap -n $daemon -l config -r -F -d 'file with a flag per line, NAME = VALUE'
complete -c faultmap -n $daemon -l check-config -d 'check the configuration and exit'
complete -c faultmap -n $daemon -l listen -x -d 'where to serve HTTP'
complete -c faultmap -n $daemon -l web.config.file -r -F -d 'TLS, users, headers, a rate limit'
complete -c faultmap -n $daemon -l web.enable-lifecycle -d 'allow POST /-/reload'
complete -c faultmap -n $daemon -l jsonl -r -F -d 'append JSON lines to this file'
complete -c faultmap -n $daemon -l jsonl-max -x -d 'rename the file when it has grown to this size'
complete -c faultmap -n $daemon -l jsonl-keep -x -d 'number of renamed files to keep'
complete -c faultmap -n $daemon -l stream -d 'serve JSON lines at /stream'
complete -c faultmap -n $daemon -l interval -x -d 'seconds between two ticks'
complete -c faultmap -n $daemon -l group-by -x -a 'cgroup comm exe pid pod uid unit' -d 'make metrics for each'
complete -c faultmap -n $daemon -l group-rules -r -F -d 'name groups by the rules in this file'
complete -c faultmap -n $daemon -l pod-logs -x -a '(__fish_complete_directories)' -d 'directories of the kubelet that name pods'
complete -c faultmap -n $daemon -l mappings -x -a 'none top=5' -d 'series for mappings'
complete -c faultmap -n $daemon -l mappings-names -x -a 'all auto public' -d 'which file names to show'
complete -c faultmap -n $daemon -l max-series -x -d 'largest number of series in a scrape'
complete -c faultmap -n $daemon -l user -x -a '(__fish_complete_users)' -d 'become this user'

complete -c faultmap -n '__fish_seen_subcommand_from check' -l json -d 'each feature as one line of JSON'
