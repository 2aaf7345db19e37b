// SPDX-License-Identifier: GPL-2.0-only
#include "sink/sink_stream.h"

#include <stdlib.h>

struct sink_stream {
	struct feed *feed;
	struct sink_jsonl *lines;
};

struct sink_stream *sink_stream_new(void)
{
	struct sink_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->feed = feed_new();
	if (!stream->feed || sink_jsonl_new_feed(&stream->lines, stream->feed) < 0) {
		sink_stream_free(stream);
		return NULL;
	}
	return stream;
}

void sink_stream_free(struct sink_stream *stream)
{
	if (!stream)
		return;
	sink_jsonl_free(stream->lines);
	feed_free(stream->feed);
	free(stream);
}

void sink_stream_set_findings(struct sink_stream *stream, const struct recent_findings *findings)
{
	sink_jsonl_set_findings(stream->lines, findings);
}

int sink_stream_meta(struct sink_stream *stream, const struct sink_jsonl_meta *meta,
		     struct error *error)
{
	return sink_jsonl_meta(stream->lines, meta, error);
}

int sink_stream_join(struct sink_stream *stream, feed_wake_fn wake, void *who,
		     struct feed_reader **ret_reader)
{
	struct error error;
	int result = feed_join(stream->feed, wake, who, ret_reader);

	if (result < 0)
		return result;
	result = sink_jsonl_restart(stream->lines, &error);
	if (result < 0)
		feed_leave(*ret_reader);
	return result;
}

int sink_stream_tick(struct sink_stream *stream, const struct snapshot *snapshot,
		     struct error *error)
{
	if (!feed_readers(stream->feed))
		return 0;
	sink_jsonl_tick(stream->lines, snapshot, error); /* no memory: lines_lost says so */
	feed_wake(stream->feed);
	return 0;
}

SINK_OPS(stream);

const struct feed *sink_stream_feed(const struct sink_stream *stream)
{
	return stream->feed;
}
