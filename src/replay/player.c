// SPDX-License-Identifier: GPL-2.0-only
#include "replay/player.h"

#include <errno.h>
#include <stdlib.h>

struct player {
	char *const *files;
	size_t next_file;
	bool is_open, is_at_end;
	struct jsonl_reader *reader;
	const struct snapshot *snapshot; /* as handed out last */
	bool was_handed_out;
	uint64_t position;
	log_complaint_fn on_complaint;
	void *context;
	bool has_complained; /* all there was to say was said the first time */
};

static int take_interval(void *context, const struct snapshot *snapshot, struct error *error)
{
	struct player *player = context;

	(void)error;
	player->snapshot = snapshot;
	player->was_handed_out = true;
	player->position++;
	return 0;
}

static void complain(void *context, const char *path, uint64_t line, const char *why)
{
	struct player *player = context;

	if (!player->has_complained)
		player->on_complaint(player->context, path, line, why);
}

static struct jsonl_reader *new_reader(struct player *player, int64_t skip_before_ms)
{
	const struct jsonl_reader_options options = {
		.from_ms = INT64_MIN,
		.to_ms = INT64_MAX,
		.skip_before_ms = skip_before_ms,
		.on_interval = take_interval,
		.on_complaint = complain,
		.context = player,
	};

	return jsonl_reader_new(&options);
}

struct player *player_new(char *const files[], log_complaint_fn on_complaint, void *context)
{
	struct player *player = calloc(1, sizeof(*player));

	if (!player)
		return NULL;
	player->files = files;
	player->on_complaint = on_complaint;
	player->context = context;
	player->reader = new_reader(player, 0);
	if (!player->reader) {
		free(player);
		return NULL;
	}
	return player;
}

void player_free(struct player *player)
{
	if (!player)
		return;
	jsonl_reader_free(player->reader);
	free(player);
}

/* One step in the file that is open, or the end of the last one. 0: more may come. */
static int step(struct player *player, struct error *error)
{
	int result;

	if (!player->is_open && player->files[player->next_file]) {
		result = jsonl_reader_open(player->reader, player->files[player->next_file++],
					   error);
		player->is_open = !result;
		return result;
	}
	if (!player->is_open) {
		player->is_at_end = true;
		player->has_complained = true;
		return jsonl_reader_end(player->reader, error);
	}
	result = jsonl_reader_step(player->reader, error);
	player->is_open = result > 0;
	return result < 0 ? result : 0;
}

int player_next(struct player *player, const struct snapshot **ret_snapshot, struct error *error)
{
	int result = 0;

	player->was_handed_out = false;
	while (!result && !player->was_handed_out && !player->is_at_end)
		result = step(player, error);
	*ret_snapshot = player->snapshot;
	return result < 0 ? result : player->was_handed_out;
}

int player_rewind(struct player *player, int64_t from_ms, struct error *error)
{
	struct jsonl_reader *reader = new_reader(player, from_ms);

	if (!reader)
		return error_set(error, ENOMEM, "going back in the log: out of memory");
	jsonl_reader_free(player->reader);
	player->reader = reader;
	player->snapshot = NULL;
	player->is_open = player->is_at_end = false;
	player->next_file = 0;
	player->position = 0;
	return 0;
}

uint64_t player_position(const struct player *player)
{
	return player->position;
}

const struct jsonl_reader_info *player_info(struct player *player)
{
	return jsonl_reader_info(player->reader);
}
