// SPDX-License-Identifier: GPL-2.0-only
#include "serve/web_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/x509.h>
#include <string.h>

#include "base/util.h"

/* A SAN is a DNS name, an address of 4 or 16 bytes, an e-mail address or a URI. */
#define SAN_LEN 1024

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){ .data = (unsigned char *)text,
				 .size = (unsigned int)strlen(text) };
}

static int fail(const char *what, int result, struct error *error)
{
	return error_set(error, EINVAL, "%s: %s", what, gnutls_strerror(result));
}

static int check_files(const struct web_tls *tls, gnutls_certificate_credentials_t credentials,
		       struct error *error)
{
	gnutls_datum_t certificate = datum(tls->certificate);
	gnutls_datum_t key = datum(tls->key);
	gnutls_datum_t client_ca = datum(tls->client_ca ? tls->client_ca : "");
	int result = gnutls_certificate_set_x509_key_mem2(credentials, &certificate, &key,
							  GNUTLS_X509_FMT_PEM, NULL, 0);

	if (result < 0)
		return fail("cert_file and key_file", result, error);
	if (!tls->client_ca)
		return 0;
	result = gnutls_certificate_set_x509_trust_mem(credentials, &client_ca,
						       GNUTLS_X509_FMT_PEM);
	if (result < 0)
		return fail("client_ca_file", result, error);
	return result > 0 ? 0 : error_set(error, EINVAL, "client_ca_file: no certificate in it");
}

int web_tls_check(const struct web_tls *tls, struct error *error)
{
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priorities;
	int result = gnutls_priority_init(&priorities, tls->priorities, NULL);

	if (result < 0)
		return fail("min_version, max_version, cipher_suites and curve_preferences", result,
			    error);
	if (tls->n_suites)
		result = web_suites_check(tls->suites, tls->n_suites, priorities, error);
	gnutls_priority_deinit(priorities);
	if (result < 0)
		return result;
	result = gnutls_certificate_allocate_credentials(&credentials);
	if (result < 0)
		return fail("tls_server_config", result, error);
	result = check_files(tls, credentials, error);
	gnutls_certificate_free_credentials(credentials);
	return result;
}

static bool is_allowed(const struct web_tls *tls, const char *san)
{
	for (size_t i = 0; i < tls->n_client_sans; i++) {
		if (!strcmp(tls->client_sans[i], san))
			return true;
	}
	return false;
}

/* False if it contains a NUL: it would be taken for the shorter name before that. */
static bool is_well_formed(int type, const char *san, size_t size)
{
	if (type == GNUTLS_SAN_IPADDRESS)
		return size == 4 || size == 16;
	return !memchr(san, '\0', size);
}

/* An address as people write it; everything else is text already. */
static void san_text(int type, char *san, size_t size)
{
	char text[INET6_ADDRSTRLEN];

	if (type != GNUTLS_SAN_IPADDRESS) {
		san[size] = '\0';
		return;
	}
	if (!inet_ntop(size == 4 ? AF_INET : AF_INET6, san, text, sizeof(text)))
		text[0] = '\0';
	strcpy(san, text);
}

static bool has_allowed_san(const struct web_tls *tls, gnutls_x509_crt_t certificate)
{
	bool found = false;

	for (unsigned int i = 0; !found; i++) {
		char san[SAN_LEN + 1];
		size_t size = SAN_LEN;
		int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, san, &size, NULL);

		if (type < 0 && type != GNUTLS_E_SHORT_MEMORY_BUFFER)
			break;
		if (type < 0 || !is_well_formed(type, san, size))
			continue; /* none that anybody allows */
		san_text(type, san, size);
		found = is_allowed(tls, san);
	}
	return found;
}

static bool is_allowed_client(const struct web_tls *tls, const gnutls_datum_t *raw)
{
	gnutls_x509_crt_t certificate;
	bool found;

	if (gnutls_x509_crt_init(&certificate) < 0)
		return false;
	found = gnutls_x509_crt_import(certificate, raw, GNUTLS_X509_FMT_DER) >= 0 &&
		has_allowed_san(tls, certificate);
	gnutls_x509_crt_deinit(certificate);
	return found;
}

/* Called within the handshake. GnuTLS has already checked whether there must be a certificate. */
static int verify_client(gnutls_session_t session)
{
	const struct web_tls *tls = gnutls_session_get_ptr(session);
	gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
					  .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT };
	unsigned int n_certificates, status;
	const gnutls_datum_t *certificates = gnutls_certificate_get_peers(session, &n_certificates);
	bool verifies = tls->client_auth == CLIENT_AUTH_VERIFY ||
			tls->client_auth == CLIENT_AUTH_VERIFY_IF_GIVEN;

	if (!certificates || !n_certificates)
		return tls->client_auth == CLIENT_AUTH_VERIFY ? -1 : 0;
	if (verifies &&
	    (gnutls_certificate_verify_peers(session, &purpose, 1, &status) < 0 || status))
		return -1;
	return !tls->n_client_sans || is_allowed_client(tls, &certificates[0]) ? 0 : -1;
}

void web_tls_prepare(const struct web_tls *tls, gnutls_session_t session)
{
	bool requires = tls->client_auth == CLIENT_AUTH_REQUIRE_ANY ||
			tls->client_auth == CLIENT_AUTH_VERIFY;

	if (tls->client_auth == CLIENT_AUTH_NONE)
		return;
	gnutls_session_set_ptr(session, (void *)tls);
	gnutls_certificate_server_set_request(session,
					      requires ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST);
	gnutls_session_set_verify_function(session, verify_client);
}
