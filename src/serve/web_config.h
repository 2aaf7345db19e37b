/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The web configuration file: TLS, users, headers and a rate limit, in the format of Prometheus'
 * exporter-toolkit
 * (https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md).
 * Everything in it is checked when it is loaded, so that errors show at once.
 */
#ifndef FAULTMAP_WEB_CONFIG_H
#define FAULTMAP_WEB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "serve/web_suites.h"

enum client_auth {
	CLIENT_AUTH_NONE,
	CLIENT_AUTH_REQUEST,
	CLIENT_AUTH_REQUIRE_ANY,
	CLIENT_AUTH_VERIFY_IF_GIVEN,
	CLIENT_AUTH_VERIFY,
};

#define PRIORITIES_LEN 512

struct web_tls {
	char *certificate; /* PEM; NULL: no TLS */
	char *key;         /* PEM */
	char *client_ca;   /* PEM, or NULL */
	enum client_auth client_auth;
	char **client_sans; /* one of them must be in the client's certificate, if there are any */
	size_t n_client_sans;
	int suites[WEB_SUITES_MAX]; /* web_suite_find's; those of GnuTLS if there are none */
	size_t n_suites;
	char priorities[PRIORITIES_LEN]; /* GnuTLS's way to say versions, suites and groups */
};

struct web_user {
	char *name;
	char *hash; /* bcrypt */
};

struct web_header {
	const char *name;
	char *value;
};

/* A token bucket for all clients together. */
struct web_limit {
	uint64_t interval_ns; /* between two requests, in the long run; 0: no limit */
	uint64_t burst;
};

struct web_config {
	struct web_tls tls;
	struct web_limit limit;
	struct web_user *users;
	size_t n_users; /* 0: everybody */
	struct web_header *headers;
	size_t n_headers;
};

/* 0, or a negative errno with the error naming file, line and reason. */
int web_config_load(struct web_config **ret_config, const char *path, struct error *error);
/* NULL is fine. */
void web_config_free(struct web_config *config);

#endif
