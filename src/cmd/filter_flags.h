/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flags that say which processes a command looks at: defined once, so that -p, --comm, --unit
 * and the others mean the same everywhere. With -p the kernel side counts these processes alone;
 * the others choose among all that was counted. Everything is borrowed from the command's config.
 */
#ifndef FAULTMAP_FILTER_FLAGS_H
#define FAULTMAP_FILTER_FLAGS_H

#include "base/options.h"
#include "collect/collector.h"
#include "cmd/session.h"
#include "model/filter.h"

/* Part of the command's config; all zero: all processes. */
struct filter_flags {
	struct option_list pid; /* each "PID[,PID...]" */
	int children;           /* 0: yes */
	struct filter_options by;
	pid_t pids[ATTACH_MAX]; /* of filter_flags_read */
	size_t n_pids;
};

/* The words of --children, NULL-terminated. */
extern const char *const filter_children[];

/* Entries of an option table. */
#define FILTER_OPTIONS(config, member)                                                            \
	{ .short_name = 'p',                                                                      \
	  .name = "pid",                                                                          \
	  .argument = "PIDS",                                                                     \
	  .help = "only these processes, separated by commas, and those they start",              \
	  .type = OPTION_LIST,                                                                    \
	  .only_flag = true,                                                                      \
	  .offset = offsetof(config, member.pid) },                                               \
		{ .name = "children",                                                             \
		  .argument = "WHETHER",                                                          \
		  .help = "with --pid: also count the processes they start: yes (default) or no", \
		  .type = OPTION_CHOICE,                                                          \
		  .offset = offsetof(config, member.children),                                    \
		  .choices = filter_children },                                                   \
		{ .name = "comm",                                                                 \
		  .argument = "NAME",                                                             \
		  .help = "only programs of this name; this flag and the next four may be\n"      \
			  "repeated, and take the wildcards * and ?",                             \
		  .type = OPTION_LIST,                                                            \
		  .offset = offsetof(config, member.by.comm) },                                   \
		{ .name = "exe",                                                                  \
		  .argument = "PATH",                                                             \
		  .help = "only programs whose file has this path, or this file name",            \
		  .type = OPTION_LIST,                                                            \
		  .offset = offsetof(config, member.by.exe) },                                    \
		{ .name = "unit",                                                                 \
		  .argument = "UNIT",                                                             \
		  .help = "only processes of this systemd unit, or container",                    \
		  .type = OPTION_LIST,                                                            \
		  .offset = offsetof(config, member.by.unit) },                                   \
		{ .name = "cgroup",                                                               \
		  .argument = "PATH",                                                             \
		  .help = "only processes of this cgroup, and of the cgroups below it",           \
		  .type = OPTION_LIST,                                                            \
		  .offset = offsetof(config, member.by.cgroup) },                                 \
	{                                                                                         \
		.name = "uid", .argument = "USER", .help = "only processes of this user",         \
		.type = OPTION_LIST, .offset = offsetof(config, member.by.uid)                    \
	}

/* Something is asked for. */
bool filter_flags_given(const struct filter_flags *flags);
/* Reads the pids: they are numbers, and processes. 0, -EINVAL, or -ESRCH with the error set. */
int filter_flags_read(struct filter_flags *flags, struct error *error);
/* What the collector has to know of it; wants_exe stays what it is, or is set. */
void filter_flags_collect(const struct filter_flags *flags, struct collector_options *options);
/* When all is over: says that nothing matched, if so. */
void filter_flags_tell(const struct filter_flags *flags, const struct session *session);
/* The filters as text: "pid 12, 13; unit cron". */
void filter_flags_text(const struct filter_flags *flags, char *text, size_t size);

#endif
