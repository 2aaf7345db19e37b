// SPDX-License-Identifier: GPL-2.0-only
#include "collect/policy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/libc.h"
#include "base/util.h"

/* include/linux/errno.h: a number for the kernel alone, which bpf() returns all the same. */
#define ENOTSUPP 524

const char *policy_errno_name(int why, char buffer[16])
{
	const char *name = why == ENOTSUPP ? "ENOTSUPP" : libc_error_name(why);

	if (name)
		snprintf(buffer, 16, "%s", name);
	else
		snprintf(buffer, 16, "error %d", why);
	return buffer;
}

int policy_sysctl(const char *path)
{
	autofclose FILE *file = fopen(path, "re");
	int value;

	return file && fscanf(file, "%d", &value) == 1 ? value : -1;
}

/* The first line of a file without its newline; empty if it cannot be read. */
static void read_line(const char *path, char *line, size_t size)
{
	autofclose FILE *file = fopen(path, "re");

	line[0] = '\0';
	if (file && !fgets(line, size, file))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
}

static bool has_seccomp_filter(void)
{
	autofclose FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	int mode = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Seccomp: %d", &mode) == 1)
			break;
	return mode == 2; /* SECCOMP_MODE_FILTER */
}

static void append(char *text, size_t size, const char *format, const char *value)
{
	size_t length = strlen(text);

	if (length && length + 2 < size)
		length += snprintf(text + length, size - length, ", ");
	snprintf(text + length, size - length, format, value);
}

/* In "none [integrity] confidentiality" the brackets mark the mode in force. */
static void add_lockdown(char *text, size_t size)
{
	char line[128], *level, *end;

	read_line("/sys/kernel/security/lockdown", line, sizeof(line));
	level = strchr(line, '[');
	end = level ? strchr(level, ']') : NULL;
	if (!end || !strncmp(level, "[none]", 6))
		return;
	*end = '\0';
	append(text, size, "lockdown is %s", level + 1);
}

/* Of the security modules, those that have a say in bpf() or perf_event_open(). */
static void add_modules(char *text, size_t size)
{
	static const char *const known[] = { "selinux", "apparmor", "smack", "tomoyo", "bpf" };
	char line[256], *module, *rest = line;

	read_line("/sys/kernel/security/lsm", line, sizeof(line));
	while ((module = strsep(&rest, ",")))
		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			if (!strcmp(module, known[i]))
				append(text, size, "the security module %s is active", module);
}

void policy_describe(int why, bool is_verified, char *text, size_t size)
{
	text[0] = '\0';
	if (why != EPERM && why != EACCES) {
		snprintf(text, size, "this kernel lacks it%s",
			 is_verified ? ", or its verifier refuses it (-v -v shows its log)" : "");
		return;
	}
	if (has_seccomp_filter())
		append(text, size, "%s", "a seccomp filter is in force");
	add_lockdown(text, size);
	add_modules(text, size);
	if (!text[0])
		snprintf(text, size, "no seccomp filter, lockdown or security module is seen here");
}
