// SPDX-License-Identifier: GPL-2.0-only
#include "symbol/build_ids.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/interned.h"
#include "base/table.h"
#include "base/util.h"
#include "symbol/code_file.h"

/* More program headers and bytes of notes than any linker writes. */
#define HEADERS_MAX 64
#define NOTES_MAX 4096
/* Files that are remembered, and bytes of all texts, with the overhead of each: other users choose
 * the paths, which may have 4 KiB. */
#define FILES_MAX 4096
#define TEXTS_BYTES_MAX (2u << 20)
#define TEXT_OVERHEAD 80
/* A file may be replaced by an upgrade: after that it is read again. */
#define REMEMBERED_NS (60 * 1000000000ULL)

struct known_file {
	const char *path;     /* first: the key; one of the texts */
	const char *build_id; /* one of the texts; NULL: none */
	uint64_t read_ns;
};

struct build_ids {
	struct build_id_source interface;
	struct interned texts;
	size_t texts_bytes;
	struct table files;
	struct code_file_budget budget;
};

/* Reading. ------------------------------------------------------------------------------------- */

static size_t padded(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

/* Finds the build id among the notes; returns its size, 0: it is not there. */
static size_t find_note(const uint8_t *notes, size_t size, const uint8_t **ret_bytes)
{
	Elf64_Nhdr header;

	while (size >= sizeof(header)) {
		size_t name, contents;

		memcpy(&header, notes, sizeof(header));
		notes += sizeof(header);
		size -= sizeof(header);
		name = padded(header.n_namesz);
		contents = padded(header.n_descsz);
		if (name > size || contents > size - name)
			return 0;
		if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == sizeof("GNU") &&
		    !memcmp(notes, "GNU", sizeof("GNU"))) {
			*ret_bytes = notes + name;
			return header.n_descsz;
		}
		notes += name + contents;
		size -= name + contents;
	}
	return 0;
}

static bool read_notes(int fd, const Elf64_Phdr *header, char text[BUILD_ID_LEN])
{
	uint8_t notes[NOTES_MAX];
	size_t size = header->p_filesz < sizeof(notes) ? header->p_filesz : sizeof(notes);
	ssize_t got = pread(fd, notes, size, (off_t)header->p_offset);
	const uint8_t *bytes;

	size = got > 0 ? find_note(notes, (size_t)got, &bytes) : 0;
	if (!size || size > (BUILD_ID_LEN - 1) / 2)
		return false;
	for (size_t i = 0; i < size; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	return true;
}

bool build_id_read(int fd, char text[BUILD_ID_LEN])
{
	static const unsigned char magic[] = { ELFMAG0, ELFMAG1,    ELFMAG2,
					       ELFMAG3, ELFCLASS64, ELFDATA2LSB };
	Elf64_Phdr headers[HEADERS_MAX];
	Elf64_Ehdr file;
	size_t size;

	if (pread(fd, &file, sizeof(file), 0) != sizeof(file) ||
	    memcmp(file.e_ident, magic, sizeof(magic)) != 0 ||
	    file.e_phentsize != sizeof(headers[0]) || file.e_phnum > HEADERS_MAX)
		return false;
	size = file.e_phnum * sizeof(headers[0]);
	if (pread(fd, headers, size, (off_t)file.e_phoff) != (ssize_t)size)
		return false;
	for (size_t i = 0; i < file.e_phnum; i++)
		if (headers[i].p_type == PT_NOTE && read_notes(fd, &headers[i], text))
			return true;
	return false;
}

/* Remembering. --------------------------------------------------------------------------------- */

/* NULL: there are too many, or no memory. */
static const char *keep_text(struct build_ids *ids, const char *text)
{
	const char *kept = interned_find(&ids->texts, text);
	size_t bytes = strlen(text) + TEXT_OVERHEAD;

	if (kept || ids->texts_bytes + bytes > TEXTS_BYTES_MAX)
		return kept;
	kept = interned_add(&ids->texts, text);
	ids->texts_bytes += kept ? bytes : 0;
	return kept;
}

static struct known_file *file_of(struct build_ids *ids, const char *path)
{
	bool is_full = ids->files.count >= FILES_MAX;
	const char *own = is_full ? interned_find(&ids->texts, path) : keep_text(ids, path);
	const struct known_file new_file = { .path = own };
	struct known_file *file = own ? table_get(&ids->files, &own) : NULL;

	if (file || !own || is_full)
		return file;
	return table_add_copy(&ids->files, &new_file, sizeof(new_file));
}

static const char *find(void *context, const char *path, uint32_t tgid)
{
	struct build_ids *ids = context;
	struct known_file *file = path[0] == '/' ? file_of(ids, path) : NULL;
	uint64_t now = monotonic_ns();
	char text[BUILD_ID_LEN];
	autoclose int fd = -1;

	if (!file || (file->read_ns && now - file->read_ns < REMEMBERED_NS))
		return file ? file->build_id : NULL;
	fd = code_file_open_in_time(&ids->budget, path, tgid);
	if (fd == -EAGAIN)
		return file->build_id;
	file->build_id = fd >= 0 && build_id_read(fd, text) ? keep_text(ids, text) : NULL;
	file->read_ns = now;
	return file->build_id;
}

struct build_ids *build_ids_new(void)
{
	struct build_ids *ids = calloc(1, sizeof(*ids));

	if (!ids)
		return NULL;
	ids->interface = (struct build_id_source){ find, ids };
	table_init(&ids->files, 0, sizeof(const char *));
	return ids;
}

void build_ids_free(struct build_ids *ids)
{
	if (!ids)
		return;
	table_clear_values(&ids->files, free);
	interned_clear(&ids->texts);
	free(ids);
}

const struct build_id_source *build_ids_interface(const struct build_ids *ids)
{
	return &ids->interface;
}
