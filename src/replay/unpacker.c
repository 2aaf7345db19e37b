// SPDX-License-Identifier: GPL-2.0-only
#include "replay/unpacker.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#ifndef WITHOUT_ZSTD
#include <zstd.h>
#endif

#include "base/log_frame.h"
#include "base/util.h"

#define INPUT_SIZE (64 * 1024)
#define GZIP_FORMAT 16 /* of inflateInit2() */
/* The largest window of a zstd frame, 2^25 bytes: what `zstd` makes without --ultra or --long takes
 * 2^23, ours 2^18. */
#define ZSTD_WINDOW_LOG_MAX 25

struct unpacker {
	int fd;
	bool is_regular;
	off_t file_size;
	bool has_window;
	int64_t from_ms, to_ms;

	enum packing packing;
	bool is_begun;    /* the packing is known */
	bool is_in_frame; /* between its begin and its end */
	bool has_head;    /* this frame has: where it ends is known */
	struct log_frame frame;
	uint64_t position;  /* of the next byte of input in the file */
	uint64_t frame_end; /* with a head */
	z_stream gzip;
	bool has_gzip;
#ifndef WITHOUT_ZSTD
	ZSTD_DCtx *zstd;
#endif
	bool is_at_end;
	size_t begin, end; /* of input, what is not used */
	uint8_t input[INPUT_SIZE];
};

struct unpacker *unpacker_new(int fd)
{
	struct unpacker *unpacker = calloc(1, sizeof(*unpacker));
	struct stat status;

	if (!unpacker)
		return NULL;
	unpacker->fd = fd;
	unpacker->is_regular = !fstat(fd, &status) && S_ISREG(status.st_mode);
	if (unpacker->is_regular)
		unpacker->file_size = status.st_size;
	return unpacker;
}

void unpacker_free(struct unpacker *unpacker)
{
	if (!unpacker)
		return;
	if (unpacker->has_gzip)
		inflateEnd(&unpacker->gzip);
#ifndef WITHOUT_ZSTD
	ZSTD_freeDCtx(unpacker->zstd);
#endif
	close(unpacker->fd);
	free(unpacker);
}

void unpacker_set_window(struct unpacker *unpacker, int64_t from_ms, int64_t to_ms)
{
	unpacker->from_ms = from_ms;
	unpacker->to_ms = to_ms;
	unpacker->has_window = from_ms != INT64_MIN || to_ms != INT64_MAX;
}

bool unpacker_has_head(const struct unpacker *unpacker)
{
	return unpacker->has_head;
}

/* Input. --------------------------------------------------------------------------------------- */

/* Reads until there are `want` bytes, or no more; takes up to `most`. 0 or a negative errno with the
 * error set. */
static int fill(struct unpacker *unpacker, size_t want, size_t most, struct error *error)
{
	if (unpacker->begin) {
		memmove(unpacker->input, unpacker->input + unpacker->begin,
			unpacker->end - unpacker->begin);
		unpacker->end -= unpacker->begin;
		unpacker->begin = 0;
	}
	while (unpacker->end < want && !unpacker->is_at_end) {
		ssize_t n = read(unpacker->fd, unpacker->input + unpacker->end,
				 min_of(most, sizeof(unpacker->input)) - unpacker->end);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(error, errno, "reading it: %s", strerror(errno));
		unpacker->end += (size_t)n;
		unpacker->is_at_end = n == 0;
	}
	return 0;
}

static size_t available(const struct unpacker *unpacker)
{
	return unpacker->end - unpacker->begin;
}

static void use(struct unpacker *unpacker, size_t size)
{
	unpacker->begin += size;
	unpacker->position += size;
}

static int ends_in_the_middle(struct unpacker *unpacker, struct error *error)
{
	unpacker->is_at_end = true;
	unpacker->begin = unpacker->end;
	unpacker->is_in_frame = false;
	return error_set(error, EIO, "it ends in the middle: what follows is missing");
}

/* Goes on at that place of the file, by reading where it cannot seek. */
static int skip_to(struct unpacker *unpacker, uint64_t place, struct error *error)
{
	uint64_t left = place - unpacker->position;
	size_t here = (size_t)min_of(left, available(unpacker));

	use(unpacker, here);
	left -= here;
	if (left && unpacker->is_regular) {
		if (place > (uint64_t)unpacker->file_size)
			return ends_in_the_middle(unpacker, error);
		if (lseek(unpacker->fd, (off_t)left, SEEK_CUR) < 0)
			return error_set(error, errno, "reading it: %s", strerror(errno));
		unpacker->position = place;
		return 0;
	}
	while (left) {
		int result = fill(unpacker, 1, sizeof(unpacker->input), error);

		if (result < 0)
			return result;
		if (!available(unpacker))
			return ends_in_the_middle(unpacker, error);
		here = (size_t)min_of(left, available(unpacker));
		use(unpacker, here);
		left -= here;
	}
	return 0;
}

/* Unpacking. ----------------------------------------------------------------------------------- */

/* Each step is given what is there. What it makes of it: bytes, and whether the frame has ended. A
 * negative errno with `why`. */
struct step {
	char *bytes;
	size_t size, made;
	bool is_end;
	const char *why;
};

static int step_plain(struct unpacker *unpacker, struct step *step)
{
	step->made = min_of(step->size, available(unpacker));
	memcpy(step->bytes, unpacker->input + unpacker->begin, step->made);
	use(unpacker, step->made);
	return 0;
}

static int step_gzip(struct unpacker *unpacker, struct step *step)
{
	z_stream *stream = &unpacker->gzip;
	size_t before = available(unpacker);
	int result;

	stream->next_in = unpacker->input + unpacker->begin;
	stream->avail_in = (uInt)before;
	stream->next_out = (Bytef *)step->bytes;
	stream->avail_out = (uInt)step->size;
	result = inflate(stream, Z_NO_FLUSH);
	use(unpacker, before - stream->avail_in);
	step->made = step->size - stream->avail_out;
	step->is_end = result == Z_STREAM_END;
	step->why = stream->msg ?: "damaged";
	if (result == Z_MEM_ERROR)
		return -ENOMEM;
	return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR ? 0 : -EBADMSG;
}

static int begin_gzip(struct unpacker *unpacker)
{
	if (unpacker->has_gzip)
		return inflateReset(&unpacker->gzip) == Z_OK ? 0 : -ENOMEM;
	if (inflateInit2(&unpacker->gzip, GZIP_FORMAT + MAX_WBITS) != Z_OK)
		return -ENOMEM;
	unpacker->has_gzip = true;
	return 0;
}

#ifdef WITHOUT_ZSTD
static int step_zstd(struct unpacker *unpacker, struct step *step)
{
	(void)unpacker;
	step->why = "this faultmap was built without zstd: zstdcat FILE | faultmap report -";
	return -ENOTSUP;
}

static int begin_zstd(struct unpacker *unpacker)
{
	(void)unpacker;
	return 0;
}
#else
static int step_zstd(struct unpacker *unpacker, struct step *step)
{
	ZSTD_inBuffer in = { unpacker->input + unpacker->begin, available(unpacker), 0 };
	ZSTD_outBuffer out = { step->bytes, step->size, 0 };
	size_t result = ZSTD_decompressStream(unpacker->zstd, &out, &in);

	use(unpacker, in.pos);
	step->made = out.pos;
	step->is_end = !result;
	if (!ZSTD_isError(result))
		return 0;
	step->why = ZSTD_getErrorName(result);
	return -EBADMSG;
}

static int begin_zstd(struct unpacker *unpacker)
{
	if (!unpacker->zstd) {
		unpacker->zstd = ZSTD_createDCtx();
		if (!unpacker->zstd ||
		    ZSTD_isError(ZSTD_DCtx_setParameter(unpacker->zstd, ZSTD_d_windowLogMax,
							ZSTD_WINDOW_LOG_MAX)))
			return -ENOMEM;
	}
	return ZSTD_isError(ZSTD_DCtx_reset(unpacker->zstd, ZSTD_reset_session_only)) ? -ENOMEM : 0;
}
#endif

static int take_step(struct unpacker *unpacker, struct step *step)
{
	switch (unpacker->packing) {
	case PACKING_GZIP:
		return step_gzip(unpacker, step);
	case PACKING_ZSTD:
		return step_zstd(unpacker, step);
	default:
		return step_plain(unpacker, step);
	}
}

/* Frames. -------------------------------------------------------------------------------------- */

static bool is_wanted(const struct unpacker *unpacker)
{
	const struct log_frame *frame = &unpacker->frame;

	return !unpacker->has_window || frame->is_timeless ||
	       (frame->last_ms >= unpacker->from_ms && frame->first_ms < unpacker->to_ms);
}

/* Between two frames. 1: in the next one; 0: none follows; or a negative errno with the error
 * set. */
static int begin_frame(struct unpacker *unpacker, uint64_t *lines_left_out, struct error *error)
{
	/* A head alone, where what follows may be skipped. */
	size_t most = unpacker->has_window && unpacker->is_regular ? LOG_FRAME_HEAD_MAX :
								     sizeof(unpacker->input);
	enum packing packing;
	int result;

	for (;;) {
		const uint8_t *head;

		result = fill(unpacker, LOG_FRAME_HEAD_MAX, most, error);
		if (result < 0)
			return result;
		if (!available(unpacker))
			return 0;
		head = unpacker->input;
		packing = packing_of_bytes(head, available(unpacker));
		if (!unpacker->is_begun)
			unpacker->packing = packing;
		else if (packing != unpacker->packing) /* gzip(1) ignores what follows, so do we */
			return unpacker->has_head && available(unpacker) < 4 ?
				       ends_in_the_middle(unpacker, error) :
				       0;
		unpacker->is_begun = true;
		unpacker->has_head = log_frame_get(head, available(unpacker), &unpacker->frame);
		unpacker->frame_end = unpacker->position + unpacker->frame.size;
		if (!unpacker->has_head || is_wanted(unpacker))
			break;
		result = skip_to(unpacker, unpacker->frame_end, error);
		if (result < 0)
			return result;
		*lines_left_out += unpacker->frame.lines;
	}
	if (unpacker->has_head && packing == PACKING_ZSTD)
		use(unpacker, LOG_FRAME_SKIPPABLE_SIZE);
	result = packing == PACKING_GZIP ? begin_gzip(unpacker) :
		 packing == PACKING_ZSTD ? begin_zstd(unpacker) :
					   0;
	if (result < 0)
		return error_set(error, ENOMEM, "out of memory");
	unpacker->is_in_frame = true;
	return 1;
}

/* After a step that failed: to the frame's end, where that is known. */
static int pass_damage(struct unpacker *unpacker, int result, const char *why, struct error *error)
{
	uint64_t end = unpacker->frame_end;
	struct error other;

	unpacker->is_in_frame = false;
	if (result == -ENOMEM)
		return error_set(error, ENOMEM, "out of memory");
	if (result == -EBADMSG && unpacker->has_head && end > unpacker->position &&
	    !skip_to(unpacker, end, &other))
		return error_set(error, EBADMSG,
				 "unpacking it: %s; lines of this frame are left out", why);
	unpacker->is_at_end = true;
	unpacker->begin = unpacker->end;
	return error_set(error, EIO, "unpacking it: %s; the rest is not read", why);
}

/* One step, for which there is input unless the file has ended: its bytes, or a negative errno with
 * the error set. */
static ssize_t unpack(struct unpacker *unpacker, char *bytes, size_t size, struct error *error)
{
	struct step step = { .bytes = bytes, .size = size };
	size_t before = available(unpacker);
	int result = take_step(unpacker, &step);

	if (result < 0)
		return pass_damage(unpacker, result, step.why, error);
	if (step.is_end)
		unpacker->is_in_frame = false;
	else if (!step.made && !before && unpacker->packing != PACKING_NONE)
		return ends_in_the_middle(unpacker, error);
	return (ssize_t)step.made;
}

/* How much input this frame may take: no more than it has, so that a skip comes after it. */
static size_t most_input(const struct unpacker *unpacker)
{
	if (!unpacker->has_head || unpacker->frame_end <= unpacker->position)
		return sizeof(unpacker->input);
	return (size_t)min_of(unpacker->frame_end - unpacker->position, sizeof(unpacker->input));
}

ssize_t unpacker_read(struct unpacker *unpacker, char *bytes, size_t size, uint64_t *lines_left_out,
		      struct error *error)
{
	ssize_t n = 0;

	while (!n) {
		int result = unpacker->is_in_frame ? 1 :
						     begin_frame(unpacker, lines_left_out, error);

		if (result <= 0)
			return result;
		if (!available(unpacker))
			result = fill(unpacker, 1, most_input(unpacker), error);
		if (result < 0)
			return result;
		n = unpack(unpacker, bytes, size, error);
		if (!n && unpacker->packing == PACKING_NONE)
			return 0;
	}
	return n;
}
