/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Posts bodies to an OTLP receiver, one at a time, and waits for the answer, so it needs a process of
 * its own. The caller tries a failed one again.
 */
#ifndef FAULTMAP_OTLP_PUSH_H
#define FAULTMAP_OTLP_PUSH_H

#include <stddef.h>

#include "base/error.h"

struct otlp_push;

/* 0, or -EINVAL with the error saying what a receiver's URL is. */
int otlp_push_check(const char *url, struct error *error);
/* url: borrowed; without a path it gets /v1/metrics. headers: "NAME=VALUE,...", as in
 * OTEL_EXPORTER_OTLP_HEADERS, or NULL. 0 or a negative errno with the error set. */
int otlp_push_new(struct otlp_push **ret_push, const char *url, const char *headers,
		  struct error *error);
/* 1: accepted. 0: refused for good. -EAGAIN: try again later. Unless it is 1, the error says why. */
int otlp_push_send(struct otlp_push *push, const char *body, size_t size, struct error *error);

#endif
