// SPDX-License-Identifier: GPL-2.0-only
#include "serve/http_stream.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/util.h"

/* As much as fits the connection's memory at once. */
#define PIECE_BYTES (8 * 1024)
/* A client that has something to read and takes none of it is dropped after this time, which http.c
 * also gives for reading an answer. */
#define TAKE_SECONDS 30

struct http_stream {
	LIST_ENTRY(http_stream) next;
	struct http_streams *streams;
	struct MHD_Connection *connection;
	struct feed_reader *reader;
	bool is_suspended;
	bool is_ended;
	uint64_t deadline_ns; /* while there is something to read */
};

static int fd_of(const struct http_stream *stream)
{
	return MHD_get_connection_info(stream->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
		->connect_fd;
}

static void resume(void *who)
{
	struct http_stream *stream = who;

	if (!stream->is_suspended)
		return;
	stream->is_suspended = false;
	stream->deadline_ns = monotonic_ns() + TAKE_SECONDS * 1000000000ULL;
	MHD_resume_connection(stream->connection);
	stream->streams->run_soon(stream->connection);
}

static void end(struct http_stream *stream)
{
	stream->is_ended = true;
	shutdown(fd_of(stream), SHUT_RDWR);
	resume(stream);
}

/* libmicrohttpd has sent all of what it got before. */
static ssize_t read_more(void *context, uint64_t position, char *bytes, size_t size)
{
	struct http_stream *stream = context;
	ssize_t length = stream->is_ended ? -EPIPE : feed_read(stream->reader, bytes, size);

	(void)position;
	if (length < 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (!length) {
		stream->is_suspended = true;
		MHD_suspend_connection(stream->connection);
	}
	stream->deadline_ns = monotonic_ns() + TAKE_SECONDS * 1000000000ULL;
	return length;
}

static void stream_free(void *context)
{
	struct http_stream *stream = context;

	LIST_REMOVE(stream, next);
	feed_leave(stream->reader);
	free(stream);
}

int http_stream_new(struct http_streams *streams, struct MHD_Connection *connection,
		    http_stream_join_fn join, void *context, struct MHD_Response **ret_response)
{
	struct http_stream *stream = calloc(1, sizeof(*stream));
	int result;

	if (!stream)
		return -ENOMEM;
	result = join(context, resume, stream, &stream->reader);
	if (result < 0) {
		free(stream);
		return result;
	}
	stream->streams = streams;
	stream->connection = connection;
	stream->deadline_ns = monotonic_ns() + TAKE_SECONDS * 1000000000ULL;
	LIST_INSERT_HEAD(&streams->list, stream, next);
	*ret_response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE_BYTES, read_more,
							  stream, stream_free);
	if (*ret_response)
		return 0;
	stream_free(stream);
	return -ENOMEM;
}

/* The client has shut down its side, or was cut. */
static bool has_left(const struct http_stream *stream)
{
	char byte;

	return !recv(fd_of(stream), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
}

void http_streams_sweep(struct http_streams *streams)
{
	uint64_t now = monotonic_ns();
	struct http_stream *stream;

	LIST_FOREACH(stream, &streams->list, next)
	{
		if (!stream->is_suspended && stream->deadline_ns <= now)
			feed_drop(stream->reader);
		else if (!has_left(stream))
			continue;
		end(stream);
	}
}

void http_streams_end(struct http_streams *streams)
{
	struct http_stream *stream;

	LIST_FOREACH(stream, &streams->list, next)
	end(stream);
}
