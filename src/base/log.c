// SPDX-License-Identifier: GPL-2.0-only
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

static enum log_level current_level = LOG_LEVEL_WARNING;

void log_set_level(enum log_level level)
{
	current_level = level;
}

enum log_level log_get_level(void)
{
	return current_level;
}

/*
 * File names and process names reach messages: a newline in one must not forge a second message, an
 * escape sequence must not reach the terminal. Only debug output (the verifier's log) has lines.
 */
static void make_printable(char *text, bool multiline)
{
	size_t length = strlen(text);

	while (length > 0 && text[length - 1] == '\n')
		text[--length] = '\0';
	for (char *c = text; *c; c++) {
		bool is_layout = multiline && (*c == '\n' || *c == '\t');

		if (((unsigned char)*c < 0x20 || *c == 0x7f) && !is_layout)
			*c = '?';
	}
}

static void print(enum log_level level, const char *prefix, const char *format, va_list arguments)
{
	autofree char *text = NULL;

	if (level > current_level)
		return;
	if (vasprintf(&text, format, arguments) < 0) {
		text = NULL; /* out of memory: vasprintf leaves it undefined */
		fprintf(stderr, "faultmap: %s%s\n", prefix, format);
		return;
	}
	make_printable(text, level == LOG_LEVEL_DEBUG);
	fprintf(stderr, "faultmap: %s%s\n", prefix, text);
}

void log_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print(LOG_LEVEL_ERROR, "", format, arguments);
	va_end(arguments);
}

void log_warning(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print(LOG_LEVEL_WARNING, "warning: ", format, arguments);
	va_end(arguments);
}

void log_notice(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print(LOG_LEVEL_WARNING, "", format, arguments);
	va_end(arguments);
}

void log_info(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print(LOG_LEVEL_INFO, "", format, arguments);
	va_end(arguments);
}

void log_debug(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print(LOG_LEVEL_DEBUG, "", format, arguments);
	va_end(arguments);
}
