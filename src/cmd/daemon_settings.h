/* SPDX-License-Identifier: GPL-2.0-only */
/* The daemon's settings: the option table of its flags and of the file of --config, and the result
 * of both, which cmd_daemon.c uses. */
#ifndef FAULTMAP_DAEMON_SETTINGS_H
#define FAULTMAP_DAEMON_SETTINGS_H

#include "cmd/cmd.h"
#include "cmd/config_file.h"
#include "cmd/watch.h"
#include "metrics/group_rules.h"

#define DEFAULT_CONFIG_FILE "/etc/faultmap/faultmap.conf"

struct daemon_config {
	struct common_options common; /* first: see cmd_begin */
	const char *config_file;      /* NULL: the default one, if it is there */
	bool check_config;
	const char *user; /* to become; NULL: the default */
	struct watch_options watch;
	struct option_list listen;
	const char *web_config_file;
	bool web_enable_lifecycle;
	const char *jsonl;
	struct limit_flags jsonl_limit;
	struct fold_flags jsonl_fold;
	bool stream;
	uint64_t interval_ms;
	int group_by; /* enum group_by */
	const char *group_rules;
	const char *pod_logs; /* NULL: the default */
	const char *mappings;
	int mappings_names; /* enum mappings_names */
	uint64_t max_series;
	const char *otlp; /* URL; NULL: nothing is pushed */
	uint64_t otlp_interval_ms;
	const char *debuginfod; /* URLs; NULL: no server is asked */
};

enum mappings_names { NAMES_AUTO, NAMES_PUBLIC, NAMES_ALL };

/* What flags and file say together. */
struct settings {
	struct daemon_config config;
	struct config_file *file;  /* owns what config borrows; NULL without one */
	struct group_rules *rules; /* NULL without --group-rules */
};

extern const struct command_spec daemon_spec;

/* "top=N" or "none", as daemon_config.mappings has been checked. 0, or -EINVAL for anything
 * else. */
int daemon_parse_mappings(const char *text, uint64_t *ret_top);
/* Defaults, then the file, then the flags. 0, or a negative errno with the error set: -EINVAL for a
 * person's mistake. Free with settings_free(). */
int settings_load(struct settings **ret_settings, int argc, char *const argv[],
		  struct error *error);
/* NULL is fine. */
void settings_free(struct settings *settings);
/* It reads which files others run, or their environments, which takes a capability. */
bool settings_read_others(const struct settings *settings);
/* What the collector has to know of it; adds to what is asked for already. */
void settings_collect(const struct settings *settings, struct collector_options *options);
/* What was started so can go on with other settings: 0, or -EPERM with the error set. */
int settings_check_reload(const struct settings *started, const struct settings *settings,
			  struct error *error);
/* Warns of each key that has changed and takes a restart. */
void settings_tell_what_waits(const struct settings *started, const struct settings *settings);

#endif
