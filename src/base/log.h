/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One line per message on stderr: "faultmap: text". Only commands print; libraries return a
 * struct error. The level is the program's only mutable global.
 */
#ifndef FAULTMAP_LOG_H
#define FAULTMAP_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Messages above this level are dropped; LOG_LEVEL_WARNING at start. -v raises it by one each. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Printed at every level, but no warning: where a service listens. */
void log_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
