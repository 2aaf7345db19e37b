// SPDX-License-Identifier: GPL-2.0-only
#include "symbol/namer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/interned.h"
#include "base/table.h"
#include "base/util.h"
#include "symbol/code_file.h"
#ifndef WITHOUT_SYMBOL
#include "symbol/elf_file.h"
#endif
#include "symbol/keeper.h"
#include "symbol/symbolizer.h"

/* Names that are kept, some 100 bytes each; beyond, all are asked for again. */
#define NAMES_MAX 65536
#define FILES_MAX 1024
#define TEXT_MAX 512
#define NO_FILE UINT32_MAX
/* A worker that has used this much CPU time is replaced, between two names. */
#define SECONDS_WANTED 10
#define SECONDS_MAX 20

/* A question; a file's first one brings its descriptor. */
struct question {
	uint32_t file;
	uint32_t number; /* of the name */
	uint64_t offset;
};

struct reply {
	uint32_t number; /* UINT32_MAX: the worker has begun, and knows no file */
	uint32_t line;
	char function[TEXT_MAX]; /* empty: none */
	char source[TEXT_MAX];
};
#define NUMBER_OF_START UINT32_MAX

struct name {
	const char *file; /* first, with the offset: the key */
	uint64_t offset;
	uint32_t line;
	uint32_t number; /* of the question */
	uint32_t tgid;   /* that has the file */
	char *function;
	char *source;
};

struct told_file {
	const char *path; /* first: the key */
	uint32_t number;
};

/* What a worker begins with. */
struct beginning {
	const struct keeper_rights *rights;
	const struct debug_files_options *debug_files; /* NULL: none are used */
};

struct namer {
	struct keeper keeper;
	struct interned paths;
	size_t n_paths;
	struct table names, files;
	struct name **by_number; /* of NAMES_MAX numbers, in the order in which they are asked */
	bool has_begun;          /* the first worker has */
	struct code_file_budget budget;
	uint32_t n_told;
	uint32_t n_wanted, n_asked; /* those between are to be asked yet */
};

#ifdef WITHOUT_SYMBOL
static void work(void *context, int socket)
{
	(void)context;
	(void)socket;
}
#else
/* The worker. ---------------------------------------------------------------------------------- */

/* Files that a worker has open at once: their symbols take memory. */
#define OPEN_MAX_FILES 64

struct open_file {
	uint32_t number;
	int fd;
	struct elf_file *elf; /* NULL: not read, or none */
	uint64_t used;
};

struct worker {
	int socket;
	struct debug_files *debug; /* NULL: nobody is asked */
	struct open_file files[FILES_MAX];
	size_t n_files, n_read;
	uint64_t clock;
};

static void close_oldest(struct worker *worker)
{
	struct open_file *oldest = NULL;

	for (size_t i = 0; i < worker->n_files; i++)
		if (worker->files[i].elf && (!oldest || worker->files[i].used < oldest->used))
			oldest = &worker->files[i];
	if (!oldest)
		return;
	elf_file_close(oldest->elf);
	oldest->elf = NULL;
	worker->n_read--;
}

static struct elf_file *file_of(struct worker *worker, uint32_t number)
{
	for (size_t i = worker->n_files; i-- > 0;) {
		struct open_file *file = &worker->files[i];

		if (file->number != number)
			continue;
		file->used = ++worker->clock;
		if (file->elf)
			return file->elf;
		if (worker->n_read >= OPEN_MAX_FILES)
			close_oldest(worker);
		file->elf = elf_file_open(file->fd, worker->debug);
		worker->n_read += file->elf != NULL;
		return file->elf;
	}
	return NULL;
}

static void reply_to(struct worker *worker, const struct question *question)
{
	struct elf_file *elf = file_of(worker, question->file);
	struct elf_place place = {};
	struct reply reply = { .number = question->number };

	if (elf)
		place = elf_file_find(elf, question->offset);
	if (place.function)
		strncpy(reply.function, place.function, TEXT_MAX - 1);
	if (place.source)
		strncpy(reply.source, place.source, TEXT_MAX - 1);
	reply.line = place.line;
	if (write(worker->socket, &reply, sizeof(reply)) != sizeof(reply))
		_exit(0);
}

static bool has_worked_enough(void)
{
	struct rusage usage;

	return !getrusage(RUSAGE_SELF, &usage) &&
	       usage.ru_utime.tv_sec + usage.ru_stime.tv_sec >= SECONDS_WANTED;
}

/* Who finds files has another filter than who reads them. */
static struct debug_files *begin(const struct beginning *beginning)
{
	struct debug_files *files = NULL;

	if (beginning->debug_files)
		files = debug_files_start(beginning->debug_files);
	if (beginning->rights->filter)
		beginning->rights->filter(beginning->rights->context);
	return files;
}

static void work(void *context, int socket)
{
	struct debug_files *debug = begin(context);
	struct worker *worker = calloc(1, sizeof(*worker));
	struct reply reply = { .number = NUMBER_OF_START };
	struct question question;
	int fd, result;

	keeper_limit_worker(SECONDS_MAX);
	if (!worker || write(socket, &reply, sizeof(reply)) != sizeof(reply))
		_exit(1);
	worker->socket = socket;
	worker->debug = debug;
	for (;;) {
		struct pollfd event = { .fd = socket, .events = POLLIN };

		poll(&event, 1, -1);
		result = keeper_receive(socket, &question, sizeof(question), &fd);
		if (result < 0)
			_exit(0);
		if (fd >= 0 && worker->n_files < FILES_MAX)
			worker->files[worker->n_files++] =
				(struct open_file){ .number = question.file, .fd = fd };
		if (result > 0)
			reply_to(worker, &question);
		if (has_worked_enough())
			_exit(1);
	}
}
#endif

/* Who asks. ------------------------------------------------------------------------------------ */

int namer_new(struct namer **ret_namer, const struct keeper_rights *rights,
	      const struct debug_files_options *debug_files)
{
	static const struct keeper_rights all = {};
	struct beginning beginning = { rights ?: &all, debug_files };
	struct keeper_rights kept = { beginning.rights->drop, NULL, beginning.rights->context };
	struct namer *namer;
	int result;

	if (!symbolizer_is_built())
		return -ENOTSUP;
	namer = calloc(1, sizeof(*namer));
	if (!namer)
		return -ENOMEM;
	table_init(&namer->names, 0, offsetof(struct name, line));
	table_init(&namer->files, 0, sizeof(const char *));
	namer->by_number = calloc(NAMES_MAX, sizeof(*namer->by_number));
	result = namer->by_number ? keeper_start(&namer->keeper, work, &beginning, &kept) : -ENOMEM;
	if (!result)
		*ret_namer = namer;
	else
		namer_free(namer);
	return result;
}

static void free_name(void *value)
{
	struct name *name = value;

	free(name->function);
	free(name->source);
	free(name);
}

static void forget_names(struct namer *namer)
{
	table_clear_values(&namer->names, free_name);
	table_init(&namer->names, 0, offsetof(struct name, line));
	if (namer->by_number)
		memset(namer->by_number, 0, NAMES_MAX * sizeof(*namer->by_number));
	namer->n_asked = namer->n_wanted = (namer->n_wanted / NAMES_MAX + 1) * NAMES_MAX;
}

static void forget_files(struct namer *namer)
{
	table_clear_values(&namer->files, free);
	table_init(&namer->files, 0, sizeof(const char *));
}

void namer_free(struct namer *namer)
{
	if (!namer)
		return;
	keeper_end(&namer->keeper);
	forget_names(namer);
	forget_files(namer);
	interned_clear(&namer->paths);
	free(namer->by_number);
	free(namer);
}

/* -EAGAIN: there is no room for the question. */
static int ask(struct namer *namer, const struct name *name)
{
	struct told_file *told = table_get(&namer->files, &name->file);
	struct question question = { .number = name->number, .offset = name->offset };
	struct told_file new_file = { .path = name->file };
	autoclose int fd = -1;
	int result;

	question.file = told ? told->number : namer->n_told;
	if (!told && namer->files.count < FILES_MAX)
		fd = code_file_open_in_time(&namer->budget, name->file, name->tgid);
	if (fd == -EAGAIN)
		return fd;
	result = keeper_send(namer->keeper.socket, &question, sizeof(question), fd);
	if (result || told || namer->files.count >= FILES_MAX)
		return result;
	new_file.number = namer->n_told++;
	table_add_copy(&namer->files, &new_file, sizeof(new_file)); /* else it is told again */
	return 0;
}

/* As many as there is room for. */
static void ask_all(struct namer *namer)
{
	while (namer->n_asked != namer->n_wanted) {
		const struct name *name = namer->by_number[namer->n_asked % NAMES_MAX];

		if (ask(namer, name) < 0)
			return;
		namer->n_asked++;
	}
}

/* NULL: no memory, or there are as many as a worker takes. */
static const char *keep_path(struct namer *namer, const char *path)
{
	const char *kept = interned_find(&namer->paths, path);

	if (kept || namer->n_paths >= FILES_MAX)
		return kept;
	kept = interned_add(&namer->paths, path);
	namer->n_paths += kept != NULL;
	return kept;
}

void namer_want(struct namer *namer, const char *file, uint32_t tgid, uint64_t offset)
{
	struct name key = { .file = keep_path(namer, file), .offset = offset }, *name;

	if (!key.file || table_get(&namer->names, &key)) {
		ask_all(namer); /* what there was no time for before */
		return;
	}
	if (namer->names.count >= NAMES_MAX)
		forget_names(namer);
	key.number = namer->n_wanted;
	key.tgid = tgid;
	name = table_add_copy(&namer->names, &key, sizeof(key));
	if (!name)
		return;
	namer->by_number[namer->n_wanted++ % NAMES_MAX] = name;
	ask_all(namer);
}

/* Nothing, if it is to a question that was forgotten since. */
static void take_reply(struct namer *namer, struct reply *reply)
{
	struct name *name = namer->by_number[reply->number % NAMES_MAX];

	if (!name || name->number != reply->number || name->function || name->source)
		return;
	reply->function[TEXT_MAX - 1] = reply->source[TEXT_MAX - 1] = '\0';
	name->function = reply->function[0] ? strdup(reply->function) : NULL;
	name->source = reply->source[0] ? strdup(reply->source) : NULL;
	name->line = reply->line;
}

void namer_take(struct namer *namer)
{
	struct reply reply;

	while (recv(namer->keeper.socket, &reply, sizeof(reply), MSG_DONTWAIT) == sizeof(reply))
		if (reply.number != NUMBER_OF_START) {
			take_reply(namer, &reply);
		} else if (namer->has_begun) {
			/* A new worker: forgets all, so that everything is asked for again. */
			forget_files(namer);
			forget_names(namer);
			interned_clear(&namer->paths);
			namer->n_paths = 0;
		} else {
			namer->has_begun = true;
		}
	ask_all(namer);
}

int namer_fd(const struct namer *namer)
{
	return namer->keeper.socket;
}

struct code_name namer_find(const struct namer *namer, const char *file, uint64_t offset)
{
	struct name key = { .file = interned_find(&namer->paths, file), .offset = offset };
	const struct name *name = key.file ? table_get(&namer->names, &key) : NULL;

	return name ? (struct code_name){ name->function, name->source, name->line } :
		      (struct code_name){};
}
