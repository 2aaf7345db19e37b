/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `cipher_suites` of the web configuration: translates Go's names, which exporter-toolkit takes, to
 * GnuTLS. GnuTLS does not choose among suites but among key exchanges, ciphers and MACs, so not
 * every list is possible: a list that would allow other suites too is refused with their name.
 */
#ifndef FAULTMAP_WEB_SUITES_H
#define FAULTMAP_WEB_SUITES_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define WEB_SUITES_MAX 20 /* of one list: there are fewer, and none counts twice */

/* For messages. */
#define WEB_SUITE_EXAMPLE "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"

/* The suite's place in the table, or -1. */
int web_suite_find(const char *name);
/* Appends what allows these suites and no other to GnuTLS's priorities in text of that size. */
void web_suites_print(const int *suites, size_t n_suites, char *text, size_t size);
/* The same without a list: GnuTLS's defaults, except suites without forward secrecy. */
void web_suites_print_default(char *text, size_t size);
/* Does one of them have a cipher that TLS 1.3 speaks too? */
bool web_suites_fit_tls13(const int *suites, size_t n_suites);
/* Whether they allow no other, and one of the versions of the priorities can use any of them. 0, or
 * -EINVAL with the error naming the first other one, or saying that there is none. */
int web_suites_check(const int *suites, size_t n_suites, gnutls_priority_t priorities,
		     struct error *error);

#endif
