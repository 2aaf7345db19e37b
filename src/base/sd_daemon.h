/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a service needs of libsystemd: sd_listen_fds(3), sd_is_socket(3), sd_notify(3) and
 * sd_watchdog_enabled(3), with the same names and results. Debian has no static libsystemd, and the
 * shared one loads six more libraries for these few lines, whose protocol is documented and stable.
 */
#ifndef FAULTMAP_SD_DAEMON_H
#define FAULTMAP_SD_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#define SD_LISTEN_FDS_START 3

/* How many descriptors were passed, from SD_LISTEN_FDS_START on, close-on-exec from now on; 0
 * without any, or a negative errno. `unset` takes the variables out of the environment. */
int sd_listen_fds(bool unset);
/* Whether fd is a socket of this family (AF_UNSPEC: any), type (0: any), and listens or not (-1:
 * either); or a negative errno. */
int sd_is_socket(int fd, int family, int type, int listening);
/* Tells the service manager, lines of KEY=VALUE: 1 when told, 0 when there is none to tell, or a
 * negative errno. */
int sd_notify(bool unset, const char *state);
int sd_notifyf(bool unset, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* 1 when the service manager wants WATCHDOG=1 every *ret_usec, 0 when not, or a negative errno. */
int sd_watchdog_enabled(bool unset, uint64_t *ret_usec);

#endif
