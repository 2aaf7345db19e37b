// SPDX-License-Identifier: GPL-2.0-only
#include "sink/packer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#ifndef WITHOUT_ZSTD
#include <zstd.h>
#endif

#include "base/output_file.h"
#include "base/util.h"
#include "sink/outlet.h"

/* Of 22 MB of an exec storm in frames: gzip 6 makes 1.30 MB in 0.33 s; zstd 3 makes 1.44 in 0.12 with
 * 1.0 MB of memory, 6 makes 1.11 in 0.23 with 3.7 MB, 9 makes 1.08 in 0.49. */
#define GZIP_LEVEL 6
#define ZSTD_LEVEL 6
#define GZIP_FORMAT 16 /* of inflateInit2(): gzip's header in place of zlib's */
#define GZIP_FIELD_AT 12
/* What a crash may lose. */
#define FRAME_BYTES (256 * 1024)
#define FRAME_NS 10000000000UL
/* A frame is larger when a single line is: then the memory is given back. */
#define KEEP_BYTES (1 << 20)

struct packer {
	enum packing packing;
	z_stream gzip;
	gz_header header; /* deflateBound() reads it before the next frame, too */
#ifndef WITHOUT_ZSTD
	ZSTD_CCtx *zstd;
#endif
	struct log_frame frame; /* of the lines that are queued */
	uint64_t began_ns;      /* the first of them, monotonic */
	uint64_t asked_ns;      /* packer_is_due() */
	bool has_failed;        /* the last frame could not be written */
	uint8_t *packed;
	size_t capacity;
};

#ifdef WITHOUT_ZSTD
static bool open_zstd(struct packer *packer)
{
	(void)packer;
	return false;
}

static size_t bound_zstd(size_t size)
{
	return size;
}

static size_t pack_zstd(struct packer *packer, const char *lines, size_t size)
{
	(void)packer;
	(void)lines;
	(void)size;
	return 0;
}

static void close_zstd(struct packer *packer)
{
	(void)packer;
}
#else
/* With a checksum, as the zstd program's files have. */
static bool open_zstd(struct packer *packer)
{
	packer->zstd = ZSTD_createCCtx();
	return packer->zstd &&
	       !ZSTD_isError(
		       ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_checksumFlag, 1));
}

static size_t bound_zstd(size_t size)
{
	return LOG_FRAME_SKIPPABLE_SIZE + ZSTD_compressBound(size);
}

/* The frame's size; 0: no memory. */
static size_t pack_zstd(struct packer *packer, const char *lines, size_t size)
{
	size_t packed = ZSTD_compress2(packer->zstd, packer->packed + LOG_FRAME_SKIPPABLE_SIZE,
				       packer->capacity - LOG_FRAME_SKIPPABLE_SIZE, lines, size);

	return ZSTD_isError(packed) ? 0 : LOG_FRAME_SKIPPABLE_SIZE + packed;
}

static void close_zstd(struct packer *packer)
{
	ZSTD_freeCCtx(packer->zstd);
}
#endif

static bool open_gzip(struct packer *packer)
{
	return deflateInit2(&packer->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_FORMAT + MAX_WBITS, 8,
			    Z_DEFAULT_STRATEGY) == Z_OK;
}

/* As above. The field is filled in once the size is known. */
static size_t pack_gzip(struct packer *packer, const char *lines, size_t size)
{
	static uint8_t field[LOG_FRAME_FIELD_SIZE];
	z_stream *stream = &packer->gzip;

	packer->header =
		(gz_header){ .extra = field, .extra_len = sizeof(field), .os = 3 }; /* Unix */
	if (deflateReset(stream) != Z_OK || deflateSetHeader(stream, &packer->header) != Z_OK)
		return 0;
	stream->next_in = (Bytef *)lines;
	stream->avail_in = (uInt)size;
	stream->next_out = packer->packed;
	stream->avail_out = (uInt)packer->capacity;
	return deflate(stream, Z_FINISH) == Z_STREAM_END ? stream->total_out : 0;
}

bool packer_knows(enum packing packing)
{
#ifdef WITHOUT_ZSTD
	return packing != PACKING_ZSTD;
#else
	(void)packing;
	return true;
#endif
}

struct packer *packer_new(enum packing packing)
{
	struct packer *packer = calloc(1, sizeof(*packer));

	if (!packer)
		return NULL;
	packer->packing = packing;
	if (packing == PACKING_GZIP ? open_gzip(packer) : open_zstd(packer))
		return packer;
	packer_free(packer);
	return NULL;
}

void packer_free(struct packer *packer)
{
	if (!packer)
		return;
	if (packer->packing == PACKING_GZIP)
		deflateEnd(&packer->gzip);
	else
		close_zstd(packer);
	free(packer->packed);
	free(packer);
}

static int make_room(struct packer *packer, size_t size)
{
	size_t wanted = packer->packing == PACKING_GZIP ?
				LOG_FRAME_FIELD_SIZE + 2 + deflateBound(&packer->gzip, size) :
				bound_zstd(size);

	if (wanted <= packer->capacity && packer->capacity <= KEEP_BYTES)
		return 0;
	free(packer->packed);
	packer->packed = malloc(wanted);
	packer->capacity = packer->packed ? wanted : 0;
	return packer->packed ? 0 : -ENOMEM;
}

/* One frame, with its head: its size in bytes; 0: no memory. */
static size_t pack(struct packer *packer, const char *lines, size_t size)
{
	bool is_gzip = packer->packing == PACKING_GZIP;
	size_t packed = 0;

	if (!make_room(packer, size))
		packed = is_gzip ? pack_gzip(packer, lines, size) : pack_zstd(packer, lines, size);
	packer->frame.size = (uint32_t)packed; /* of 32 MiB at most: outlet.c */
	packer->frame.plain = (uint32_t)size;
	if (packed)
		log_frame_put(packer->packed + (is_gzip ? GZIP_FIELD_AT : 0), packer->packing,
			      &packer->frame);
	return packed;
}

void packer_note(struct packer *packer, int64_t line_ms)
{
	struct log_frame *frame = &packer->frame;

	if (!frame->lines++) {
		packer->began_ns = monotonic_ns();
		frame->first_ms = INT64_MAX;
		frame->last_ms = INT64_MIN;
	}
	if (line_ms == OUTLET_NO_TIME) {
		frame->is_timeless = true;
		return;
	}
	if (frame->first_ms > line_ms)
		frame->first_ms = line_ms;
	if (frame->last_ms < line_ms)
		frame->last_ms = line_ms;
}

void packer_forget(struct packer *packer)
{
	packer->frame = (struct log_frame){};
}

bool packer_is_due(struct packer *packer, size_t size)
{
	uint64_t now_ns = monotonic_ns();
	uint64_t gap_ns = packer->asked_ns ? now_ns - packer->asked_ns : 0;

	packer->asked_ns = now_ns;
	return size >= FRAME_BYTES || packer->has_failed ||
	       now_ns - packer->began_ns + gap_ns >= FRAME_NS;
}

/* 0 or a negative errno. */
static int append(int fd, const uint8_t *bytes, size_t size)
{
	off_t begin = lseek(fd, 0, SEEK_END);
	size_t written = 0;

	while (written < size) {
		ssize_t n = write(fd, bytes + written, size - written);
		int errnum = n < 0 ? errno : EIO;

		if (n > 0) {
			written += (size_t)n;
		} else if (errnum != EINTR) {
			(void)!ftruncate(fd, begin); /* otherwise the next one to open it does */
			return -errnum;
		}
	}
	return 0;
}

int packer_write(struct packer *packer, int fd, const char *lines, size_t size)
{
	size_t packed = pack(packer, lines, size);
	int result = packed ? append(fd, packer->packed, packed) : -ENOMEM;

	packer->has_failed = result < 0;
	if (!result)
		packer_forget(packer);
	return result;
}

void packer_mend(int fd)
{
	autoclose int read_fd = output_file_read(fd);
	off_t end = read_fd < 0 ? -1 : log_frame_whole_end(read_fd);
	struct stat status;

	if (end >= 0 && !fstat(fd, &status) && status.st_size > end)
		(void)!ftruncate(fd, end);
}
