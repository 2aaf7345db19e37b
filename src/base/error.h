/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a library layer tells why it failed: it fills a struct error and returns a negative errno;
 * the command prints the text once (log_error). The text says what was tried, on what, why it
 * failed and what to do, on one line without a newline.
 */
#ifndef FAULTMAP_ERROR_H
#define FAULTMAP_ERROR_H

struct error {
	char text[512];
};

/* Writes the text (cut at the buffer; `error` may be NULL) and returns -errnum. */
int error_set(struct error *error, int errnum, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#ifdef __clang_analyzer__
/* The analyzer sees one file at a time: this tells it that the result is never 0. */
static inline int error_seen(int result)
{
	if (result >= 0)
		__builtin_unreachable();
	return result;
}
#define error_set(...) error_seen((error_set)(__VA_ARGS__))
#endif

#endif
