// SPDX-License-Identifier: GPL-2.0-only
#include "symbol/symbolizer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/table.h"
#include "base/util.h"
#include "symbol/code_file.h"
#ifndef WITHOUT_SYMBOL
#include "symbol/elf_file.h"
#endif
#include "symbol/keeper.h"
#include "symbol/perf_map.h"

/* Of a helper: enough for the symbols of a browser, which take it two seconds. */
#define HELPER_SECONDS 20
/* If a helper crashes on a file, another one reads the files after it; at most this many, as
 * somebody waits for them. */
#define HELPERS_MAX 16
#define HELPERS_SECONDS 40
/* Names of C++ can be longer; these are cut. */
#define TEXT_MAX 1024

/* A file of processes' code. */
struct code_file {
	int fd; /* -1: not open */
	bool is_gone;
};

struct symbolizer {
	struct table files; /* by a hash of the path */
	size_t n_open;
	void (*confine)(const void *context);
	const void *context;
	bool uses_debug_files;
	struct debug_files_options debug_files;
};

/* table.h takes keys of a fixed size: a hash of the path stands for it. */
struct file_entry {
	uint64_t hash[2];
	struct code_file file;
};

static void hash_path(const char *path, uint64_t hash[2])
{
	hash[0] = 14695981039346656037ULL;
	hash[1] = 0x9e3779b97f4a7c15ULL;
	for (; *path; path++) {
		hash[0] = (hash[0] ^ (unsigned char)*path) * 1099511628211ULL;
		hash[1] = (hash[1] ^ (unsigned char)*path) * 0xff51afd7ed558ccdULL;
		hash[1] ^= hash[1] >> 32;
	}
}

struct symbolizer *symbolizer_new(void (*confine)(const void *context), const void *context)
{
	struct symbolizer *symbolizer = calloc(1, sizeof(*symbolizer));

	if (!symbolizer)
		return NULL;
	table_init(&symbolizer->files, 0, sizeof(((struct file_entry *)0)->hash));
	symbolizer->confine = confine;
	symbolizer->context = context;
	return symbolizer;
}

void symbolizer_use_debug_files(struct symbolizer *symbolizer,
				const struct debug_files_options *options)
{
	symbolizer->debug_files = *options;
	symbolizer->uses_debug_files = true;
}

static void free_entry(void *value)
{
	struct file_entry *entry = value;

	if (entry->file.fd >= 0)
		close(entry->file.fd);
	free(entry);
}

void symbolizer_free(struct symbolizer *symbolizer)
{
	if (!symbolizer)
		return;
	table_clear_values(&symbolizer->files, free_entry);
	free(symbolizer);
}

static struct code_file *file_of(struct symbolizer *symbolizer, const char *path)
{
	struct file_entry key = { .file.fd = -1 }, *entry;

	hash_path(path, key.hash);
	entry = table_get(&symbolizer->files, key.hash) ?:
			table_add_copy(&symbolizer->files, &key, sizeof(key));
	return entry ? &entry->file : NULL;
}

void symbolizer_see(struct symbolizer *symbolizer, const char *path, uint32_t tgid)
{
	size_t count = symbolizer->files.count;
	struct code_file *file = file_of(symbolizer, path);

	if (!file || symbolizer->files.count == count || symbolizer->n_open >= SYMBOL_FILES_MAX)
		return;
	file->fd = code_file_open(path, tgid);
	file->is_gone = file->fd < 0;
	symbolizer->n_open += file->fd >= 0;
}

/* Its number in its own PID namespace, which it names its files by; 0: it is gone. */
static unsigned int own_number(uint32_t tgid)
{
	char path[64], line[256];
	unsigned int number = 0;
	FILE *stream;

	snprintf(path, sizeof(path), "/proc/%u/status", tgid);
	stream = fopen(path, "re");
	if (!stream)
		return 0;
	while (fgets(line, sizeof(line), stream))
		if (!strncmp(line, "NSpid:", 6)) {
			const char *last = strrchr(line, '\t');

			number = last ? (unsigned int)strtoul(last + 1, NULL, 10) : 0;
		}
	fclose(stream);
	return number;
}

void symbolizer_see_map(struct symbolizer *symbolizer, const char *name, uint32_t tgid)
{
	struct code_file *file = file_of(symbolizer, name);
	char path[64];
	unsigned int number;

	if (!file || file->fd >= 0 || symbolizer->n_open >= SYMBOL_FILES_MAX)
		return;
	number = own_number(tgid);
	if (!number)
		return;
	snprintf(path, sizeof(path), "/tmp/perf-%u.map", number);
	file->fd = code_file_open_in_root(path, tgid);
	symbolizer->n_open += file->fd >= 0;
}

static int compare_symbols(const void *left, const void *right)
{
	const struct symbol *a = left, *b = right;
	int order = strcmp(a->file, b->file);

	return order ? order : compare_u64(a->offset, b->offset);
}

void symbols_clear(struct symbol *symbols, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(symbols[i].function);
		free(symbols[i].source);
	}
}

#ifdef WITHOUT_SYMBOL
bool symbolizer_is_built(void)
{
	return false;
}

void symbolizer_find(struct symbolizer *symbolizer, struct symbol *symbols, size_t count)
{
	(void)symbolizer;
	qsort(symbols, count, sizeof(*symbols), compare_symbols);
}
#else
bool symbolizer_is_built(void)
{
	return true;
}

/* The helper. ---------------------------------------------------------------------------------- */

/* What it says of a symbol; the texts follow. */
struct answer {
	uint32_t number;
	uint32_t line;
	uint16_t function_length;
	uint16_t source_length;
};

static void give_answer(int fd, uint32_t number, const struct elf_place *place)
{
	char buffer[sizeof(struct answer) + 2 * TEXT_MAX];
	struct answer answer = { .number = number, .line = place->line };
	size_t size = sizeof(answer);

	answer.function_length = (uint16_t)(place->function ? strnlen(place->function, TEXT_MAX) :
							      0);
	answer.source_length = (uint16_t)(place->source ? strnlen(place->source, TEXT_MAX) : 0);
	memcpy(buffer, &answer, sizeof(answer));
	if (answer.function_length)
		memcpy(buffer + size, place->function, answer.function_length);
	size += answer.function_length;
	if (answer.source_length)
		memcpy(buffer + size, place->source, answer.source_length);
	size += answer.source_length;
	/* Not more than PIPE_BUF: in one piece. */
	if (write(fd, buffer, size) != (ssize_t)size)
		_exit(1);
}

/* Where the symbols of the file that `first` is in end. */
static size_t end_of_file(const struct symbol *symbols, size_t count, size_t first)
{
	size_t end = first + 1;

	while (end < count && !strcmp(symbols[end].file, symbols[first].file))
		end++;
	return end;
}

static void name_from_map(const struct symbol *symbols, size_t first, size_t end, int own, int fd)
{
	struct perf_map *map = own >= 0 ? perf_map_read(own) : NULL;

	for (; first < end; first++) {
		struct elf_place place = {};

		if (map)
			place.function = perf_map_find(map, symbols[first].offset);
		give_answer(fd, (uint32_t)first, &place);
	}
	perf_map_free(map);
}

static void name_from_elf(const struct symbol *symbols, size_t first, size_t end, int own, int fd,
			  struct debug_files *debug)
{
	struct elf_file *elf = own >= 0 ? elf_file_open(own, debug) : NULL;

	for (; first < end; first++) {
		struct elf_place place = {};

		if (elf)
			place = elf_file_find(elf, symbols[first].offset);
		give_answer(fd, (uint32_t)first, &place);
	}
	elf_file_close(elf);
}

static bool is_map(const struct symbol *symbol)
{
	return symbol->file[0] != '/';
}

static _Noreturn void be_helper(struct symbolizer *symbolizer, const struct symbol *symbols,
				size_t first, size_t count, int fd, struct debug_files *debug)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	keeper_limit_worker(HELPER_SECONDS);
	if (symbolizer->confine)
		symbolizer->confine(symbolizer->context);
	while (first < count) {
		size_t end = end_of_file(symbols, count, first);
		struct code_file *file = file_of(symbolizer, symbols[first].file);
		int own = file ? file->fd : -1;

		if (own < 0 && !(file && file->is_gone)) /* there were too many to open before */
			own = code_file_open(symbols[first].file, 0);
		if (is_map(&symbols[first]))
			name_from_map(symbols, first, end, own, fd);
		else
			name_from_elf(symbols, first, end, own, fd, debug);
		first = end;
	}
	_exit(0);
}

/* What it says. -------------------------------------------------------------------------------- */

/* What servers may take comes on top. */
static unsigned int seconds_of_servers(const struct symbolizer *symbolizer)
{
	return symbolizer->debug_files.servers ? DEBUG_FILES_SECONDS : 0;
}

/* All bytes, before the deadline. */
static bool read_all(int fd, void *memory, size_t size, uint64_t deadline_ns)
{
	char *at = memory;

	while (size) {
		struct pollfd event = { .fd = fd, .events = POLLIN };
		uint64_t now = monotonic_ns();
		ssize_t got;

		if (now >= deadline_ns ||
		    (poll(&event, 1, (int)((deadline_ns - now) / 1000000 + 1)) < 0 &&
		     errno != EINTR))
			return false;
		if (!event.revents)
			continue;
		got = read(fd, at, size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		size -= (size_t)got;
	}
	return true;
}

static char *text_of(const char *bytes, size_t length)
{
	return length ? strndup(bytes, length) : NULL;
}

/* Reads answers until there is none. Returns the number of the first that was not given. */
static size_t take_answers(int fd, struct symbol *symbols, size_t first, size_t count,
			   uint64_t deadline_ns)
{
	char texts[2 * TEXT_MAX];
	struct answer answer;

	while (first < count && read_all(fd, &answer, sizeof(answer), deadline_ns)) {
		struct symbol *symbol = &symbols[first];

		if (answer.number != first || answer.function_length > TEXT_MAX ||
		    answer.source_length > TEXT_MAX ||
		    !read_all(fd, texts, answer.function_length + answer.source_length,
			      deadline_ns))
			break;
		symbol->function = text_of(texts, answer.function_length);
		symbol->source = text_of(texts + answer.function_length, answer.source_length);
		symbol->line = answer.line;
		first++;
	}
	return first;
}

static size_t run_helper(struct symbolizer *symbolizer, struct symbol *symbols, size_t first,
			 size_t count, uint64_t end_ns)
{
	uint64_t seconds = HELPER_SECONDS + seconds_of_servers(symbolizer);
	uint64_t deadline_ns = min_of(monotonic_ns() + seconds * 1000000000ULL, end_ns);
	struct debug_files *debug = NULL;
	int pipe_fds[2];
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return count;
	if (symbolizer->uses_debug_files)
		debug = debug_files_start(&symbolizer->debug_files);
	pid = fork();
	if (!pid) {
		close(pipe_fds[0]);
		be_helper(symbolizer, symbols, first, count, pipe_fds[1], debug);
	}
	close(pipe_fds[1]);
	first = pid < 0 ? count : take_answers(pipe_fds[0], symbols, first, count, deadline_ns);
	close(pipe_fds[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	debug_files_end(debug);
	return first;
}

void symbolizer_find(struct symbolizer *symbolizer, struct symbol *symbols, size_t count)
{
	uint64_t seconds = HELPERS_SECONDS + seconds_of_servers(symbolizer);
	uint64_t end_ns = monotonic_ns() + seconds * 1000000000ULL;
	size_t first = 0;

	qsort(symbols, count, sizeof(*symbols), compare_symbols);
	for (size_t i = 0; i < count; i++) {
		if (!is_map(&symbols[i]))
			symbolizer_see(symbolizer, symbols[i].file, 0);
		symbols[i].is_gone = symbols[i].file[0] == '/' &&
				     file_of(symbolizer, symbols[i].file) &&
				     file_of(symbolizer, symbols[i].file)->is_gone;
	}
	for (unsigned int helpers = 0;
	     first < count && helpers < HELPERS_MAX && monotonic_ns() < end_ns; helpers++) {
		size_t reached = run_helper(symbolizer, symbols, first, count, end_ns);

		first = reached < count ? end_of_file(symbols, count, reached) : count;
	}
}
#endif
