// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/manager.h"

#include <inttypes.h>
#include <time.h>

#include "base/sd_daemon.h"

/* Ticks that may fail, or come late, before the watchdog restarts the daemon. */
#define TICKS_PER_WATCHDOG 3

void manager_interval(uint64_t interval_ms)
{
	uint64_t needed_us = interval_ms * 1000 * TICKS_PER_WATCHDOG;
	uint64_t watchdog_us;

	/* The unit's WatchdogSec= holds unless it is too short for this interval. */
	if (sd_watchdog_enabled(0, &watchdog_us) <= 0)
		return;
	if (watchdog_us < needed_us)
		watchdog_us = needed_us;
	sd_notifyf(0, "WATCHDOG_USEC=%" PRIu64, watchdog_us);
}

void manager_tick(void)
{
	sd_notify(0, "WATCHDOG=1");
}

void manager_ready(void)
{
	sd_notify(0, "READY=1");
}

/* With the time, as Type=notify-reload wants it. */
void manager_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		   (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void manager_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}
