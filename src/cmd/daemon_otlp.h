/* SPDX-License-Identifier: GPL-2.0-only */
/* daemon --otlp: pushes metrics to an OpenTelemetry receiver, from a process of its own, so that the
 * loop waits for nobody. */
#ifndef FAULTMAP_DAEMON_OTLP_H
#define FAULTMAP_DAEMON_OTLP_H

#include "base/options.h"
#include "cmd/privileges.h"
#include "metrics/sink_prometheus.h"
#include "model/snapshot.h"

struct daemon_otlp;

/* For an option table: 0, or -EINVAL with the error saying what a URL is, or that this build cannot. */
int daemon_otlp_check(const char *url, struct error *error);
/* `url` and `disabled` are borrowed. Before privileges go and the programs are loaded: the worker
 * process has what is there now, gives it up and becomes the user. 0 or a negative errno with the error set. */
int daemon_otlp_new(struct daemon_otlp **ret_otlp, const char *url, uint64_t interval_ms,
		    const struct privileges_user *user, const struct option_list *disabled,
		    struct error *error);
/* NULL is fine. */
void daemon_otlp_free(struct daemon_otlp *otlp);
/* After a tick: sends what the sink has, if the interval is over. What cannot be sent is left out: the
 * next has it too. */
void daemon_otlp_tick(struct daemon_otlp *otlp, const struct sink_prometheus *sink,
		      const struct snapshot *snapshot);

#endif
