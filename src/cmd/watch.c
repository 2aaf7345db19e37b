// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/watch.h"

const char *const watch_details[] = {
	[DETAIL_FAST] = "fast",
	[DETAIL_FULL] = "full",
	[DETAIL_FULL + 1] = NULL,
};

const char *const fold_words[] = { "none", "exit", NULL };

struct fold_options watch_folding(const struct fold_flags *flags)
{
	return (struct fold_options){ flags->min_faults, flags->top, flags->exits };
}

struct collector_options watch_collector(const struct watch_options *watch,
					 const struct common_options *common)
{
	return (struct collector_options){
		.detail = (enum detail)watch->detail,
		.slice_bytes = watch->slice_bytes,
		.threads = watch->threads,
		.code = watch->code || watch->stacks,
		.stacks = watch->stacks,
		.sample_every = (uint32_t)watch->stack_samples,
		.max_rows = (uint32_t)watch->max_rows, /* the flag's maximum is far below */
		.disabled = &common->disabled,
	};
}

struct sink_jsonl_meta watch_meta(const struct collector_info *info, uint64_t interval_ms)
{
	return (struct sink_jsonl_meta){
		.detail = watch_details[info->detail],
		.hooks = info->hooks,
		.n_hooks = info->n_hooks,
		.slice_bytes = info->slice_bytes,
		.slices_max = info->slices_max,
		.threads = info->threads,
		.code = info->code,
		.stacks = info->stacks,
		.sample_every = info->sample_every,
		.interval_ms = interval_ms,
	};
}
