/* SPDX-License-Identifier: GPL-2.0-only */
/* What the daemon tells the service manager (sd_notify(3)); nothing where there is none. */
#ifndef FAULTMAP_MANAGER_H
#define FAULTMAP_MANAGER_H

#include <stdint.h>

/* Before the first tick, and when the interval has changed: the watchdog must have the time of a
 * few ticks. */
void manager_interval(uint64_t interval_ms);
/* After each tick that succeeded: feeds the watchdog. */
void manager_tick(void);
void manager_ready(void);
void manager_reloading(void);
void manager_stopping(void);

#endif
