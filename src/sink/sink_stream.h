/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON lines for live readers: those of sink_jsonl.h, made once for all readers of a feed, and only
  * while there is one.
 */
#ifndef FAULTMAP_SINK_STREAM_H
#define FAULTMAP_SINK_STREAM_H

#include "base/feed.h"
#include "sink/sink_jsonl.h"

struct sink_stream;

/* NULL when out of memory. */
struct sink_stream *sink_stream_new(void);
/* NULL is fine. Its readers have left. */
void sink_stream_free(struct sink_stream *stream);
/* As sink_jsonl_set_findings(). */
void sink_stream_set_findings(struct sink_stream *stream, const struct recent_findings *findings);
/* As sink_jsonl_meta(). */
int sink_stream_meta(struct sink_stream *stream, const struct sink_jsonl_meta *meta,
		     struct error *error);
/* One more reader, which gets a meta line now, and lines from the next tick on. As feed_join(). */
int sink_stream_join(struct sink_stream *stream, feed_wake_fn wake, void *who,
		     struct feed_reader **ret_reader);
/* Always 0: a reader that is too slow is dropped, and counted by the feed. */
int sink_stream_tick(struct sink_stream *stream, const struct snapshot *snapshot,
		     struct error *error);
extern const struct sink_ops sink_stream_ops;
/* For its counts. */
const struct feed *sink_stream_feed(const struct sink_stream *stream);

#endif
