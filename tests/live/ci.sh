#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# takes 8 s
# The examples for GitHub and GitLab, as scripts: their commands in a repository made for it, with a
# program that keeps its budget and one that does not.
. "$(dirname "$0")/../lib.sh"

CI=$ROOT/packaging/ci

# commands FILE: what the job runs, a line each, without the installation.
commands()
{
	/usr/bin/python3 - "$1" <<-'END'
		import sys, yaml
		job = yaml.safe_load(open(sys.argv[1]))
		if "jobs" in job:
		    lines = [s["run"] for s in job["jobs"]["faults"]["steps"] if "run" in s]
		else:
		    lines = job["faults"]["before_script"] + job["faults"]["script"]
		print("\n".join(l for l in lines if "apt-get" not in l))
	END
}

# make_repository BODY: a program with its Makefile, and what the examples say to copy.
make_repository()
{
	rm -rf "$TMP/repository"
	mkdir -p "$TMP/repository/ci"
	cp "$CI/faultmap-budget.sh" "$CI/example.budget" "$TMP/repository/ci/"
	printf 'selftest: selftest.c\n\tcc -o $@ $<\n' >"$TMP/repository/Makefile"
	printf '#include <stdlib.h>\n#include <string.h>\nint main(void) { %s; }\n' "$1" >"$TMP/repository/selftest.c"
}

# run_job FILE: as the runner does, until a command fails; its status is in $status.
run_job()
{
	commands "$1" >"$TMP/commands"
	(cd "$TMP/repository" && PATH=$TMP/bin:$PATH bash -e "$TMP/commands") >"$TMP/out" 2>"$TMP/err"
	status=$?
}

if ! /usr/bin/python3 -c 'import yaml' 2>/dev/null; then
	skip "the examples" "python3-yaml is not installed"
	done_testing
fi
mkdir "$TMP/bin"
ln -s "$FAULTMAP" "$TMP/bin/faultmap"
printf '#!/bin/sh\nexec "$@"\n' >"$TMP/bin/sudo"
chmod +x "$TMP/bin/sudo"
unset SUDO_USER FAULTMAP

wasteful='char *p = malloc(128 << 20); for (long i = 0; i < 128L << 20; i += 4096) p[i] = 1; return !p[4096]'
for file in github gitlab; do
	check_equal "$file.yml runs the build and the budget" "$(commands "$CI/$file.yml" | grep -c .)" 2
	make_repository 'return !malloc(1)'
	run_job "$CI/$file.yml"
	check_equal "$file.yml: a program within its budget" "$status" 0
	check_equal "$file.yml: the report has each term" \
		"$(grep -c '<testcase ' "$TMP/repository/faultmap.xml")" "$(grep -c '<=' "$CI/example.budget")"
	check_equal "$file.yml: none is broken" "$(grep -c '<failure' "$TMP/repository/faultmap.xml")" 0
	make_repository "$wasteful"
	run_job "$CI/$file.yml"
	check_equal "$file.yml: one that faults too much fails the job" "$status" 3
	check "$file.yml: the report says which term" grep -q '<failure' "$TMP/repository/faultmap.xml"
	check_contains "$file.yml: so does the log" "$TMP/err" 'minor<=20000'
	make_repository 'return 9'
	run_job "$CI/$file.yml"
	check_equal "$file.yml: a test that fails, fails" "$status" 9
done

# A runner without the privilege.
printf '#!/bin/sh\necho "faultmap: no privilege" >&2; exit 77\n' >"$TMP/bin/cannot"
chmod +x "$TMP/bin/cannot"
cd "$TMP/repository" || exit
check_status "where faults cannot be counted, the command runs" 5 \
	env FAULTMAP="$TMP/bin/cannot" ci/faultmap-budget.sh ci/example.budget sh -c 'exit 5'
check_status "unless it is required" 77 \
	env FAULTMAP="$TMP/bin/cannot" FAULTMAP_REQUIRED=1 ci/faultmap-budget.sh ci/example.budget sh -c 'exit 5'
check_status "it says how it is used" 2 ci/faultmap-budget.sh
done_testing
