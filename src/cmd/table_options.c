// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/table_options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

enum colour { COLOUR_AUTO, COLOUR_NEVER, COLOUR_ALWAYS };
const char *const table_colours[] = { [COLOUR_AUTO] = "auto",
				      [COLOUR_NEVER] = "never",
				      [COLOUR_ALWAYS] = "always",
				      [COLOUR_ALWAYS + 1] = NULL };

enum grouping_by table_by(const struct table_options *options, enum grouping_by by)
{
	if (options->by != TABLE_UNSET)
		return (enum grouping_by)options->by;
	return options->commands ? BY_PROCESS : by;
}

enum grouping_by table_by_of_summary(const struct table_options *options)
{
	return table_by(options, options->all ? BY_ROW : BY_MAPPING);
}

enum tally_format table_format(const struct table_options *options)
{
	return options->csv ? TALLY_CSV : options->json ? TALLY_JSON : TALLY_TEXT;
}

bool table_options_fit(struct table_options *options, enum grouping_by by, bool is_live,
		       const char *command)
{
	struct error error;

	if (options->csv && options->json)
		log_error("give --csv or --json, not both");
	else if (options->commands && by != BY_PROCESS)
		log_error("-c shows the command lines of processes: it goes with --by process");
	else if (options->all && options->rows)
		log_error("give --all or --rows, not both");
	else if (!grouping_can_sort(by, (enum tally_sort)options->sort))
		log_error("--sort %s means nothing with --by %s; see faultmap %s --help",
			  tally_sort_words[options->sort], grouping_words[by], command);
	else if (options->columns && (options->csv || options->json))
		log_error("--columns is for tables: --csv and --json have the same fields always");
	else if (options->columns &&
		 tally_columns_parse(options->columns, by, is_live, &options->chosen, &error) < 0)
		log_error("%s", error.text);
	else
		return true;
	return false;
}

bool table_has_colour(const struct table_options *options, int fd)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

	if (options->csv || options->json)
		return false;
	if (options->colour != COLOUR_AUTO)
		return options->colour == COLOUR_ALWAYS;
	return isatty(fd) && !(no_colour && *no_colour) && term && strcmp(term, "dumb") != 0;
}
