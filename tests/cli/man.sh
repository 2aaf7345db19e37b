#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The manual pages: well-formed, and in step with --help, the configuration file that ships, the
# schema of the JSON lines and the kinds. tests/live/man.sh holds the metrics against a scrape.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

man=packaging/man

# complaints PAGE: of both formatters. What mandoc says of its own database is no complaint.
complaints()
{
	mandoc -T lint -W warning "$1" 2>&1 | grep -v 'outdated mandoc.db'
	{ groff -ww -mdoc -Tutf8 "$1" >/dev/null; } 2>&1
}

# commands: those of faultmap --help.
commands()
{
	"$FAULTMAP" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

# help_flags COMMAND: "-o --output FILE", a line each.
help_flags()
{
	"$FAULTMAP" "$1" --help | sed -nE '/^Options:/,/^$/{
		s/^  (-.), (--[^ ]+) ([A-Z]+)? .*/\1 \2 \3/p
		s/^      (--[^ ]+) ([A-Z]+)? .*/\1 \2/p
		s/^      (--[^ ]+) ([A-Z]+)$/\1 \2/p
	}' | sed 's/ *$//' | sort
}

# page_flags PAGE REGEX: the same of the .It lines in the sections whose title matches.
page_flags()
{
	awk -v title="$2" '
		/^\.S[sh] / { wanted = $0 ~ title; next }
		wanted && /^\.It Fl / {
			sub(/^\.It /, "")
			gsub(/Fl /, "-")
			gsub(/ ,|Ar /, "")
			print
		}' "$1" | sort
}

# page_items PAGE SECTION-REGEX MACRO: the names that the .It lines give with this macro, up to the next.
page_items()
{
	awk -v title="$2" -v macro="$3" '
		/^\.S[sh] / { wanted = $0 ~ title; next }
		wanted && /^\.It / {
			taken = 0
			for (i = 2; i <= NF; i++)
				if ($i ~ /^[A-Z][a-z]$/)
					taken = $i == macro
				else if (taken && $i != ",")
					print $i
		}' "$1" | sort
}

for page in "$man"/*; do
	check_equal "${page##*/}: mandoc and groff have no complaint" "$(complaints "$page")" ""
done

check_equal "faultmap(1) has the commands of --help" \
	"$(page_items "$man/faultmap.1" DESCRIPTION Cm)" "$(commands | sort)"
for command in $(commands); do
	case $command in
	daemon) page=$man/faultmap-daemon.8 sections='DESCRIPTION' ;;
	*) page=$man/faultmap.1 sections="^.Ss Options of (.*[ ,])?($command|every command)(,| |\$)" ;;
	esac
	check_equal "${page##*/} has the flags of $command --help" \
		"$(page_flags "$page" "$sections")" "$(help_flags "$command")"
done

check_equal "faultmap-daemon(8) has the paths that are served" \
	"$(page_items "$man/faultmap-daemon.8" '^.Ss Paths' Li)" \
	"$(sed -n 's/.*\.path = "\(.*\)".*/\1/p' src/serve/web.c | sort)"

# Keys are the daemon's flags, but for those that make no sense in a file.
check_equal "faultmap.conf(5) has the daemon's flags" \
	"$(sed -n 's/^\.It Cm \([^ ]*\) No = .*/\1/p' "$man/faultmap.conf.5" | sort)" \
	"$(help_flags daemon | sed 's/^-. //; s/^--//; s/ .*//' |
		grep -vxE 'config|check-config|help' | sort)"
check_equal "faultmap.conf(5) marks what a reload takes as the file that ships does" \
	"$(awk '/^\.It Cm/ { key = $3 } /\(reload\)/ && /^\.El/ == 0 && key { print key; key = "" }
		/^\.El/ { exit }' "$man/faultmap.conf.5" | sort)" \
	"$(awk '/^$/ { live = 0 } /\(reload\)/ && /^#/ { live = 1 }
		live && /^#[a-z.-]+ =/ { print substr($1, 2) }' packaging/faultmap.conf | sort)"

schema=packaging/faultmap.schema.json
records=$(jq -r '.definitions | to_entries[] | select(.value.properties) | .key' "$schema")
check_equal "faultmap-jsonl(5) has the records of the schema" \
	"$(sed -n 's/^\.Ss //p' "$man/faultmap-jsonl.5" | sort)" "$(sort <<<"$records")"
for record in $records; do
	check_equal "faultmap-jsonl(5) has the keys of $record" \
		"$(page_items "$man/faultmap-jsonl.5" "^.Ss $record\$" Va)" \
		"$(jq -r ".definitions.$record.properties | keys[]" "$schema" | sort)"
done

check_equal "faultmap-findings(7) has the findings of the rules" \
	"$(sed -n 's/^\.Ss //p' "$man/faultmap-findings.7" | sort)" \
	"$(sed -n '/rules\[\] = {/,/^};/s/^	{ "\([a-z-]*\)",.*/\1/p' src/verdict/findings_rules.c | sort)"
check_equal "so has the schema" "$(jq -r '.definitions.finding.properties.finding.enum[]' "$schema" | sort)" \
	"$(sed -n 's/^\.Ss //p' "$man/faultmap-findings.7" | sort)"
check_equal "faultmap-faults(7) has the kinds" "$(page_items "$man/faultmap-faults.7" KINDS Cm)" \
	"$(sed -n 's/.*\[KIND_.*\] = "\(.*\)",/\1/p' src/model/kinds.c | sort)"

done_testing
