// SPDX-License-Identifier: GPL-2.0-only
#include "sink/phase_grid.h"

#include <errno.h>

#include "base/util.h"
#include "sink/grid.h"

int phase_grid_print(const struct phase *phases, size_t count, uint64_t page_size, FILE *stream)
{
	static const struct grid_column columns[] = {
		{ .title = "MINOR" },
		{ .title = "MAJOR" },
		{ .title = "DENIED", .optional = true },
		{ .title = "STALL" },
		{ .title = "BYTES" },
		{ .title = "SECONDS" },
		{ .title = "TIMES" },
		{ .title = "PHASE", .left = true },
	};
	struct grid *grid = grid_new(columns, ARRAY_SIZE(columns));
	int result;

	if (!grid)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		grid_count(grid, phases[i].minor);
		grid_count(grid, phases[i].major);
		grid_count(grid, phases[i].denied);
		grid_duration(grid, phases[i].stall_ns);
		grid_bytes(grid, phases[i].pages * page_size);
		grid_format(grid, "%.3f", (double)phases[i].duration_ns / 1e9);
		grid_count(grid, phases[i].n_times);
		grid_name(grid, phases[i].name);
	}
	result = grid_print(grid, stream, 0, 0);
	grid_free(grid);
	return result;
}
