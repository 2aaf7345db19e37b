// SPDX-License-Identifier: GPL-2.0-only
/* Build ids as binutils read them; what has none; a file that is replaced. */
#include <elf.h>
#include <fcntl.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "symbol/build_ids.h"

static char own_path[4096];
static time_t ahead_s;

/* The C library's, so much later. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = (int)syscall(SYS_clock_gettime, clock, now);

	now->tv_sec += ahead_s;
	return result;
}

/* "" where it says none. */
static void ask_readelf(char text[BUILD_ID_LEN])
{
	char command[4300];
	FILE *said;

	text[0] = '\0';
	snprintf(command, sizeof(command), "readelf -n '%s' | sed -n 's/.*Build ID: //p'",
		 own_path);
	said = popen(command, "re");
	assert_non_null(said);
	if (fgets(text, BUILD_ID_LEN, said))
		text[strcspn(text, "\n")] = '\0';
	assert_int_equal(pclose(said), 0);
}

static const char *find(const struct build_ids *ids, const char *path)
{
	const struct build_id_source *source = build_ids_interface(ids);

	return source->find(source->context, path, (uint32_t)getpid());
}

static void it_is_what_binutils_read(void **state)
{
	struct build_ids *ids = build_ids_new();
	char want[BUILD_ID_LEN];

	(void)state;
	ask_readelf(want);
	assert_int_equal(strlen(want), 40);
	for (int i = 0; i < 2; i++) /* once more, from what is remembered */
		assert_string_equal(find(ids, own_path), want);
	build_ids_free(ids);
}

static void what_is_no_program_has_none(void **state)
{
	static const char *const paths[] = { "/nonexistent", "/dev/zero", "/proc",      "relative",
					     "[vdso]",       "",          "/etc/passwd" };
	struct build_ids *ids = build_ids_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		assert_null(find(ids, paths[i]));
	build_ids_free(ids);
}

static char *put_note(char *to, uint32_t type, size_t size)
{
	const Elf64_Nhdr header = { .n_namesz = 4, .n_descsz = (Elf64_Word)size, .n_type = type };

	memcpy(to, &header, sizeof(header));
	memcpy(to + sizeof(header), "GNU", 4);
	memset(to + sizeof(header) + 4, 0xab, size);
	return to + sizeof(header) + 4 + (size + 3) / 4 * 4;
}

/* Of a file with a note of another type, and then the build id, of so many bytes. */
static bool has_build_id(size_t other_size, size_t size, char text[BUILD_ID_LEN])
{
	struct {
		Elf64_Ehdr file;
		Elf64_Phdr header;
		char notes[1024];
	} image = { .file = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
					   ELFDATA2LSB },
			      .e_phoff = sizeof(Elf64_Ehdr),
			      .e_phentsize = sizeof(Elf64_Phdr),
			      .e_phnum = 1 },
		    .header = { .p_type = PT_NOTE,
				.p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) } };
	char path[] = "/tmp/faultmap-build-id.XXXXXX";
	char *end = put_note(image.notes, NT_GNU_PROPERTY_TYPE_0, other_size);
	autoclose int fd = mkstemp(path);

	unlink(path);
	end = put_note(end, NT_GNU_BUILD_ID, size);
	image.header.p_filesz = (Elf64_Xword)(end - image.notes);
	assert_int_equal(write(fd, &image, sizeof(image)), sizeof(image));
	return build_id_read(fd, text);
}

static void notes_are_padded_and_bounded(void **state)
{
	char text[BUILD_ID_LEN];

	(void)state;
	for (size_t other = 0; other < 9; other++) {
		assert_true(has_build_id(other, 3, text));
		assert_string_equal(text, "ababab");
	}
	assert_true(has_build_id(8, 32, text));
	assert_int_equal(strlen(text), 64);
	assert_false(has_build_id(8, 33, text));
	assert_false(has_build_id(8, 0, text));
}

/* For a minute it is what was there, and then what is there. */
static void a_file_that_is_replaced_is_read_again(void **state)
{
	char path[] = "/tmp/faultmap-build-id.XXXXXX", want[BUILD_ID_LEN], command[8300];
	struct build_ids *ids = build_ids_new();

	(void)state;
	ask_readelf(want);
	close(mkstemp(path));
	assert_null(find(ids, path));
	snprintf(command, sizeof(command), "cp '%s' '%s'", own_path, path);
	assert_int_equal(system(command), 0);
	ahead_s = 50;
	assert_null(find(ids, path));
	ahead_s = 61;
	assert_string_equal(find(ids, path), want);
	assert_int_equal(truncate(path, 0), 0);
	assert_string_equal(find(ids, path), want);
	ahead_s = 130;
	assert_null(find(ids, path));
	ahead_s = 0;
	unlink(path);
	build_ids_free(ids);
}

/* Wherever its first 8 KiB are cut or spoilt, it has that build id, another or none. */
static void broken_files_cost_theirs(void **state)
{
	char path[] = "/tmp/faultmap-build-id.XXXXXX", text[BUILD_ID_LEN];
	int own = open(own_path, O_RDONLY | O_CLOEXEC), fd = mkstemp(path);
	uint8_t bytes[8192];

	(void)state;
	unlink(path);
	assert_int_equal(read(own, bytes, sizeof(bytes)), sizeof(bytes));
	close(own);
	srandom(1);
	for (size_t size = 0; size < sizeof(bytes); size += 7) {
		uint8_t spoilt[sizeof(bytes)];
		bool is_there;

		memcpy(spoilt, bytes, sizeof(bytes));
		for (int i = 0; i < 8; i++)
			spoilt[random() % 1024] = (uint8_t)random();
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, spoilt, size, 0), (ssize_t)size);
		is_there = build_id_read(fd, text);
		if (is_there)
			assert_int_equal(strspn(text, "0123456789abcdef"), strlen(text));
	}
	close(fd);
}

/* 40 MB of paths, as anybody can make them, cost 4 MiB at most; what was known stays known. */
static void long_paths_cost_a_bounded_memory(void **state)
{
	struct build_ids *ids = build_ids_new();
	size_t before = mallinfo2().uordblks;
	char path[4000];

	(void)state;
	assert_non_null(find(ids, own_path));
	memset(path, '/', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	for (int i = 0; i < 10000; i++) {
		snprintf(path + sizeof(path) - 16, 16, "/%d", i);
		assert_null(find(ids, path));
	}
	assert_non_null(find(ids, own_path));
	assert_true(mallinfo2().uordblks - before < 4 << 20);
	build_ids_free(ids);
}

/* More files than are remembered: those that are stay known. */
static void files_are_bounded(void **state)
{
	struct build_ids *ids = build_ids_new();
	char path[32];

	(void)state;
	assert_non_null(find(ids, own_path));
	for (int i = 0; i < 5000; i++) {
		snprintf(path, sizeof(path), "/nonexistent/%d", i);
		assert_null(find(ids, path));
	}
	assert_non_null(find(ids, own_path));
	build_ids_free(ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_what_binutils_read),
		cmocka_unit_test(what_is_no_program_has_none),
		cmocka_unit_test(notes_are_padded_and_bounded),
		cmocka_unit_test(a_file_that_is_replaced_is_read_again),
		cmocka_unit_test(files_are_bounded),
		cmocka_unit_test(broken_files_cost_theirs),
		cmocka_unit_test(long_paths_cost_a_bounded_memory),
	};
	ssize_t length = readlink("/proc/self/exe", own_path, sizeof(own_path) - 1);

	assert_true(length > 0);
	return cmocka_run_group_tests_name("build_ids", tests, NULL, NULL);
}
