// SPDX-License-Identifier: GPL-2.0-only
/* Web configurations: which are accepted, and with which line and words others are refused. */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "serve/web_config.h"

#define HASH "$2b$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u"
#define PAIR "  cert_file: cert.pem\n  key_file: key.pem\n"

static char directory[] = "/tmp/faultmap-web-config.XXXXXX";
static char path[64];

static void write_file(const char *name, const void *data, size_t size)
{
	char file[128];
	FILE *stream;

	snprintf(file, sizeof(file), "%s/%s", directory, name);
	stream = fopen(file, "w");
	assert_non_null(stream);
	assert_int_equal(fwrite(data, 1, size, stream), size);
	fclose(stream);
}

/* A key and its self-signed certificate. */
static void make_pair(const char *key_name, const char *certificate_name)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t certificate;
	gnutls_datum_t pem;

	gnutls_x509_privkey_init(&key);
	assert_int_equal(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
						      GNUTLS_CURVE_TO_BITS(
							      GNUTLS_ECC_CURVE_SECP256R1),
						      0),
			 0);
	assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem), 0);
	write_file(key_name, pem.data, pem.size);
	gnutls_free(pem.data);
	gnutls_x509_crt_init(&certificate);
	gnutls_x509_crt_set_version(certificate, 3);
	gnutls_x509_crt_set_serial(certificate, "\1", 1);
	gnutls_x509_crt_set_activation_time(certificate, time(NULL));
	gnutls_x509_crt_set_expiration_time(certificate, time(NULL) + 3600);
	gnutls_x509_crt_set_dn(certificate, "CN=test", NULL);
	gnutls_x509_crt_set_key(certificate, key);
	assert_int_equal(gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0),
			 0);
	assert_int_equal(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &pem), 0);
	write_file(certificate_name, pem.data, pem.size);
	gnutls_free(pem.data);
	gnutls_x509_crt_deinit(certificate);
	gnutls_x509_privkey_deinit(key);
}

static int make_files(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/web.yml", directory);
	make_pair("key.pem", "cert.pem");
	make_pair("other-key.pem", "ca.pem");
	write_file("empty.pem", "", 0);
	return 0;
}

static int remove_files(void **state)
{
	const char *names[] = { "web.yml",       "key.pem", "cert.pem",
				"other-key.pem", "ca.pem",  "empty.pem" };
	char file[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(file, sizeof(file), "%s/%s", directory, names[i]);
		unlink(file);
	}
	return rmdir(directory);
}

static struct web_config *load(const char *text)
{
	struct web_config *config;
	struct error error;

	write_file("web.yml", text, strlen(text));
	if (web_config_load(&config, path, &error) < 0)
		fail_msg("refused: %s", error.text);
	return config;
}

static void everything_is_taken(void **state)
{
	struct web_config *config = load("tls_server_config:\n" PAIR "  client_ca_file: ca.pem\n"
					 "  client_auth_type: RequireAndVerifyClientCert\n"
					 "  client_allowed_sans: [ a.example, 'b.example' ]\n"
					 "  min_version: TLS13\n"
					 "  max_version: \"TLS13\"\n"
					 "  curve_preferences:\n    - X25519\n    - CurveP256\n"
					 "  prefer_server_cipher_suites: true\n"
					 "http_server_config:\n"
					 "  http2: false\n"
					 "  headers:\n"
					 "    X-Frame-Options: deny\n"
					 "    X-Content-Type-Options: nosniff\n"
					 "basic_auth_users:\n"
					 "  alice: " HASH "\n"
					 "  'b o b': \"" HASH "\"\n");

	(void)state;
	assert_non_null(strstr(config->tls.certificate, "BEGIN CERTIFICATE"));
	assert_non_null(strstr(config->tls.key, "PRIVATE KEY"));
	assert_non_null(strstr(config->tls.client_ca, "BEGIN CERTIFICATE"));
	assert_int_equal(config->tls.client_auth, CLIENT_AUTH_VERIFY);
	assert_int_equal(config->tls.n_client_sans, 2);
	assert_string_equal(config->tls.client_sans[1], "b.example");
	assert_non_null(strstr(config->tls.priorities, "-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL"
						       ":+GROUP-X25519:+GROUP-SECP256R1"));
	assert_int_equal(config->n_headers, 2);
	assert_string_equal(config->headers[0].name, "X-Frame-Options");
	assert_string_equal(config->headers[0].value, "deny");
	assert_int_equal(config->n_users, 2);
	assert_string_equal(config->users[1].name, "b o b");
	assert_string_equal(config->users[1].hash, HASH);
	web_config_free(config);
}

static void defaults_are_tls_12_and_later(void **state)
{
	struct web_config *config = load("tls_server_config:\n" PAIR);

	(void)state;
	assert_non_null(strstr(config->tls.priorities, "-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"));
	assert_null(strstr(config->tls.priorities, "TLS1.1"));
	assert_int_equal(config->tls.client_auth, CLIENT_AUTH_NONE);
	web_config_free(config);
}

/* The suites that the priorities leave, up to TLS 1.2, one after another. */
static void list_suites(const char *priorities, char *names, size_t size)
{
	gnutls_priority_t parsed;
	unsigned int index;
	int result = 0;

	assert_int_equal(gnutls_priority_init(&parsed, priorities, NULL), 0);
	names[0] = '\0';
	for (unsigned int i = 0; result != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE; i++) {
		gnutls_protocol_t version;
		const char *name;

		result = gnutls_priority_get_cipher_suite_index(parsed, i, &index);
		if (result < 0)
			continue;
		name = gnutls_cipher_suite_info(index, NULL, NULL, NULL, NULL, &version);
		if (version != GNUTLS_TLS1_3)
			snprintf(names + strlen(names), size - strlen(names), "%s ", name);
	}
	gnutls_priority_deinit(parsed);
}

static void suites_by_default_have_forward_secrecy(void **state)
{
	struct web_config *config = load("tls_server_config:\n" PAIR);
	char names[4000];

	(void)state;
	list_suites(config->tls.priorities, names, sizeof(names));
	assert_null(strstr(names, "TLS_RSA_"));
	assert_non_null(strstr(names, "TLS_ECDHE_RSA_AES_128_GCM_SHA256 "));
	assert_non_null(strstr(names, "TLS_ECDHE_ECDSA_AES_128_GCM_SHA256 "));
	web_config_free(config);
}

static void suites_are_those_and_no_other(void **state)
{
	static const struct {
		const char *list;
		const char *names;
	} cases[] = {
		{ "[ TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 ]",
		  "TLS_ECDHE_ECDSA_AES_128_GCM_SHA256 " },
		{ "[ TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,"
		  " TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 ]",
		  "TLS_ECDHE_RSA_CHACHA20_POLY1305 TLS_ECDHE_RSA_AES_256_CBC_SHA1 " },
		{ "[ TLS_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 ]",
		  "TLS_RSA_AES_128_GCM_SHA256 TLS_ECDHE_RSA_AES_128_GCM_SHA256 " },
		{ "[ TLS_AES_128_GCM_SHA256 ]", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[400], names[4000];
		struct web_config *config;

		snprintf(text, sizeof(text), "tls_server_config:\n" PAIR "  cipher_suites: %s\n",
			 cases[i].list);
		config = load(text);
		list_suites(config->tls.priorities, names, sizeof(names));
		assert_string_equal(names, cases[i].names);
		web_config_free(config);
	}
}

static void tls_13_is_spoken_with_its_ciphers_only(void **state)
{
	struct web_config *config = load("tls_server_config:\n" PAIR "  cipher_suites: ["
					 " TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA ]\n");

	(void)state;
	assert_non_null(strstr(config->tls.priorities, "-VERS-ALL:+VERS-TLS1.2"));
	web_config_free(config);
	config = load("tls_server_config:\n" PAIR "  cipher_suites: ["
		      " TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 ]\n");
	assert_non_null(strstr(config->tls.priorities, "-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"));
	web_config_free(config);
}

/* A file's PEM as a block of the configuration. */
static void append_block(char *text, size_t size, const char *key, const char *name)
{
	char file[128], line[200];
	FILE *stream;

	snprintf(file, sizeof(file), "%s/%s", directory, name);
	stream = fopen(file, "r");
	snprintf(text + strlen(text), size - strlen(text), "  %s: |\n", key);
	while (fgets(line, sizeof(line), stream))
		snprintf(text + strlen(text), size - strlen(text), "    %s", line);
	fclose(stream);
}

static void certificates_may_be_in_the_file_itself(void **state)
{
	char text[16384] = "tls_server_config:\n";
	struct web_config *config;

	(void)state;
	append_block(text, sizeof(text), "cert", "cert.pem");
	append_block(text, sizeof(text), "key", "key.pem");
	append_block(text, sizeof(text), "client_ca", "ca.pem");
	strcat(text, "  client_auth_type: RequireAndVerifyClientCert\n");
	config = load(text);
	assert_non_null(strstr(config->tls.certificate, "BEGIN CERTIFICATE"));
	assert_non_null(strstr(config->tls.key, "PRIVATE KEY"));
	assert_non_null(strstr(config->tls.client_ca, "BEGIN CERTIFICATE"));
	web_config_free(config);
}

static void rate_limits_are_gos_durations(void **state)
{
	static const struct {
		const char *interval;
		uint64_t ns;
	} cases[] = {
		{ "0", 0 },
		{ "0s", 0 },
		{ "250ms", 250000000 },
		{ "1s", 1000000000 },
		{ "1.5s", 1500000000 },
		{ "1m30s", 90000000000 },
		{ "10us", 10000 },
		{ "1h", 3600000000000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[100];
		struct web_config *config;

		snprintf(text, sizeof(text), "rate_limit: { interval: %s, burst: 20 }\n",
			 cases[i].interval);
		config = load(text);
		assert_true(config->limit.interval_ns == cases[i].ns);
		assert_int_equal(config->limit.burst, 20);
		web_config_free(config);
	}
}

static void empty_parts_mean_nothing(void **state)
{
	const char *texts[] = { "{}", "http_server_config: {}\nbasic_auth_users: {}\n",
				"http_server_config:\n  headers:\n    X-Frame-Options: ''\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct web_config *config = load(texts[i]);

		assert_null(config->tls.certificate);
		assert_int_equal(config->n_users, 0);
		assert_int_equal(config->n_headers, 0);
		web_config_free(config);
	}
}

static const struct {
	const char *text;
	const char *line;
	const char *why;
} bad[] = {
	{ "tls_server_config:\n" PAIR "  cert_fill: x\n", "line 4:", "unknown key 'cert_fill'" },
	{ "tls_server: {}\n", "line 1:", "known are tls_server_config, http_server_config" },
	{ "tls_server_config: [\n", "line 2:", "not YAML" },
	{ "tls_server_config:\n\tcert_file: x\n", "line 2:", "not YAML" },
	{ "", "line 1:", "it is empty" },
	{ "# nothing\n", "line 1:", "it is empty" },
	{ "---\n", "line ", "it is empty" },
	{ "~\n", "line 1:", "it is empty" },
	{ "null\n", "line 1:", "it is empty" },
	{ "basic_auth_users:\n", "line 1:", "nothing is below this key" },
	{ "rate_limit: {}\nbasic_auth_users: # cut\n", "line 2:", "nothing is below this key" },
	{ "tls_server_config: ~\n", "line 1:", "nothing is below this key" },
	{ "just text\n", "line 1:", "KEY: VALUE" },
	{ "- a\n", "line 1:", "KEY: VALUE" },
	{ "tls_server_config:\n" PAIR "  key_file: key.pem\n", "line 4:", "twice" },
	{ "tls_server_config:\n  cert_file: cert.pem\n", "line 2:", "key_file is missing" },
	{ "tls_server_config:\n  min_version: TLS12\n", "line 2:", "cert_file is missing" },
	{ "tls_server_config:\n  cert_file: nowhere.pem\n",
	  "line 2:", "nowhere.pem: No such file" },
	{ "tls_server_config:\n  cert_file: /\n", "line 2:", "Is a directory" },
	{ "tls_server_config:\n  cert_file: [ a ]\n", "line 2:", "cert_file: wants one text" },
	{ "tls_server_config:\n  cert_file: cert.pem\n  key_file: other-key.pem\n",
	  "line 2:", "cert_file and key_file:" },
	{ "tls_server_config:\n  cert_file: empty.pem\n  key_file: key.pem\n",
	  "line 2:", "cert_file and key_file:" },
	{ "tls_server_config:\n" PAIR "  min_version: TLS14\n",
	  "line 4:", "give one of TLS10, TLS11, TLS12, TLS13" },
	{ "tls_server_config:\n" PAIR "  min_version: TLS13\n  max_version: TLS12\n",
	  "line 2:", "min_version TLS13 is above max_version TLS12" },
	{ "tls_server_config:\n" PAIR "  max_version: TLS11\n", "line 2:", "min_version TLS12" },
	{ "tls_server_config:\n" PAIR "  client_auth_type: Sometimes\n", "line 4:", "'Sometimes'" },
	{ "tls_server_config:\n" PAIR "  client_auth_type: RequireAndVerifyClientCert\n",
	  "line 2:", "wants a client_ca_file" },
	{ "tls_server_config:\n" PAIR "  client_ca_file: ca.pem\n", "line 2:", "client_auth_type" },
	{ "tls_server_config:\n" PAIR "  client_allowed_sans: [ a.example ]\n",
	  "line 2:", "client_allowed_sans does nothing" },
	{ "tls_server_config:\n" PAIR
	  "  client_ca_file: empty.pem\n  client_auth_type: VerifyClientCertIfGiven\n",
	  "line 2:", "client_ca_file:" },
	{ "tls_server_config:\n" PAIR "  curve_preferences: X25519\n", "line 4:", "wants a list" },
	{ "tls_server_config:\n" PAIR "  curve_preferences: [ X448 ]\n", "line 4:", "'X448'" },
	{ "tls_server_config:\n" PAIR "  cipher_suites: [ TLS_RSA_WITH_RC4_128_SHA ]\n",
	  "line 4:", "cipher_suites: 'TLS_RSA_WITH_RC4_128_SHA' is none of the safe" },
	{ "tls_server_config:\n" PAIR "  cipher_suites: [ TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,\n"
	  "    TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA ]\n",
	  "line 2:", "they allow TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA too" },
	{ "tls_server_config:\n" PAIR "  min_version: TLS13\n"
	  "  cipher_suites: [ TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA ]\n",
	  "line 2:", "cipher_suites: TLS 1.3 speaks none" },
	{ "tls_server_config:\n" PAIR "  max_version: TLS12\n"
	  "  cipher_suites: [ TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256 ]\n",
	  "line 2:", "none of these is for the versions" },
	{ "tls_server_config:\n" PAIR "  min_version: TLS10\n  max_version: TLS11\n"
	  "  cipher_suites: [ TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 ]\n",
	  "line 2:", "none of these is for the versions" },
	{ "tls_server_config:\n" PAIR "  cipher_suites: { a: b }\n", "line 4:", "wants a list" },
	{ "tls_server_config:\n" PAIR "  cert: x\n", "line 4:", "cert: it is given twice" },
	{ "tls_server_config:\n  key: x\n" PAIR, "line 4:", "key_file: it is given twice" },
	{ "tls_server_config:\n  key_file: key.pem\n  cert: x\n",
	  "line 2:", "cert_file and key_file:" },
	{ "rate_limit: 5\n", "line 1:", "KEY: VALUE" },
	{ "rate_limit:\n  interval: 5\n", "line 2:", "wants a time" },
	{ "rate_limit:\n  interval: s\n", "line 2:", "wants a time" },
	{ "rate_limit:\n  interval: 1 s\n", "line 2:", "wants a time" },
	{ "rate_limit:\n  interval: -1s\n", "line 2:", "wants a time" },
	{ "rate_limit:\n  interval: 1s5\n", "line 2:", "wants a time" },
	{ "rate_limit:\n  interval: 1ss\n", "line 2:", "wants a time" },
	{ "rate_limit:\n  interval: 1.2.3s\n", "line 2:", "wants a time" },
	{ "rate_limit:\n  interval: .s\n", "line 2:", "wants a time" },
	{ "rate_limit:\n  interval: 25h\n", "line 2:", "at most a day" },
	{ "rate_limit:\n  interval: 24h\n  burst: 1000000\n", "line 2:", "a hundred years" },
	{ "rate_limit:\n  burst: 1.5\n", "line 2:", "wants a number" },
	{ "rate_limit:\n  burst: -1\n", "line 2:", "wants a number" },
	{ "rate_limit:\n  interval: 1s\n", "line 2:", "with no burst" },
	{ "http_server_config:\n  headers:\n    Server: me\n", "line 3:", "unknown key 'Server'" },
	{ "http_server_config:\n  headers:\n    X-Frame-Options: maybe\n", "line 3:", "DENY" },
	{ "http_server_config:\n  headers:\n    X-XSS-Protection: \"a\\r\\nb: c\"\n",
	  "line 3:", "control" },
	{ "http_server_config:\n  http2: 2\n", "line 2:", "true, false" },
	{ "basic_auth_users: alice\n", "line 1:", "NAME: HASH" },
	{ "basic_auth_users:\n  alice: secret\n", "line 2:", "user 'alice': not a bcrypt hash" },
	{ "basic_auth_users:\n  alice: " HASH "\n  alice: " HASH "\n", "line 3:", "twice" },
	{ "basic_auth_users:\n  'a:b': " HASH "\n", "line 2:", "colon" },
	{ "basic_auth_users:\n  '': " HASH "\n", "line 2:", "colon" },
	{ "basic_auth_users:\n  \"a\\0b\": " HASH "\n", "line 2:", "one text" },
	{ "basic_auth_users:\n  ? [ a ]\n  : " HASH "\n", "line 2:", "one text" },
};

static void bad_files_are_refused_by_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct web_config *config;
		struct error error;

		write_file("web.yml", bad[i].text, strlen(bad[i].text));
		if (web_config_load(&config, path, &error) != -EINVAL)
			fail_msg("accepted: %s", bad[i].text);
		if (!strstr(error.text, path) || !strstr(error.text, bad[i].line) ||
		    !strstr(error.text, bad[i].why) || strchr(error.text, '\n'))
			fail_msg("want %s %s, got: %s", bad[i].line, bad[i].why, error.text);
	}
}

static void a_missing_file_is_named(void **state)
{
	struct web_config *config;
	struct error error;

	(void)state;
	assert_int_equal(web_config_load(&config, "/nowhere/web.yml", &error), -ENOENT);
	assert_non_null(strstr(error.text, "/nowhere/web.yml: No such file"));
}

/* A FIFO without a writer reads as an empty file. */
static void only_a_regular_file_is_read(void **state)
{
	char fifo[128], text[200];
	struct web_config *config;
	struct error error;

	(void)state;
	snprintf(fifo, sizeof(fifo), "%s/fifo", directory);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_true(web_config_load(&config, fifo, &error) < 0);
	assert_non_null(strstr(error.text, "not a regular file"));
	snprintf(text, sizeof(text), "tls_server_config:\n  cert_file: %s\n", fifo);
	write_file("web.yml", text, strlen(text));
	assert_int_equal(web_config_load(&config, path, &error), -EINVAL);
	assert_non_null(strstr(error.text, "fifo: not a regular file"));
	assert_true(web_config_load(&config, "/dev/null", &error) < 0);
	unlink(fifo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_taken),
		cmocka_unit_test(defaults_are_tls_12_and_later),
		cmocka_unit_test(suites_by_default_have_forward_secrecy),
		cmocka_unit_test(suites_are_those_and_no_other),
		cmocka_unit_test(tls_13_is_spoken_with_its_ciphers_only),
		cmocka_unit_test(certificates_may_be_in_the_file_itself),
		cmocka_unit_test(rate_limits_are_gos_durations),
		cmocka_unit_test(empty_parts_mean_nothing),
		cmocka_unit_test(bad_files_are_refused_by_line),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(only_a_regular_file_is_read),
	};

	return cmocka_run_group_tests_name("web_config", tests, make_files, remove_files);
}
