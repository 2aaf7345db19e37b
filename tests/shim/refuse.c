// SPDX-License-Identifier: GPL-2.0-only
/*
 * LD_PRELOAD: a kernel that refuses one BPF program, its attaching, its running, or one map. All that libbpf asks of
 * bpf() goes through syscall(2).
 *
 *	REFUSE=load:KEY:ERRNO    BPF_PROG_LOAD of a program, whenever it is tried
 *	REFUSE=attach:KEY:ERRNO  BPF_RAW_TRACEPOINT_OPEN and BPF_LINK_CREATE of it
 *	REFUSE=run:KEY:ERRNO     BPF_PROG_TEST_RUN of it
 *	REFUSE=map:KEY:ERRNO     BPF_MAP_CREATE of a map
 *	REFUSED=FILE             gets a line "load KEY" for each refusal
 *	LIST=FILE                gets a line for each call that could be refused
 *
 * Keys have what makes it the same one when it comes again: "fault_rss.27.104529", or "map.1.32.384.65536.0". What
 * libbpf tries out by itself has none: programs that are small, maps that are named after it. Maps without a name
 * are those that faultmap makes to try: refused if they are alike, not listed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The smallest program of faultmap has more, the largest that libbpf tries has less. */
#define SMALL_PROGRAM 12
#define MAX_FDS 4096

typedef char key[80];
static key program_of_fd[MAX_FDS];

static void write_line(const char *variable, const char *call, const char *name)
{
	const char *path = getenv(variable);
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;

	if (fd < 0)
		return;
	dprintf(fd, "%s %s\n", call, name);
	close(fd);
}

static bool is_refused(const char *call, const char *name, bool is_listed)
{
	const char *rule = getenv("REFUSE");
	char wanted_call[16];
	key wanted;
	int error;

	if (!name[0])
		return false;
	if (is_listed)
		write_line("LIST", call, name);
	if (!rule || sscanf(rule, "%15[a-z]:%79[^:]:%d", wanted_call, wanted, &error) != 3 ||
	    strcmp(wanted_call, call) || strcmp(wanted, name))
		return false;
	write_line("REFUSED", call, name);
	errno = error;
	return true;
}

static void program_key(const union bpf_attr *attr, key name)
{
	name[0] = '\0';
	if (attr->insn_cnt > SMALL_PROGRAM && attr->prog_name[0])
		snprintf(name, sizeof(key), "%.15s.%u.%u", attr->prog_name, attr->prog_type,
			 attr->attach_btf_id);
}

static void map_key(const union bpf_attr *attr, key name)
{
	name[0] = '\0';
	if (strncmp(attr->map_name, "libbpf_", 7))
		snprintf(name, sizeof(key), "map.%u.%u.%u.%u.%u", attr->map_type, attr->key_size,
			 attr->value_size, attr->max_entries, attr->map_flags);
}

static const char *program_at(unsigned int fd)
{
	return fd < MAX_FDS ? program_of_fd[fd] : "";
}

static bool refuses(long command, const union bpf_attr *attr)
{
	key name;

	switch (command) {
	case BPF_PROG_LOAD:
		program_key(attr, name);
		return is_refused("load", name, true);
	case BPF_MAP_CREATE:
		map_key(attr, name);
		return is_refused("map", name, attr->map_name[0]);
	case BPF_RAW_TRACEPOINT_OPEN:
		return is_refused("attach", program_at(attr->raw_tracepoint.prog_fd), true);
	case BPF_LINK_CREATE:
		return is_refused("attach", program_at(attr->link_create.prog_fd), true);
	case BPF_PROG_TEST_RUN:
		return is_refused("run", program_at(attr->test.prog_fd), true);
	default:
		return false;
	}
}

long syscall(long number, ...)
{
	static long (*real)(long, ...);
	long arguments[6], result;
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	if (!real)
		real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	if (number == SYS_bpf && refuses(arguments[0], (const void *)arguments[1]))
		return -1;
	result = real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
		      arguments[5]);
	if (number == SYS_bpf && arguments[0] == BPF_PROG_LOAD && result >= 0 && result < MAX_FDS)
		program_key((const void *)arguments[1], program_of_fd[result]);
	return result;
}
