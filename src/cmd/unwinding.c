// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/unwinding.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "cmd/worker_rights.h"

void unwinding_open(struct unwinder **ret_unwinder, const struct watch_options *watch,
		    const struct privileges_user *user, const struct option_list *disabled,
		    struct collector_options *options)
{
	struct unwinder *unwinder = NULL;
	struct privileges_user standard = {};
	struct worker_rights may = { user ?: &standard, disabled, SANDBOX_UNWIND };
	struct keeper_rights rights = worker_rights(&may);
	int result;

	if (!watch->stacks || !watch->stack_samples)
		return;
	if (!user)
		privileges_find(&standard, NULL, NULL);
	result = unwinder_new(&unwinder, &rights);
	if (result && result != -ENOTSUP) /* a build without symbols says so itself */
		log_warning("starting the process that unwinds stacks: %s; continuing without "
			    "callers where there are no frame pointers",
			    strerror(-result));
	if (result)
		return;
	*ret_unwinder = unwinder;
	options->unwinding = unwinder_interface(unwinder);
}

void build_ids_open(struct build_ids **ret_build_ids, const struct watch_options *watch,
		    struct collector_options *options)
{
	struct build_ids *ids = watch->stacks ? build_ids_new() : NULL;

	if (watch->stacks && !ids)
		log_warning("out of memory; continuing without build ids");
	if (!ids)
		return;
	*ret_build_ids = ids;
	options->build_ids = build_ids_interface(ids);
}

static void confine_finder(const void *disabled)
{
	struct error error;

	privileges_drop(0, &error);
	sandbox_enter(SANDBOX_FIND, disabled);
}

static void confine_fetcher(const void *disabled)
{
	struct error error;

	privileges_drop(0, &error);
	sandbox_enter(SANDBOX_FETCH, disabled);
}

struct debug_files_options debug_files_of(const char *servers, const struct option_list *disabled)
{
	struct error error;

	if (servers && debug_files_load(&error) < 0) {
		log_warning("%s; continuing without", error.text);
		servers = NULL;
	}
	return (struct debug_files_options){ .servers = servers,
					     .confine = servers ? confine_fetcher : confine_finder,
					     .context = disabled };
}
