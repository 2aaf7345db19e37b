// SPDX-License-Identifier: GPL-2.0-only
/* `faultmap top --replay FILE...` without a terminal: a table of each interval. */
#include "cmd/top.h"

#include <errno.h>

#include "base/log.h"
#include "replay/player.h"

int top_give_up_privileges(const struct top_config *config, enum sandbox sandbox,
			   struct error *error)
{
	struct privileges_user user;
	int result = privileges_find(&user, NULL, error);

	user.is_other = false; /* the files are those of who asks */
	if (!result)
		result = privileges_suspend(&user, error);
	if (!result)
		result = privileges_drop(PRIVILEGE_READ_FILES, error);
	if (!result)
		sandbox_try(sandbox, &config->common.disabled);
	return result;
}

static void print_complaint(void *context, const char *path, uint64_t line, const char *why)
{
	++*(uint64_t *)context;
	cmd_warn_of_line(path, line, why);
}

static int print(struct player *player, struct sink_table *table, uint64_t count,
		 struct error *error)
{
	const struct snapshot *snapshot;
	int result = 1;

	for (uint64_t n = 0; result > 0 && (!count || n < count); n++) {
		result = player_next(player, &snapshot, error);
		if (result > 0)
			result = sink_table_tick(table, snapshot, error) ?: 1;
	}
	if (!result && !player_position(player))
		return error_set(error, ENODATA, "no interval in these lines; nothing to show");
	return result;
}

int top_replay_tables(const struct top_config *config, char *const files[])
{
	struct sink_table_options options;
	uint64_t n_complaints = 0;
	struct player *player = player_new(files, print_complaint, &n_complaints);
	struct sink_table *table = NULL;
	struct error error;
	int result = -ENOMEM;

	error_set(&error, ENOMEM, "starting: out of memory");
	if (player) {
		top_table(config, &options, player_info(player)->page_size);
		table = sink_table_new(&options);
	}
	if (player && table)
		result = top_give_up_privileges(config, SANDBOX_REPORT, &error);
	if (!result)
		result = print(player, table, config->once ? 1 : config->count, &error);
	if (result < 0 && result != -EPIPE)
		log_error("%s", error.text);
	sink_table_free(table);
	player_free(player);
	return result < 0 || n_complaints ? EXIT_FAILED : EXIT_DONE;
}
