/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bytes of a file, unpacked: gzip, zstd or plain, told by how it begins. Of a compressed log
 * (base/log_frame.h) it reads no frame of another time than is asked for. Memory is bounded,
 * whatever the file says.
 */
#ifndef FAULTMAP_UNPACKER_H
#define FAULTMAP_UNPACKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct unpacker;

/* Takes the descriptor. NULL when out of memory: then it stays the caller's. */
struct unpacker *unpacker_new(int fd);
/* Closes it. NULL is fine. */
void unpacker_free(struct unpacker *unpacker);
/* Leaves out frames whose lines all ended before from_ms, or at to_ms or later; since 1970. */
void unpacker_set_window(struct unpacker *unpacker, int64_t from_ms, int64_t to_ms);

/* True in a frame whose head says of what time it is. */
bool unpacker_has_head(const struct unpacker *unpacker);

/*
 * Up to size bytes; 0 at the end. A call gives bytes of one frame alone: those of the next come
 * with the call after, which adds to *lines_left_out how many lines lie between them. -EBADMSG with
 * the error set (without the file's name): a damaged frame, the next call goes on behind it.
 * Another negative errno with the error set: the rest cannot be read.
 */
ssize_t unpacker_read(struct unpacker *unpacker, char *bytes, size_t size, uint64_t *lines_left_out,
		      struct error *error);

#endif
