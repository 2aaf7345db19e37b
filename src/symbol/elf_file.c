// SPDX-License-Identifier: GPL-2.0-only
#include "symbol/elf_file.h"

#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "symbol/debug_files.h"
#include "symbol/demangle.h"

/* Of one file: more than a browser has. */
#define SYMBOLS_MAX (4u << 20)

struct function {
	uint64_t start;
	uint64_t end;
	uint64_t reach; /* the highest end of this one and those before */
	const char *name;
};

struct elf_file {
	Elf *elf;
	Dwarf *dwarf; /* NULL: no debug information */
	/* Of the file that has it, where it is not in the same one; -1 and NULL: there is none. */
	int debug_fd;
	Elf *debug_elf;
	struct function *functions;
	size_t n_functions;
	size_t capacity;
	char *demangled;
};

static int add_function(struct elf_file *file, const GElf_Sym *symbol, const char *name)
{
	if (file->n_functions == file->capacity) {
		size_t capacity = file->capacity ? file->capacity * 2 : 1024;
		struct function *grown = capacity > SYMBOLS_MAX ?
						 NULL :
						 realloc(file->functions,
							 capacity * sizeof(*grown));

		if (!grown)
			return -1;
		file->functions = grown;
		file->capacity = capacity;
	}
	file->functions[file->n_functions++] = (struct function){
		.start = symbol->st_value,
		.end = symbol->st_value + symbol->st_size,
		.name = name,
	};
	return 0;
}

/* Functions whose size is known: a name counts only within it. Debian's libc has few symbols, and
 * the one before an address is often another function's. */
static void read_section(struct elf_file *file, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;

	for (size_t i = 0; data && i < count; i++) {
		GElf_Sym symbol;
		const char *name;
		unsigned int type;

		if (!gelf_getsym(data, (int)i, &symbol))
			return;
		type = GELF_ST_TYPE(symbol.st_info);
		if ((type != STT_FUNC && type != STT_GNU_IFUNC) || !symbol.st_size ||
		    symbol.st_shndx == SHN_UNDEF ||
		    symbol.st_value + symbol.st_size < symbol.st_value)
			continue;
		name = elf_strptr(elf, header->sh_link, symbol.st_name);
		if (name && *name && add_function(file, &symbol, name) < 0)
			return;
	}
}

/* Of two names for the same code the plainer one is shown: clone3, not __clone3 or, of glibc's own
 * references to it, __GI___clone3. */
static size_t plainness(const char *name)
{
	return strncmp(name, "__GI_", 5) != 0 ? strspn(name, "_") : 16 + strspn(name + 5, "_");
}

static int compare_functions(const void *left, const void *right)
{
	const struct function *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->end != b->end)
		return a->end > b->end ? -1 : 1;
	if (plainness(a->name) != plainness(b->name))
		return plainness(a->name) < plainness(b->name) ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void sort_functions(struct elf_file *file)
{
	uint64_t reach = 0;

	if (file->n_functions)
		qsort(file->functions, file->n_functions, sizeof(*file->functions),
		      compare_functions);
	for (size_t i = 0; i < file->n_functions; i++) {
		reach = max_of(reach, file->functions[i].end);
		file->functions[i].reach = reach;
	}
}

static void read_symbols(struct elf_file *file, Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) &&
		    (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM))
			read_section(file, elf, section, &header);
}

/* What was stripped has its symbols and lines in a file of their own. */
static void read_debug_file(struct elf_file *file, struct debug_files *debug)
{
	const void *build_id;
	ssize_t size = dwelf_elf_gnu_build_id(file->elf, &build_id);

	if (size > 0)
		file->debug_fd = debug_files_find(debug, build_id, (size_t)size);
	if (file->debug_fd < 0)
		return;
	file->debug_elf = elf_begin(file->debug_fd, ELF_C_READ_MMAP, NULL);
	if (!file->debug_elf || elf_kind(file->debug_elf) != ELF_K_ELF)
		return;
	read_symbols(file, file->debug_elf);
	file->dwarf = dwarf_begin_elf(file->debug_elf, DWARF_C_READ, NULL);
}

struct elf_file *elf_file_open(int fd, struct debug_files *debug)
{
	struct elf_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->debug_fd = -1;
	elf_version(EV_CURRENT);
	file->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!file->elf || elf_kind(file->elf) != ELF_K_ELF) {
		elf_file_close(file);
		return NULL;
	}
	read_symbols(file, file->elf);
	file->dwarf = dwarf_begin_elf(file->elf, DWARF_C_READ, NULL);
	if (!file->dwarf)
		read_debug_file(file, debug);
	sort_functions(file);
	return file;
}

void elf_file_close(struct elf_file *file)
{
	if (!file)
		return;
	dwarf_end(file->dwarf);
	elf_end(file->debug_elf);
	elf_end(file->elf);
	if (file->debug_fd >= 0)
		close(file->debug_fd);
	free(file->functions);
	free(file->demangled);
	free(file);
}

/* The address that the byte at this offset has, as the file's symbols have it. */
static bool address_of(Elf *elf, uint64_t offset, uint64_t *ret_address)
{
	size_t count;

	if (elf_getphdrnum(elf, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;

		if (!gelf_getphdr(elf, (int)i, &header))
			return false;
		if (header.p_type == PT_LOAD && offset >= header.p_offset &&
		    offset - header.p_offset < header.p_filesz) {
			*ret_address = offset - header.p_offset + header.p_vaddr;
			return true;
		}
	}
	return false;
}

/* The innermost one that has the address. */
static const struct function *function_at(const struct elf_file *file, uint64_t address)
{
	size_t low = 0, high = file->n_functions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (file->functions[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	while (low-- > 0 && file->functions[low].reach > address)
		if (file->functions[low].end > address) {
			/* Of aliases the first. */
			while (low &&
			       file->functions[low - 1].start == file->functions[low].start &&
			       file->functions[low - 1].end == file->functions[low].end)
				low--;
			return &file->functions[low];
		}
	return NULL;
}

static const char *demangle(struct elf_file *file, const char *name)
{
	free(file->demangled);
	file->demangled = cplus_demangle(name, DMGL_AUTO | DMGL_PARAMS | DMGL_ANSI);
	return file->demangled ?: name;
}

static void find_line(struct elf_file *file, uint64_t address, struct elf_place *place)
{
	Dwarf_Die unit;
	Dwarf_Line *line;
	const char *source, *slash;
	int number;

	if (!file->dwarf || !dwarf_addrdie(file->dwarf, address, &unit))
		return;
	line = dwarf_getsrc_die(&unit, address);
	source = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
	if (!source || dwarf_lineno(line, &number) || number <= 0)
		return;
	slash = strrchr(source, '/');
	place->source = slash ? slash + 1 : source;
	place->line = (unsigned int)number;
}

struct elf_place elf_file_find(struct elf_file *file, uint64_t offset)
{
	const struct function *function;
	struct elf_place place = {};
	uint64_t address;

	if (!address_of(file->elf, offset, &address))
		return place;
	function = function_at(file, address);
	if (function)
		place.function = demangle(file, function->name);
	find_line(file, address, &place);
	return place;
}
