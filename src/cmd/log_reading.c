// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/log_reading.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "cmd/privileges.h"

/* So many bad lines are reported one by one; then only their number. */
#define MAX_COMPLAINTS 20

int log_reading_give_up_privileges(struct error *error)
{
	struct privileges_user user;
	int result = privileges_find(&user, NULL, error);

	user.is_other = false; /* the files belong to the user who runs the command */
	if (!result)
		result = privileges_suspend(&user, error);
	return result ? result : privileges_drop(PRIVILEGE_READ_FILES, error);
}

int log_reading_confine(enum sandbox sandbox, const struct option_list *disabled,
			struct error *error)
{
	int result = log_reading_give_up_privileges(error);

	if (!result)
		sandbox_try(sandbox, disabled);
	return result;
}

void log_complaints_print(void *context, const char *path, uint64_t line, const char *why)
{
	struct log_complaints *complaints = context;
	char shown[256], reason[512]; /* which may quote the line */

	if (complaints->count++ >= MAX_COMPLAINTS)
		return;
	text_escape_to(shown, sizeof(shown), strcmp(path, "-") ? path : "standard input");
	text_escape_to(reason, sizeof(reason), why);
	log_warning("%s:%" PRIu64 ": %s", shown, line, reason);
}

void log_complaints_end(const struct log_complaints *complaints)
{
	if (complaints->count > MAX_COMPLAINTS)
		log_warning("%" PRIu64 " more lines skipped", complaints->count - MAX_COMPLAINTS);
}

int log_reading_files(struct jsonl_reader *reader, char *const files[], struct error *error)
{
	int result = 0;

	for (size_t i = 0; files[i] && !result; i++)
		result = jsonl_reader_file(reader, files[i], error);
	return result ? result : jsonl_reader_end(reader, error);
}
