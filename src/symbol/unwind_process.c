// SPDX-License-Identifier: GPL-2.0-only
#include "symbol/unwind_process.h"

#include <elfutils/libdwfl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef ARRAY_SIZE /* ours is the same */
#include "base/util.h"

/* Address spaces that are kept as libdwfl sees them. */
#define PROCESSES_MAX 64

/* One address space, as long as its areas of code stay. */
struct process {
	uint64_t areas_id; /* 0: none */
	uint64_t used;     /* when */
	Dwfl *dwfl;
	const struct queue_slot *slot; /* that is being unwound */
	bool is_cut;                   /* more than was copied was asked for */
};

struct unwind_processes {
	struct unwind_files *files;
	struct process list[PROCESSES_MAX];
	uint64_t clock;
	struct unwind_answer *answer; /* in the making */
};

/* Files. --------------------------------------------------------------------------------------- */

static struct unwind_file *file_of(struct unwind_files *files, uint32_t number)
{
	for (size_t i = files->count; i-- > 0;) /* of those with the same number the last */
		if (files->list[i].number == number && number != NO_FILE)
			return &files->list[i];
	return NULL;
}

#ifdef __x86_64__
#define OWN_MACHINE EM_X86_64
#else
#define OWN_MACHINE EM_AARCH64
#endif

/* Of another machine's file libdwfl would take our registers for those of that machine. */
static bool is_own(Elf *elf)
{
	GElf_Ehdr header;

	return elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &header) &&
	       header.e_machine == OWN_MACHINE && header.e_ident[EI_CLASS] == ELFCLASS64;
}

static Elf *elf_of(struct unwind_file *file)
{
	if (!file->elf && !file->is_foreign) {
		elf_version(EV_CURRENT);
		file->elf = elf_begin(file->fd, ELF_C_READ_MMAP, NULL);
		file->is_foreign = !file->elf || !is_own(file->elf);
	}
	return file->is_foreign ? NULL : file->elf;
}

/* libdwfl asks for a module's file when it first needs it. It takes one reference of its own. */
static int find_elf(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
		    char **file_name, Elf **ret_elf)
{
	struct unwind_file *file = *userdata;
	Elf *elf = elf_of(file);

	(void)module;
	(void)name;
	(void)base;
	(void)file_name;
	if (elf)
		*ret_elf = elf_begin(file->fd, ELF_C_READ_MMAP, elf);
	return -1;
}

/* No file beside it is looked for, least of all on the network. */
static int find_debuginfo(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
			  const char *file_name, const char *link, GElf_Word crc, char **ret_name)
{
	(void)module;
	(void)userdata;
	(void)name;
	(void)base;
	(void)file_name;
	(void)link;
	(void)crc;
	(void)ret_name;
	return -1;
}

static const Dwfl_Callbacks callbacks = { .find_elf = find_elf, .find_debuginfo = find_debuginfo };

/* Address spaces. ------------------------------------------------------------------------------ */

/* Where the file's segments are, should this area be of one of them. */
static bool find_range(Elf *elf, const struct queue_area *area, GElf_Addr *ret_start,
		       GElf_Addr *ret_end)
{
	GElf_Addr bias = 0, first = 0, last = 0;
	bool is_found = false, has_first = false;
	size_t count;

	if (elf_getphdrnum(elf, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;

		if (!gelf_getphdr(elf, (int)i, &header))
			return false;
		if (header.p_type != PT_LOAD)
			continue;
		if (!has_first)
			first = header.p_vaddr & -(header.p_align ?: 1);
		has_first = true;
		last = header.p_vaddr + header.p_memsz;
		if (!is_found && area->offset + area->end - area->start > header.p_offset &&
		    area->offset < header.p_offset + header.p_filesz && header.p_flags & PF_X) {
			bias = area->start - area->offset + header.p_offset - header.p_vaddr;
			is_found = true;
		}
	}
	*ret_start = bias + first;
	*ret_end = bias + last;
	return is_found && *ret_start < *ret_end;
}

static void report_area(struct unwind_processes *processes, Dwfl *dwfl,
			const struct queue_area *area)
{
	struct unwind_file *file = file_of(processes->files, area->file);
	Elf *elf = file ? elf_of(file) : NULL;
	GElf_Addr start, end;
	Dwfl_Module *module;
	void **userdata;
	char name[16];

	if (!elf || !find_range(elf, area, &start, &end))
		return;
	snprintf(name, sizeof(name), "%u", file->number);
	module = dwfl_report_module(dwfl, name, start, end);
	if (module && dwfl_module_info(module, &userdata, NULL, NULL, NULL, NULL, NULL, NULL))
		*userdata = file;
}

static pid_t next_thread(Dwfl *dwfl, void *context, void **ret_context)
{
	(void)dwfl;
	(void)context;
	(void)ret_context;
	return 0;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *context, void **ret_context)
{
	(void)dwfl;
	(void)tid;
	*ret_context = context;
	return true;
}

/* What was copied, and nothing else. libdwfl takes a caller that cannot be read for the end. */
static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *ret_word, void *context)
{
	struct process *process = context;
	const struct queue_slot *slot = process->slot;
	uint64_t at = address - slot->stack_start;

	(void)dwfl;
	if (at >= slot->stack_size || slot->stack_size - at < sizeof(uint64_t)) {
		process->is_cut = true;
		return false;
	}
	memcpy(ret_word, slot->stack + at, sizeof(uint64_t));
	return true;
}

static bool set_registers(Dwfl_Thread *thread, void *context)
{
	const struct queue_slot *slot = ((struct process *)context)->slot;
	unsigned int count = slot->n_registers;

	/* Of AArch64 the last is no register of DWARF's. */
	if (count == UNWIND_REGISTERS_MAX)
		dwfl_thread_state_register_pc(thread, slot->registers[--count]);
	return dwfl_thread_state_registers(thread, 0, count, slot->registers);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = read_memory,
	.set_initial_registers = set_registers,
};

static bool open_process(struct unwind_processes *processes, struct process *process,
			 const struct queue_slot *slot)
{
	dwfl_end(process->dwfl);
	*process = (struct process){ .areas_id = slot->areas_id, .dwfl = dwfl_begin(&callbacks) };
	if (!process->dwfl)
		return false;
	dwfl_report_begin(process->dwfl);
	for (size_t i = 0; i < slot->n_areas && i < UNWIND_AREAS_MAX; i++)
		report_area(processes, process->dwfl, &slot->areas[i]);
	dwfl_report_end(process->dwfl, NULL, NULL);
	return dwfl_attach_state(process->dwfl, NULL, (pid_t)slot->tgid, &thread_callbacks,
				 process);
}

/* NULL: none of its files can be read. */
static struct process *process_of(struct unwind_processes *processes, const struct queue_slot *slot)
{
	struct process *oldest = &processes->list[0];
	struct process *process = NULL;

	for (size_t i = 0; i < PROCESSES_MAX && !process; i++) {
		if (processes->list[i].areas_id == slot->areas_id)
			process = &processes->list[i];
		if (processes->list[i].used < oldest->used)
			oldest = &processes->list[i];
	}
	if (!process) {
		process = oldest;
		if (!open_process(processes, process, slot))
			process->areas_id = 0;
	}
	process->used = ++processes->clock;
	return process->areas_id ? process : NULL;
}

/* Stacks. -------------------------------------------------------------------------------------- */

static int take_frame(Dwfl_Frame *frame, void *context)
{
	struct unwind_processes *processes = context;
	struct unwind_answer *answer = processes->answer;
	bool is_activation; /* at the instruction, not behind a call */
	Dwarf_Addr pc;

	if (answer->n_frames == UNWIND_FRAMES_MAX || !dwfl_frame_pc(frame, &pc, &is_activation))
		return DWARF_CB_ABORT;
	answer->addresses[answer->n_frames++] = pc - !is_activation;
	return DWARF_CB_OK;
}

struct unwind_processes *unwind_processes_new(struct unwind_files *files)
{
	struct unwind_processes *processes = calloc(1, sizeof(*processes));

	if (processes)
		processes->files = files;
	return processes;
}

void unwind_processes_free(struct unwind_processes *processes)
{
	for (size_t i = 0; processes && i < PROCESSES_MAX; i++)
		dwfl_end(processes->list[i].dwfl);
	free(processes);
}

void unwind_stack(struct unwind_processes *processes, const struct queue_slot *slot,
		  struct unwind_answer *ret_answer)
{
	struct process *process = process_of(processes, slot);

	*ret_answer = (struct unwind_answer){ .number = slot->number };
	processes->answer = ret_answer;
	if (process) {
		process->slot = slot;
		process->is_cut = false;
		ret_answer->is_whole = !dwfl_getthread_frames(process->dwfl, (pid_t)slot->tgid,
							      take_frame, processes) &&
				       !process->is_cut;
	}
	if (!ret_answer->n_frames && slot->n_registers && slot->n_registers <= UNWIND_REGISTERS_MAX)
		ret_answer->addresses[ret_answer->n_frames++] =
			slot->registers[slot->n_registers - 1];
}
