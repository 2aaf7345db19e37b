// SPDX-License-Identifier: GPL-2.0-only
#include "sink/profile_output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/text.h"
#include "base/util.h"

/* A frame's text: no control character, and no semicolon, which ends it. 0 or -ENOMEM. */
static int print_frame(FILE *stream, const char *text)
{
	autofree char *escaped = text_escape(text);

	if (!escaped)
		return -ENOMEM;
	for (const char *at = escaped; *at; at++)
		fputc(*at == ';' ? ':' : *at, stream);
	return 0;
}

static int print_sample(const struct profile_sample *sample, enum profile_weight weight,
			FILE *stream)
{
	int result = print_frame(stream, *sample->comm ? sample->comm : "[unknown]");

	for (size_t i = sample->stack ? sample->stack->n_places : 0; i-- > 0 && !result;) {
		fputc(';', stream);
		result = print_frame(stream, sample->stack->places[i]->label);
		if (sample->stack->places[i]->kernel) /* as flamegraph.pl has it */
			fputs("_[k]", stream);
	}
	fputc(';', stream);
	if (!result)
		result = print_frame(stream, sample->mapping);
	fprintf(stream, " (%s%s) %" PRIu64 "\n", kind_name((enum fault_kind)sample->kind),
		sample->is_sampled ? ", sampled" : "", sample->weights[weight]);
	return result;
}

int profile_folded_print(struct sink_profile *profile, enum profile_weight weight, FILE *stream)
{
	autofree struct profile_sample **samples = NULL;
	size_t count;
	int result = sink_profile_samples(profile, weight, &samples, &count);

	for (size_t i = 0; i < count && !result; i++)
		if (samples[i]->weights[weight])
			result = print_sample(samples[i], weight, stream);
	return result;
}
