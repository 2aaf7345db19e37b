// SPDX-License-Identifier: GPL-2.0-only
/* What Accept and Accept-Encoding choose, with the headers that real clients send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "serve/negotiate.h"

#define TEXT 0
#define OPENMETRICS 1
#define REFUSED (-1)

static const char *const types[] = {
	"text/plain; version=0.0.4; charset=utf-8",
	"application/openmetrics-text; version=1.0.0; charset=utf-8",
};

static const struct {
	const char *accept;
	int want;
} accepts[] = {
	{ NULL, TEXT },
	{ "", TEXT },
	{ " , ", TEXT },
	{ "*/*", TEXT },
	/* Prometheus 2.42 */
	{ "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
	  "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
	  OPENMETRICS },
	/* Prometheus 3 */
	{ "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
	  "application/openmetrics-text;version=0.0.1;q=0.5,"
	  "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,"
	  "*/*;q=0.2",
	  OPENMETRICS },
	/* Firefox */
	{ "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
	  TEXT },
	{ "application/openmetrics-text; version=0.0.1", REFUSED },
	{ "application/openmetrics-text; version=0.0.1, text/plain;q=0.1", TEXT },
	{ "application/openmetrics-text", OPENMETRICS },
	{ "Application/OpenMetrics-Text; VERSION=\"1.0.0\"", OPENMETRICS },
	{ "application/*", OPENMETRICS },
	{ "application/*;q=0.3, text/*;q=0.2", OPENMETRICS },
	{ "application/openmetrics-text, text/plain", TEXT },
	{ "text/plain;q=0.5, application/openmetrics-text;q=0.501", OPENMETRICS },
	{ "text/plain;q=0.500, application/openmetrics-text;q=0.5", TEXT },
	/* The closest range decides, wherever it stands. */
	{ "*/*;q=1, text/plain;q=0", OPENMETRICS },
	{ "text/plain;q=0, */*", OPENMETRICS },
	{ "text/*;q=0, text/plain;version=0.0.4;q=0.1, application/*;q=0.05", TEXT },
	{ "text/plain;version=1.0.0, text/plain;q=0", REFUSED },
	{ "application/json", REFUSED },
	{ "application/json, */*;q=0.01", TEXT },
	{ "text/plain;q=0", REFUSED },
	{ "text", REFUSED },
	{ "text/", REFUSED },
	{ "/plain", REFUSED },
	{ "*", REFUSED },
	{ "text/plain;q=", REFUSED },
	{ "text/plain;q=2", REFUSED },
	{ "text/plain;q=0.x", REFUSED },
	{ "text/plain;q=-1", REFUSED },
	{ "text/plain;q=1.9", TEXT },
	/* A comma or semicolon within quotes divides nothing. */
	{ "application/openmetrics-text;x=\",text/plain;q=1\";q=0.5", OPENMETRICS },
	{ "application/json;x=\"\\\", text/plain", REFUSED },
	{ "application/json;x=\"", REFUSED },
	{ "application/json;x=\"\\", REFUSED },
};

static void the_accepted_type_is_chosen(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(accepts) / sizeof(*accepts); i++) {
		int got = negotiate_type(accepts[i].accept, types, 2);

		if (got != accepts[i].want)
			fail_msg("Accept: %s: got %d, want %d", accepts[i].accept, got,
				 accepts[i].want);
	}
}

static const struct {
	const char *accept_encoding;
	enum coding want;
} encodings[] = {
	{ NULL, CODING_IDENTITY },
	{ "", CODING_IDENTITY },
	{ "gzip", CODING_GZIP },
	{ "deflate, gzip, br, zstd", CODING_GZIP },
	{ "GZIP;q=0.1", CODING_GZIP },
	{ "x-gzip", CODING_GZIP },
	{ "br", CODING_IDENTITY },
	{ "*", CODING_GZIP },
	{ "*;q=0.5, gzip;q=0", CODING_IDENTITY },
	{ "gzip;q=0", CODING_IDENTITY },
	{ "gzip;q=0.5, identity", CODING_IDENTITY },
	{ "gzip;q=0.5, identity;q=0.5", CODING_GZIP },
	{ "identity;q=0, gzip", CODING_GZIP },
	{ "identity;q=0", CODING_NONE },
	{ "*;q=0", CODING_NONE },
	{ "*;q=0, identity", CODING_IDENTITY },
	{ "br, *;q=0", CODING_NONE },
};

static void the_accepted_coding_is_chosen(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(encodings) / sizeof(*encodings); i++) {
		enum coding got = negotiate_coding(encodings[i].accept_encoding);

		if (got != encodings[i].want)
			fail_msg("Accept-Encoding: %s: got %d, want %d",
				 encodings[i].accept_encoding, got, encodings[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_accepted_type_is_chosen),
		cmocka_unit_test(the_accepted_coding_is_chosen),
	};

	return cmocka_run_group_tests_name("negotiate", tests, NULL, NULL);
}
