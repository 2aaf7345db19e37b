// SPDX-License-Identifier: GPL-2.0-only
#include "collect/stack_samples.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "base/util.h"

/* Address spaces of one generation: as many as the kernel side remembers. 10 KiB each at most. */
#define SPACES_MAX 1024
/* Stacks that are being unwound: at least what the kernel's ring and the unwinder hold. */
#define PENDING_MAX 1024

/* Where code is. */
struct area {
	uint64_t start, end;
	struct code_place at; /* of start; its text is held */
};

/* One address space. */
struct space {
	uint64_t id; /* first: the key */
	size_t holders;
	bool is_complete;
	size_t count;
	struct area areas[CODE_AREAS_MAX];
};

struct pending {
	struct space *space; /* held, as both texts are */
	struct sampled_path path;
	struct code_place at;
	uint64_t row_context; /* which comes by the other ring: it is there by the next tick */
};

struct stack_samples {
	const struct unwinding *unwinding;
	const struct names *names;
	const struct contexts *contexts;
	int (*drain)(void *context);
	void *context;
	uint32_t generation;
	struct table current, former; /* of spaces */
	struct pending pending[PENDING_MAX];
	uint64_t first, next; /* numbers of those that are pending */
	uint64_t unwound, lost;
};

struct stack_samples *stack_samples_new(const struct unwinding *unwinding,
					const struct names *names, const struct contexts *contexts,
					int (*drain)(void *context), void *context)
{
	struct stack_samples *samples = calloc(1, sizeof(*samples));

	if (!samples)
		return NULL;
	samples->unwinding = unwinding;
	samples->names = names;
	samples->contexts = contexts;
	samples->drain = drain;
	samples->context = context;
	table_init(&samples->current, 0, sizeof(uint64_t));
	table_init(&samples->former, 0, sizeof(uint64_t));
	return samples;
}

static void space_drop(void *value)
{
	struct space *space = value;

	if (--space->holders)
		return;
	for (size_t i = 0; i < space->count; i++)
		strings_drop(space->areas[i].at.file);
	free(space);
}

static void drop_pending(struct pending *pending)
{
	space_drop(pending->space);
	strings_drop(pending->path.mapping);
	strings_drop(pending->at.file);
}

void stack_samples_free(struct stack_samples *samples)
{
	if (!samples)
		return;
	for (; samples->first < samples->next; samples->first++)
		drop_pending(&samples->pending[samples->first % PENDING_MAX]);
	table_clear_values(&samples->current, space_drop);
	table_clear_values(&samples->former, space_drop);
	free(samples);
}

/* The name; if it has not come yet, reads what is in the ring first. NULL: no memory. */
static const char *name_of(struct stack_samples *samples, unsigned int class, uint64_t name_id,
			   uint32_t uid)
{
	bool known;
	const char *name = names_of_mapping(samples->names, class, name_id, uid, &known);

	if (!known && !samples->drain(samples->context))
		name = names_of_mapping(samples->names, class, name_id, uid, &known);
	return name;
}

/* As contexts.c has it. A file of NULL: no memory. The text is held. */
static struct code_place place_of(struct stack_samples *samples, const struct frame *frame,
				  uint32_t uid)
{
	struct code_place place = {
		.file = name_of(samples, frame->class, frame->name_id, uid),
		.offset = frame->offset,
		.in_file = frame->name_id && frame->class != MAPPING_SPECIAL,
	};

	if (place.file)
		strings_hold(place.file);
	return place;
}

static struct space *space_new(struct stack_samples *samples, uint64_t id)
{
	const struct space space = { .id = id, .holders = 1 };

	if (samples->current.count >= SPACES_MAX)
		return NULL;
	return table_add_copy(&samples->current, &space, sizeof(space));
}

/* Two CPUs may report the same space at once: areas that are known already are ignored. */
int stack_samples_add_area(struct stack_samples *samples, const struct code_area_record *record,
			   size_t size)
{
	struct space *space;
	struct area *area;

	if (size < sizeof(*record) || record->number >= CODE_AREAS_MAX ||
	    record->start >= record->end)
		return -EBADMSG;
	space = table_get(&samples->current, &record->areas_id);
	if (!space)
		space = space_new(samples, record->areas_id);
	if (!space || space->is_complete || record->number != space->count)
		return 0;
	area = &space->areas[space->count];
	area->start = record->start;
	area->end = record->end;
	area->at = place_of(samples, &record->at, record->uid);
	if (!area->at.file)
		return -ENOMEM;
	space->count++;
	space->is_complete = record->is_last;
	return 0;
}

static struct space *find_space(const struct stack_samples *samples, uint64_t id)
{
	struct space *space = table_get(&samples->current, &id) ?: table_get(&samples->former, &id);

	return space && space->is_complete ? space : NULL;
}

/* 0, or a negative errno: the stack is lost. */
static int ask(struct stack_samples *samples, const struct stack_sample_record *record,
	       const struct space *space)
{
	struct unwind_area areas[CODE_AREAS_MAX];
	struct unwind_request request = {
		.number = samples->next,
		.areas_id = record->areas_id,
		.tgid = record->key.tgid,
		.areas = areas,
		.n_areas = space->count,
		.registers = record->registers,
		.n_registers = record->n_registers,
		.stack = record->stack,
		.stack_size = record->length,
		.stack_start = record->start,
	};

	for (size_t i = 0; i < space->count; i++)
		areas[i] = (struct unwind_area){
			.start = space->areas[i].start,
			.end = space->areas[i].end,
			.offset = space->areas[i].at.offset,
			.file = space->areas[i].at.in_file ? space->areas[i].at.file : NULL,
		};
	return samples->unwinding->ask(samples->unwinding->context, &request);
}

int stack_samples_add_stack(struct stack_samples *samples, const struct stack_sample_record *record,
			    size_t size)
{
	struct space *space = NULL;
	const struct row_key *key = &record->key;
	struct code_place at;
	const char *mapping;

	if (size < sizeof(*record) || record->length > sizeof(record->stack) ||
	    !record->n_registers || record->n_registers > STACK_SAMPLE_REGISTERS)
		return -EBADMSG;
	if (samples->next - samples->first < PENDING_MAX)
		space = find_space(samples, record->areas_id);
	if (!space || ask(samples, record, space) < 0) {
		samples->lost++;
		return 0;
	}
	mapping = name_of(samples, MODE_CLASS_CLASS(key->mode_class), key->name_id, record->uid);
	at = place_of(samples, &record->at, record->uid);
	if (!mapping || !at.file)
		return -ENOMEM;
	strings_hold(mapping);
	space->holders++;
	samples->pending[samples->next++ % PENDING_MAX] = (struct pending){
		.space = space,
		.path = { .start_ns = key->start_ns, .tgid = key->tgid, .mapping = mapping },
		.at = at,
		.row_context = key->context,
	};
	return 0;
}

/* Where an address is; NULL: in no code that is known. */
static const struct area *area_at(const struct space *space, uint64_t address)
{
	for (size_t i = 0; i < space->count; i++)
		if (space->areas[i].start <= address && address < space->areas[i].end)
			return &space->areas[i];
	return NULL;
}

static struct context *context_of(const struct stack_samples *samples,
				  const struct pending *pending, const struct unwind_answer *answer)
{
	const struct space *space = pending->space;
	size_t count = answer->n_frames ?: 1, n = 1;
	struct context *context = context_new(count < FRAMES_MAX ? count : FRAMES_MAX);

	if (!context)
		return NULL;
	context->has_code = context->has_stack = true;
	context_set_place(context, 0, pending->at);
	context->places[0].build_id = contexts_build_id(samples->contexts, &pending->at,
							pending->path.tgid);
	for (; n < count && n < FRAMES_MAX; n++) {
		const struct area *area = area_at(space, answer->addresses[n]);
		struct code_place place;

		if (!area)
			break;
		place = area->at;
		place.offset = answer->addresses[n];
		if (place.in_file)
			place.offset += area->at.offset - area->start;
		place.build_id = contexts_build_id(samples->contexts, &place, pending->path.tgid);
		context_set_place(context, n, place);
	}
	context->is_whole = answer->is_whole && n == count;
	context->n_places = n;
	context_set_stack_id(context);
	return context;
}

/* The stack that the answer belongs to; stacks before it get no answer any more. NULL: none. */
static struct pending *pending_of(struct stack_samples *samples, uint64_t number)
{
	if (number < samples->first || number >= samples->next)
		return NULL;
	for (; samples->first < number; samples->first++) {
		drop_pending(&samples->pending[samples->first % PENDING_MAX]);
		samples->lost++;
	}
	return &samples->pending[samples->first++ % PENDING_MAX];
}

int stack_samples_take(struct stack_samples *samples, struct snapshot *snapshot)
{
	struct unwind_answer answer;
	int result = 0;

	while (!result && samples->unwinding->answer(samples->unwinding->context, &answer)) {
		struct pending *pending = pending_of(samples, answer.number);
		const struct context *row_context;

		if (!pending)
			continue;
		row_context = contexts_find(samples->contexts, pending->row_context);
		pending->path.row_stack = row_context ? row_context->stack_id : 0;
		pending->path.context = context_of(samples, pending, &answer);
		result = pending->path.context ? snapshot_add_sampled(snapshot, &pending->path) :
						 -ENOMEM;
		context_drop(pending->path.context);
		drop_pending(pending);
		samples->unwound++;
	}
	return result;
}

void stack_samples_turn(struct stack_samples *samples, uint32_t number)
{
	if (number == samples->generation)
		return;
	table_clear_values(&samples->former, space_drop);
	samples->former = samples->current;
	table_init(&samples->current, 0, sizeof(uint64_t));
	samples->generation = number;
}

size_t stack_samples_pending(const struct stack_samples *samples)
{
	return samples->next - samples->first;
}

uint64_t stack_samples_unwound(const struct stack_samples *samples)
{
	return samples->unwound;
}

uint64_t stack_samples_lost(const struct stack_samples *samples)
{
	return samples->lost;
}
