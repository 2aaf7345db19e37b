/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page faults of /metrics in OpenTelemetry's terms: the body of an OTLP/HTTP request as
 * JSON (ExportMetricsServiceRequest), cumulative since the daemon's start.
 * https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
#ifndef FAULTMAP_OTLP_H
#define FAULTMAP_OTLP_H

#include <stddef.h>
#include <time.h>

#include "metrics/sink_prometheus.h"

/*
 * system.paging.faults and process.paging.faults of the semantic conventions, as the kernel accounts
 * them, the latter by group; and faultmap's own by kind and their stalls. Allocated, `*ret_size`
 * bytes. host: host.name of the resource; now: the last tick's. 0 or -ENOMEM.
 */
int otlp_render(const struct sink_prometheus *sink, const char *host, struct timespec now,
		char **ret_text, size_t *ret_size);

#endif
