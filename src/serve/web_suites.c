// SPDX-License-Identifier: GPL-2.0-only
#include "serve/web_suites.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

#define PARTS 3

struct suite {
	const char *name;
	unsigned char id[2];      /* IANA's, which GnuTLS tells as well */
	const char *parts[PARTS]; /* key exchange, cipher, MAC; TLS 1.3 has its own key exchange */
};

/* tls.CipherSuites() of Go, with those that were in it before Go 1.22 (key exchange RSA). */
static const struct suite suites_known[] = {
	{ "TLS_AES_128_GCM_SHA256", { 0x13, 0x01 }, { NULL, "+AES-128-GCM", "+AEAD" } },
	{ "TLS_AES_256_GCM_SHA384", { 0x13, 0x02 }, { NULL, "+AES-256-GCM", "+AEAD" } },
	{ "TLS_CHACHA20_POLY1305_SHA256", { 0x13, 0x03 }, { NULL, "+CHACHA20-POLY1305", "+AEAD" } },
	{ "TLS_RSA_WITH_AES_128_CBC_SHA", { 0x00, 0x2f }, { "+RSA", "+AES-128-CBC", "+SHA1" } },
	{ "TLS_RSA_WITH_AES_256_CBC_SHA", { 0x00, 0x35 }, { "+RSA", "+AES-256-CBC", "+SHA1" } },
	{ "TLS_RSA_WITH_AES_128_GCM_SHA256", { 0x00, 0x9c }, { "+RSA", "+AES-128-GCM", "+AEAD" } },
	{ "TLS_RSA_WITH_AES_256_GCM_SHA384", { 0x00, 0x9d }, { "+RSA", "+AES-256-GCM", "+AEAD" } },
	{ "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
	  { 0xc0, 0x09 },
	  { "+ECDHE-ECDSA", "+AES-128-CBC", "+SHA1" } },
	{ "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
	  { 0xc0, 0x0a },
	  { "+ECDHE-ECDSA", "+AES-256-CBC", "+SHA1" } },
	{ "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
	  { 0xc0, 0x13 },
	  { "+ECDHE-RSA", "+AES-128-CBC", "+SHA1" } },
	{ "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
	  { 0xc0, 0x14 },
	  { "+ECDHE-RSA", "+AES-256-CBC", "+SHA1" } },
	{ "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
	  { 0xc0, 0x2b },
	  { "+ECDHE-ECDSA", "+AES-128-GCM", "+AEAD" } },
	{ "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
	  { 0xc0, 0x2c },
	  { "+ECDHE-ECDSA", "+AES-256-GCM", "+AEAD" } },
	{ "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
	  { 0xc0, 0x2f },
	  { "+ECDHE-RSA", "+AES-128-GCM", "+AEAD" } },
	{ "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
	  { 0xc0, 0x30 },
	  { "+ECDHE-RSA", "+AES-256-GCM", "+AEAD" } },
	{ "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	  { 0xcc, 0xa8 },
	  { "+ECDHE-RSA", "+CHACHA20-POLY1305", "+AEAD" } },
	{ "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
	  { 0xcc, 0xa9 },
	  { "+ECDHE-ECDSA", "+CHACHA20-POLY1305", "+AEAD" } },
};

static_assert(ARRAY_SIZE(suites_known) <= WEB_SUITES_MAX, "a list holds each of them");

int web_suite_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(suites_known); i++) {
		if (!strcmp(suites_known[i].name, name))
			return (int)i;
	}
	return -1;
}

/* None of the parts is the beginning of another one. */
static void append(char *text, size_t size, const char *part)
{
	size_t length = strlen(text);

	if (part && !strstr(text, part))
		snprintf(text + length, size - length, ":%s", part);
}

void web_suites_print(const int *suites, size_t n_suites, char *text, size_t size)
{
	append(text, size, "-KX-ALL:-CIPHER-ALL:-MAC-ALL");
	for (int part = 0; part < PARTS; part++) {
		for (size_t i = 0; i < n_suites; i++)
			append(text, size, suites_known[suites[i]].parts[part]);
	}
}

/* Without the key exchange RSA, with which a stolen key decrypts all recorded connections. A list
 * may have it. */
void web_suites_print_default(char *text, size_t size)
{
	append(text, size, "-RSA");
}

/* All those with an AEAD cipher, of those that Go has. */
bool web_suites_fit_tls13(const int *suites, size_t n_suites)
{
	for (size_t i = 0; i < n_suites; i++) {
		if (!strcmp(suites_known[suites[i]].parts[PARTS - 1], "+AEAD"))
			return true;
	}
	return false;
}

/* The name that a list has for it; GnuTLS's name for a suite that no list may have. */
static const char *name_of(const unsigned char id[2], const char *gnutls_name)
{
	for (size_t i = 0; i < ARRAY_SIZE(suites_known); i++) {
		if (!memcmp(suites_known[i].id, id, 2))
			return suites_known[i].name;
	}
	return gnutls_name;
}

static bool is_listed(const int *suites, size_t n_suites, const unsigned char id[2])
{
	for (size_t i = 0; i < n_suites; i++) {
		if (!memcmp(suites_known[suites[i]].id, id, 2))
			return true;
	}
	return false;
}

/* A suite is for its version and later ones, but TLS 1.3 has no suite in common with older
 * versions. */
static bool is_spoken(gnutls_protocol_t suite_version, gnutls_priority_t priorities)
{
	const unsigned int *versions;
	int count = gnutls_priority_protocol_list(priorities, &versions);

	for (int i = 0; i < count; i++) {
		if ((versions[i] == GNUTLS_TLS1_3) == (suite_version == GNUTLS_TLS1_3) &&
		    versions[i] >= suite_version)
			return true;
	}
	return false;
}

/* TLS 1.3 has suites of its own, one for each allowed cipher. As in Go, the list does not contain
 * them. */
int web_suites_check(const int *suites, size_t n_suites, gnutls_priority_t priorities,
		     struct error *error)
{
	unsigned int index;
	bool has_one = false;
	int result = 0;

	for (unsigned int i = 0; result != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE; i++) {
		unsigned char id[2];
		gnutls_protocol_t version;
		const char *name;

		result = gnutls_priority_get_cipher_suite_index(priorities, i, &index);
		if (result < 0)
			continue;
		name = gnutls_cipher_suite_info(index, id, NULL, NULL, NULL, &version);
		if (!name)
			continue;
		has_one |= is_spoken(version, priorities);
		if (version == GNUTLS_TLS1_3 || is_listed(suites, n_suites, id))
			continue;
		return error_set(error, EINVAL,
				 "cipher_suites: GnuTLS combines each key exchange of these with "
				 "each cipher, so that they allow %s too; add it, or take one out",
				 name_of(id, name));
	}
	return has_one ? 0 :
			 error_set(error, EINVAL,
				   "cipher_suites: none of these is for the versions from "
				   "min_version to max_version, so that nobody could connect");
}
