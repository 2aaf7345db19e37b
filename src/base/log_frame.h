/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compressed logs. Such a file is a row of frames: each is whole lines, packed as a gzip member or a
 * zstd frame that needs nothing of the others, and has in front of it how long it is and of what
 * time its lines are, where gunzip and zstd do not look: in an extra field of the member's header
 * (RFC 1952, 2.3.1.1), or in a skippable frame (RFC 8878, 3.1.2). A reader goes from head to head
 * and unpacks what it wants. There is no index at the end: a log is appended to, and may end
 * anywhere.
 */
#ifndef FAULTMAP_LOG_FRAME_H
#define FAULTMAP_LOG_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum packing {
	PACKING_NONE,
	PACKING_GZIP,
	PACKING_ZSTD,
};

/* What a head says. */
struct log_frame {
	uint32_t size;  /* from the head's first byte to that of the next, in bytes */
	uint32_t plain; /* bytes when unpacked */
	uint32_t lines;
	bool is_timeless;          /* has lines that are of no time, such as meta */
	int64_t first_ms, last_ms; /* of the others, since 1970 */
};

/* The field of gzip's header, with its id and length; the skippable frame. */
#define LOG_FRAME_FIELD_SIZE 36
#define LOG_FRAME_SKIPPABLE_SIZE 44
/* So many bytes are enough for log_frame_get(). */
#define LOG_FRAME_HEAD_MAX 48

/* By its suffix: .gz or .zst. */
enum packing packing_of_name(const char *path);
/* ".gz", ".zst" or "". */
const char *packing_suffix(enum packing packing);
/* By the first bytes; PACKING_NONE: plain. */
enum packing packing_of_bytes(const uint8_t *bytes, size_t size);

/* The head, for PACKING_ZSTD the skippable frame, for PACKING_GZIP the extra field alone. */
void log_frame_put(uint8_t *head, enum packing packing, const struct log_frame *frame);
/* False: there is no head of ours. */
bool log_frame_get(const uint8_t *bytes, size_t size, struct log_frame *ret_frame);

/* Where the last whole frame of the file ends; its size, if it is not ours; a negative errno. */
off_t log_frame_whole_end(int fd);

#endif
