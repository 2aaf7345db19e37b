// SPDX-License-Identifier: GPL-2.0-only
/* `faultmap top --replay FILE...` without a terminal: a table of each interval. */
#include "cmd/top.h"

#include <errno.h>

#include "base/log.h"
#include "cmd/log_reading.h"
#include "replay/player.h"

static int print(const struct top_config *config, struct player *player, struct sink_table *table,
		 struct error *error)
{
	uint64_t count = config->once ? 1 : config->count;
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
	struct log_complaints complaints = {};
	struct player *player = player_new(files, log_complaints_print, &complaints);
	struct sink_table *table = NULL;
	struct error error;
	int result = -ENOMEM;

	error_set(&error, ENOMEM, "starting: out of memory");
	if (player) {
		top_table(config, &options, player_info(player)->page_size);
		table = sink_table_new(&options);
	}
	if (player && table)
		result = log_reading_confine(SANDBOX_REPORT, &config->common.disabled, &error);
	if (!result)
		result = print(config, player, table, &error);
	log_complaints_end(&complaints);
	if (result < 0 && result != -EPIPE)
		log_error("%s", error.text);
	sink_table_free(table);
	player_free(player);
	return result < 0 || complaints.count ? EXIT_FAILED : EXIT_DONE;
}
