// SPDX-License-Identifier: GPL-2.0-only
#include "base/log_frame.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

#define VERSION 1
#define TIMELESS 1 /* the only flag */

/* RFC 1952: deflate, and an extra field; its subfield is ours. */
static const uint8_t gzip_magic[] = { 0x1f, 0x8b, 8 };
#define GZIP_HAS_EXTRA 4
#define GZIP_FLAGS_AT 3
#define GZIP_EXTRA_AT 12
static const uint8_t subfield[] = { 'F', 'M', 32, 0 };
/* RFC 8878: 0xFD2FB528, and of skippable frames the first. */
static const uint8_t zstd_magic[] = { 0x28, 0xb5, 0x2f, 0xfd };
static const uint8_t skippable[] = { 0x50, 0x2a, 0x4d, 0x18, 36, 0, 0, 0, 'F', 'M', 'L', 'G' };

/* All numbers little-endian, as in both formats. */
struct packed_frame {
	uint8_t version, flags;
	uint16_t zero;
	uint32_t size, plain, lines;
	uint64_t first_ms, last_ms;
} __attribute__((packed));

enum packing packing_of_name(const char *path)
{
	size_t length = strlen(path);

	if (length > 3 && !strcmp(path + length - 3, ".gz"))
		return PACKING_GZIP;
	return length > 4 && !strcmp(path + length - 4, ".zst") ? PACKING_ZSTD : PACKING_NONE;
}

const char *packing_suffix(enum packing packing)
{
	switch (packing) {
	case PACKING_GZIP:
		return ".gz";
	case PACKING_ZSTD:
		return ".zst";
	default:
		return "";
	}
}

enum packing packing_of_bytes(const uint8_t *bytes, size_t size)
{
	if (size >= 2 && !memcmp(bytes, gzip_magic, 2))
		return PACKING_GZIP;
	if (size < sizeof(zstd_magic))
		return PACKING_NONE;
	/* Of any skippable frame, too: there are 16 numbers of them. */
	return !memcmp(bytes, zstd_magic, sizeof(zstd_magic)) ||
			       ((bytes[0] & 0xf0) == skippable[0] &&
				!memcmp(bytes + 1, skippable + 1, 3)) ?
		       PACKING_ZSTD :
		       PACKING_NONE;
}

void log_frame_put(uint8_t *head, enum packing packing, const struct log_frame *frame)
{
	bool is_gzip = packing == PACKING_GZIP;
	size_t before = is_gzip ? sizeof(subfield) : sizeof(skippable);
	const struct packed_frame packed = {
		.version = VERSION,
		.flags = frame->is_timeless ? TIMELESS : 0,
		.size = htole32(frame->size),
		.plain = htole32(frame->plain),
		.lines = htole32(frame->lines),
		.first_ms = htole64((uint64_t)frame->first_ms),
		.last_ms = htole64((uint64_t)frame->last_ms),
	};

	memcpy(head, is_gzip ? subfield : skippable, before);
	memcpy(head + before, &packed, sizeof(packed));
}

/* Where the figures are; 0: it is no head of ours. */
static size_t figures_at(const uint8_t *bytes, size_t size)
{
	size_t at = GZIP_EXTRA_AT + sizeof(subfield);

	if (size >= LOG_FRAME_SKIPPABLE_SIZE && !memcmp(bytes, skippable, sizeof(skippable)))
		return sizeof(skippable);
	if (size >= at + sizeof(struct packed_frame) &&
	    !memcmp(bytes, gzip_magic, sizeof(gzip_magic)) &&
	    bytes[GZIP_FLAGS_AT] == GZIP_HAS_EXTRA &&
	    !memcmp(bytes + GZIP_EXTRA_AT, subfield, sizeof(subfield)))
		return at;
	return 0;
}

bool log_frame_get(const uint8_t *bytes, size_t size, struct log_frame *ret_frame)
{
	size_t at = figures_at(bytes, size);
	struct packed_frame packed;

	if (!at)
		return false;
	memcpy(&packed, bytes + at, sizeof(packed));
	*ret_frame = (struct log_frame){
		.size = le32toh(packed.size),
		.plain = le32toh(packed.plain),
		.lines = le32toh(packed.lines),
		.is_timeless = packed.flags & TIMELESS,
		.first_ms = (int64_t)le64toh(packed.first_ms),
		.last_ms = (int64_t)le64toh(packed.last_ms),
	};
	return packed.version == VERSION && ret_frame->size > LOG_FRAME_SKIPPABLE_SIZE;
}

/* The file ends within a head of ours. */
static bool is_head_cut_off(const uint8_t *bytes, size_t size)
{
	size_t extra = size > GZIP_EXTRA_AT ? size - GZIP_EXTRA_AT : 0;

	if (size >= LOG_FRAME_HEAD_MAX)
		return false;
	if (!memcmp(bytes, skippable, min_of(size, sizeof(skippable))))
		return true;
	return !memcmp(bytes, gzip_magic, min_of(size, sizeof(gzip_magic))) &&
	       (size <= GZIP_FLAGS_AT || bytes[GZIP_FLAGS_AT] == GZIP_HAS_EXTRA) &&
	       !memcmp(bytes + GZIP_EXTRA_AT, subfield, min_of(extra, sizeof(subfield)));
}

off_t log_frame_whole_end(int fd)
{
	uint8_t head[LOG_FRAME_HEAD_MAX];
	struct log_frame frame;
	struct stat status;
	off_t end = 0;

	if (fstat(fd, &status))
		return -errno;
	while (end < status.st_size) {
		ssize_t n = pread(fd, head, sizeof(head), end);

		if (n < 0)
			return -errno;
		if (!log_frame_get(head, (size_t)n, &frame))
			return is_head_cut_off(head, (size_t)n) ? end : status.st_size;
		if (frame.size > status.st_size - end)
			return end;
		end += frame.size;
	}
	return end;
}
