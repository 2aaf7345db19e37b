#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Completion, run in bash, zsh and fish: it offers the commands, flags and words that faultmap has, and files.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

completion=packaging/completion
commands=$("$FAULTMAP" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | sort)

# help_flags COMMAND: each on a line.
help_flags()
{
	"$FAULTMAP" "$1" --help | sed -n '/^Options:/,/^$/p' |
		grep -oE '^ +(-., )?--[^ ]+' | tr -d ' ' | tr , '\n' | sort
}

# words COMMAND FLAG: those that it takes, from what it says to a wrong one.
words()
{
	"$FAULTMAP" "$1" "$2" bogus 2>&1 | sed -n 's/.*give one of //p' | tr -d ' ' | tr , '\n' | sort
}

# bash_completes WORD...: what bash offers for the last one.
bash_completes()
{
	# shellcheck disable=SC2016
	bash --norc --noprofile -c '
		. "$1"
		shift
		compopt() { :; }
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		$(complete -p faultmap | sed "s/.*-F \([^ ]*\) .*/\1/")
		printf "%s\n" "${COMPREPLY[@]}"' - "$completion/faultmap.bash" "$@" | sort
}

fish_completes()
{
	XDG_CONFIG_HOME=$TMP fish --no-config -c "source $completion/faultmap.fish
		complete -C '$*'" | cut -f1 | sort
}

# zsh_specs COMMAND: what its _arguments gets, the names of the flags only.
zsh_specs()
{
	# shellcheck disable=SC2016
	zsh -f -c '
		_describe() { print -l -- ${commands%%:*} }
		_arguments() {
			if [[ $1 == -C ]]; then
				line=($wanted) state=argument
				[[ -n $wanted ]] || state=command
			else
				print -l -- "$@"
			fi
		}
		wanted=$1
		source $2' - "$1" "$completion/faultmap.zsh"
}

zsh_flags()
{
	zsh_specs "$1" | sed -nE 's/^(\([^)]*\)|\*)?(-[^=+[]*)[=+]?\[.*/\2/p' | sort
}

check "bash finds no mistake" bash -n "$completion/faultmap.bash"
check "zsh finds no mistake" zsh -n "$completion/faultmap.zsh"
check "fish finds no mistake" fish --no-execute "$completion/faultmap.fish"

check_equal "bash: commands" "$(bash_completes faultmap '' | grep -v ^-)" "$commands"
check_equal "zsh: commands" "$(zsh_specs '' | sort)" "$commands"
check_equal "fish: commands" "$(fish_completes 'faultmap ')" "$commands"
for command in $commands; do
	flags=$(help_flags "$command")
	check_equal "bash: flags of $command" "$(bash_completes faultmap "$command" -)" "$flags"
	check_equal "zsh: flags of $command" "$(zsh_flags "$command")" "$flags"
	check_equal "fish: flags of $command" "$(fish_completes "faultmap $command -")" "$flags"
done

while read -r command flag; do
	want=$(words "$command" "$flag")
	check "$command $flag takes words" test -n "$want"
	check_equal "bash: $command $flag" "$(bash_completes faultmap "$command" "$flag" '')" "$want"
	check_equal "bash: $command $flag=" "$(bash_completes faultmap "$command" "$flag" =)" "$want"
	check_equal "zsh: $command $flag" \
		"$(zsh_specs "$command" | sed -n "s/^$flag=.*(\(.*\))\$/\1/p" | tr ' ' '\n' | sort)" "$want"
	check_equal "fish: $command $flag" "$(fish_completes "faultmap $command $flag ")" "$want"
done <<-'END'
	run --detail
	top --by
	top --sort
	report --by
	stacks --kind
	daemon --group-by
END

touch "$TMP/log.jsonl"
for flags in "log -o" "daemon --jsonl" "report"; do
	# shellcheck disable=SC2086
	check_equal "bash: a file for $flags" "$(bash_completes faultmap $flags "$TMP/lo")" "$TMP/log.jsonl"
	check_equal "fish: a file for $flags" "$(fish_completes "faultmap $flags $TMP/lo")" "$TMP/log.jsonl"
done
for line in "faultmap run bashbu" "faultmap run -d 1 -- bashbu" "faultmap run --delay=1 --json bashbu"; do
	# shellcheck disable=SC2086
	check_equal "bash: a command for $line" "$(bash_completes ${line/=/ = } | sort -u)" bashbug
done
check_equal "fish: a command for run" "$(fish_completes "faultmap run bashbu")" bashbug
check_equal "bash: the flags behind a command are the command's" \
	"$(bash_completes faultmap run ls --sli)" ""

done_testing
