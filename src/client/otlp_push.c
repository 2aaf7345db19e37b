// SPDX-License-Identifier: GPL-2.0-only
#include "client/otlp_push.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "base/util.h"
#include "client/curl_library.h"

#define PUSH_SECONDS 10L
/* How much of a refusing receiver's answer is shown. */
#define REFUSAL_LEN 160

struct otlp_push {
	struct curl_library curl;
	CURL *transfer;
	struct curl_slist *headers;
	char *url;
	char wrong[CURL_ERROR_SIZE];
	char refusal[REFUSAL_LEN];
	size_t refusal_length;
};

/* Behind the scheme; NULL for another one. */
static const char *host_of(const char *url)
{
	if (!strncasecmp(url, "http://", 7))
		return url + 7;
	return strncasecmp(url, "https://", 8) ? NULL : url + 8;
}

int otlp_push_check(const char *url, struct error *error)
{
	const char *host = host_of(url);

	if (!host || !*host || strchr("/:?#", *host) || strpbrk(url, " \t\"<>\\^`{|}"))
		return error_set(
			error, EINVAL,
			"otlp: \"%.200s\" is neither http://HOST[:PORT] nor https://HOST[:PORT]",
			url);
	if (strchr(host, '@'))
		return error_set(error, EINVAL,
				 "otlp: everybody on this machine can read a password there; "
				 "OTEL_EXPORTER_OTLP_HEADERS is for that");
	return 0;
}

/* libcurl's callback: keeps the beginning of the answer for the message. */
static size_t take(char *bytes, size_t size, size_t count, void *context)
{
	struct otlp_push *push = context;
	size_t room = sizeof(push->refusal) - 1 - push->refusal_length;
	size_t length = min_of(size * count, room);

	memcpy(push->refusal + push->refusal_length, bytes, length);
	push->refusal_length += length;
	push->refusal[push->refusal_length] = '\0';
	return size * count;
}

static int add_header(struct otlp_push *push, const char *line)
{
	struct curl_slist *longer = push->curl.slist_append(push->headers, line);

	if (!longer)
		return -ENOMEM;
	push->headers = longer;
	return 0;
}

static int digit_of(char digit)
{
	return digit >= '0' && digit <= '9' ? digit - '0' :
	       digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 :
	       digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 :
					      -1;
}

/* Decodes %20 and the like in place, as W3C baggage has it. Control characters stay encoded: a header
 * is one line. */
static void decode(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		int high = *from == '%' ? digit_of(from[1]) : -1;
		int low = high >= 0 ? digit_of(from[2]) : -1;
		int byte = 16 * high + low;

		if (low < 0 || byte < 0x20 || byte == 0x7f) {
			*to++ = *from;
			continue;
		}
		*to++ = (char)byte;
		from += 2;
	}
	*to = '\0';
}

/* "NAME=VALUE,NAME=VALUE", as https://opentelemetry.io/docs/specs/otel/protocol/exporter/ has it. */
static int add_headers(struct otlp_push *push, const char *text)
{
	autofree char *copy = strdup(text ?: "");
	char *next = copy, *part;
	int result = copy ? 0 : -ENOMEM;

	while (!result && (part = strsep(&next, ","))) {
		char *equals = strchr(part, '=');
		autofree char *line = NULL;

		if (!equals)
			continue;
		*equals = '\0';
		decode(equals + 1);
		if (asprintf(&line, "%s: %s", part + strspn(part, " "), equals + 1) < 0) {
			line = NULL;
			return -ENOMEM;
		}
		result = add_header(push, line);
	}
	return result;
}

static int set_options(struct otlp_push *push, const char *headers)
{
	const struct curl_library *curl = &push->curl;
	int result = add_header(push, "Content-Type: application/json");

	if (!result) /* else libcurl waits for "100 Continue" before it sends the body */
		result = add_header(push, "Expect:");
	if (!result)
		result = add_headers(push, headers);
	curl->easy_setopt(push->transfer, CURLOPT_URL, push->url);
	curl->easy_setopt(push->transfer, CURLOPT_HTTPHEADER, push->headers);
	curl->easy_setopt(push->transfer, CURLOPT_WRITEFUNCTION, take);
	curl->easy_setopt(push->transfer, CURLOPT_WRITEDATA, push);
	curl->easy_setopt(push->transfer, CURLOPT_ERRORBUFFER, push->wrong);
	curl->easy_setopt(push->transfer, CURLOPT_PROTOCOLS_STR, "http,https");
	curl->easy_setopt(push->transfer, CURLOPT_PROXY, "");
	curl->easy_setopt(push->transfer, CURLOPT_NOSIGNAL, 1L);
	curl->easy_setopt(push->transfer, CURLOPT_TIMEOUT, PUSH_SECONDS);
	return result;
}

int otlp_push_new(struct otlp_push **ret_push, const char *url, const char *headers,
		  struct error *error)
{
	struct otlp_push *push = calloc(1, sizeof(*push));
	bool has_path;
	int result;

	if (!push)
		return error_set(error, ENOMEM, "otlp: out of memory");
	result = curl_library_load(&push->curl, "--otlp", error);
	if (result < 0) {
		free(push);
		return result;
	}
	has_path = strchr(host_of(url), '/');
	if (push->curl.global_init(CURL_GLOBAL_DEFAULT) ||
	    !(push->transfer = push->curl.easy_init()) ||
	    asprintf(&push->url, "%s%s", url, has_path ? "" : "/v1/metrics") < 0 ||
	    set_options(push, headers)) {
		free(push); /* the process ends */
		return error_set(error, ENOMEM, "otlp: out of memory");
	}
	*ret_push = push;
	return 0;
}

/* As the protocol has it: https://opentelemetry.io/docs/specs/otlp/#otlphttp-response */
static bool is_for_later(long status)
{
	return status == 429 || status == 502 || status == 503 || status == 504;
}

int otlp_push_send(struct otlp_push *push, const char *body, size_t size, struct error *error)
{
	char said[2 * REFUSAL_LEN];
	long status = 0;
	CURLcode code;

	push->refusal_length = 0;
	push->refusal[0] = push->wrong[0] = '\0';
	push->curl.easy_setopt(push->transfer, CURLOPT_POSTFIELDS, body);
	push->curl.easy_setopt(push->transfer, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
	code = push->curl.easy_perform(push->transfer);
	if (code) {
		error_set(error, EAGAIN, "%s",
			  *push->wrong ? push->wrong : push->curl.easy_strerror(code));
		return -EAGAIN;
	}
	push->curl.easy_getinfo(push->transfer, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status < 300)
		return 1;
	text_escape_to(said, sizeof(said), push->refusal);
	error_set(error, EAGAIN, "the receiver answers %ld%s%s", status, *said ? ": " : "", said);
	return is_for_later(status) ? -EAGAIN : 0;
}
