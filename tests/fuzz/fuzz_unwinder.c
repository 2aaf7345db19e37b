// SPDX-License-Identifier: GPL-2.0-only
/*
 * A copied stack with its registers, of a process with code from an untrusted file, as the worker process
 * unwinds it. The input is a head, then the stack, then the file.
 */
#include "fuzz.h"

#ifdef WITHOUT_SYMBOL
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	(void)data;
	(void)size;
	return 0;
}
#else
#include "base/util.h"
#include "symbol/unwind_process.h"

#define AREAS 2

struct head {
	uint16_t stack_size;
	uint8_t n_areas, n_registers;
	uint32_t pad;
	uint64_t stack_start;
	struct {
		uint64_t start, end, offset;
	} areas[AREAS];
	uint64_t registers[17];
};

static void fill_slot(struct queue_slot *slot, const struct head *head, const uint8_t *stack)
{
	memset(slot, 0, sizeof(*slot));
	slot->areas_id = slot->tgid = slot->number = 1;
	slot->n_areas = head->n_areas; /* of the other side: as many as it likes */
	slot->n_registers = head->n_registers ? min_of(head->n_registers, UNWIND_REGISTERS_MAX) : 1;
	slot->stack_start = head->stack_start;
	slot->stack_size = min_of(head->stack_size, UNWIND_STACK_MAX);
	memcpy(slot->registers, head->registers, sizeof(head->registers));
	memcpy(slot->stack, stack, slot->stack_size);
	for (size_t i = 0; i < AREAS; i++)
		slot->areas[i] = (struct queue_area){ head->areas[i].start, head->areas[i].end,
						      head->areas[i].offset, 0, 0 };
	for (size_t i = AREAS; i < UNWIND_AREAS_MAX; i++)
		slot->areas[i].file = NO_FILE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct queue_slot slot;
	struct unwind_file file = { .number = 0 };
	struct unwind_files files = { &file, 1 };
	struct unwind_processes *processes;
	struct unwind_answer answer;
	struct head head;
	size_t at;

	if (size < sizeof(head))
		return 0;
	memcpy(&head, data, sizeof(head));
	if (size < sizeof(head) + head.stack_size)
		return 0;
	fill_slot(&slot, &head, data + sizeof(head));
	at = sizeof(head) + head.stack_size;
	file.fd = memfd_create("elf", MFD_CLOEXEC);
	FUZZ_ASSERT(file.fd >= 0 && write(file.fd, data + at, size - at) == (ssize_t)(size - at));
	processes = unwind_processes_new(&files);
	FUZZ_ASSERT(processes);
	for (int i = 0; i < 2; i++) { /* once more, with what is remembered */
		unwind_stack(processes, &slot, &answer);
		FUZZ_ASSERT(answer.number == 1 && answer.n_frames >= 1 &&
			    answer.n_frames <= UNWIND_FRAMES_MAX);
		if (head.n_registers == ARRAY_SIZE(head.registers)) /* as the kernel side tells */
			FUZZ_ASSERT(answer.addresses[0] == head.registers[16]);
	}
	unwind_processes_free(processes);
	elf_end(file.elf);
	close(file.fd);
	return 0;
}
#endif
