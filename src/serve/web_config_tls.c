// SPDX-License-Identifier: GPL-2.0-only
/* tls_server_config of the web configuration. */
#include "serve/web_loader.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"
#include "serve/web_tls.h"

enum tls_version { TLS_UNSET, TLS_10, TLS_11, TLS_12, TLS_13 };

/* exporter-toolkit's words, and GnuTLS's; indexed by enum tls_version. */
static const char *const version_words[] = { "", "TLS10", "TLS11", "TLS12", "TLS13", NULL };
static const char *const version_priorities[] = { "", "+VERS-TLS1.0", "+VERS-TLS1.1",
						  "+VERS-TLS1.2", "+VERS-TLS1.3" };
static const char *const client_auth_words[] = { "NoClientCert",
						 "RequestClientCert",
						 "RequireAnyClientCert",
						 "VerifyClientCertIfGiven",
						 "RequireAndVerifyClientCert",
						 NULL };
static const char *const curve_words[] = { "CurveP256", "CurveP384", "CurveP521", "X25519", NULL };
static const char *const curve_priorities[] = { "+GROUP-SECP256R1", "+GROUP-SECP384R1",
						"+GROUP-SECP521R1", "+GROUP-X25519" };

/* Relative paths start from the configuration's directory, as Prometheus has them. */
static char *path_of(const struct web_loader *loader, const char *name)
{
	const char *slash = strrchr(loader->path, '/');
	char *path;
	int length = slash && name[0] != '/' ? (int)(slash - loader->path) + 1 : 0;

	return asprintf(&path, "%.*s%s", length, loader->path, name) < 0 ? NULL : path;
}

static int set_pem(struct web_loader *loader, const struct web_key *key, yaml_node_t *value)
{
	char **target = (char **)((char *)&loader->config->tls + key->offset);
	const char *name = web_loader_scalar(loader, key->name, value);
	autofree char *path = name ? path_of(loader, name) : NULL;
	size_t size;
	int result;

	if (!name)
		return -EINVAL;
	if (!*name)
		return 0;
	if (*target)
		return web_loader_fail(loader, value, "%s: it is given twice, as a file and here",
				       key->name);
	result = path ? web_loader_read_file(path, target, &size) : -ENOMEM;
	if (result < 0)
		return web_loader_fail(loader, value, "%s: reading %s: %s", key->name,
				       path ? path : name, web_loader_strerror(result));
	return 0;
}

/* The PEM itself. */
static int set_pem_text(struct web_loader *loader, const struct web_key *key, yaml_node_t *value)
{
	char **target = (char **)((char *)&loader->config->tls + key->offset);
	const char *text = web_loader_scalar(loader, key->name, value);

	if (!text)
		return -EINVAL;
	if (!*text)
		return 0;
	if (*target)
		return web_loader_fail(loader, value, "%s: it is given twice, as a file and here",
				       key->name);
	*target = strdup(text);
	return *target ? 0 : web_loader_fail(loader, value, "%s: out of memory", key->name);
}

static int set_client_auth(struct web_loader *loader, const struct web_key *key, yaml_node_t *value)
{
	int index = 0;
	int result = web_loader_choose(loader, key->name, value, client_auth_words, &index);

	loader->config->tls.client_auth = (enum client_auth)index;
	return result;
}

static int set_min_version(struct web_loader *loader, const struct web_key *key, yaml_node_t *value)
{
	return web_loader_choose(loader, key->name, value, version_words, &loader->min_version);
}

static int set_max_version(struct web_loader *loader, const struct web_key *key, yaml_node_t *value)
{
	return web_loader_choose(loader, key->name, value, version_words, &loader->max_version);
}

static int add_curve(struct web_loader *loader, const char *name, yaml_node_t *element)
{
	size_t length = strlen(loader->curves);
	int index = 0;
	int result = web_loader_choose(loader, name, element, curve_words, &index);

	if (!result && !strstr(loader->curves, curve_priorities[index]))
		snprintf(loader->curves + length, sizeof(loader->curves) - length, ":%s",
			 curve_priorities[index]);
	return result;
}

static int set_curves(struct web_loader *loader, const struct web_key *key, yaml_node_t *value)
{
	return web_loader_for_each(loader, key->name, value, add_curve);
}

static int add_client_san(struct web_loader *loader, const char *name, yaml_node_t *element)
{
	struct web_tls *tls = &loader->config->tls;
	const char *text = web_loader_scalar(loader, name, element);

	if (!text)
		return -EINVAL;
	if (!tls->client_sans)
		tls->client_sans = calloc(WEB_LOADER_MAX_LIST, sizeof(*tls->client_sans));
	if (!tls->client_sans || !(tls->client_sans[tls->n_client_sans] = strdup(text)))
		return web_loader_fail(loader, element, "%s: out of memory", name);
	tls->n_client_sans++;
	return 0;
}

static int set_client_sans(struct web_loader *loader, const struct web_key *key, yaml_node_t *value)
{
	return web_loader_for_each(loader, key->name, value, add_client_san);
}

static int add_suite(struct web_loader *loader, const char *name, yaml_node_t *element)
{
	struct web_tls *tls = &loader->config->tls;
	const char *text = web_loader_scalar(loader, name, element);
	char shown[WEB_LOADER_SHOWN_LEN];
	int suite = text ? web_suite_find(text) : -1;

	if (!text)
		return -EINVAL;
	text_escape_to(shown, sizeof(shown), text);
	if (suite < 0)
		return web_loader_fail(
			loader, element,
			"%s: '%s' is none of the safe suites of Go, as " WEB_SUITE_EXAMPLE " is",
			name, shown);
	for (size_t i = 0; i < tls->n_suites; i++) {
		if (tls->suites[i] == suite)
			return 0;
	}
	tls->suites[tls->n_suites++] = suite;
	return 0;
}

static int set_suites(struct web_loader *loader, const struct web_key *key, yaml_node_t *value)
{
	return web_loader_for_each(loader, key->name, value, add_suite);
}

static const struct web_key tls_keys[] = {
	{ .name = "cert", .set = set_pem_text, .offset = offsetof(struct web_tls, certificate) },
	{ .name = "key", .set = set_pem_text, .offset = offsetof(struct web_tls, key) },
	{ .name = "client_ca", .set = set_pem_text, .offset = offsetof(struct web_tls, client_ca) },
	{ .name = "cert_file", .set = set_pem, .offset = offsetof(struct web_tls, certificate) },
	{ .name = "key_file", .set = set_pem, .offset = offsetof(struct web_tls, key) },
	{ .name = "client_ca_file", .set = set_pem, .offset = offsetof(struct web_tls, client_ca) },
	{ .name = "client_auth_type", .set = set_client_auth },
	{ .name = "client_allowed_sans", .set = set_client_sans },
	{ .name = "min_version", .set = set_min_version },
	{ .name = "max_version", .set = set_max_version },
	{ .name = "curve_preferences", .set = set_curves },
	{ .name = "prefer_server_cipher_suites", .set = web_loader_ignore_bool },
	{ .name = "cipher_suites", .set = set_suites },
	{ 0 },
};

int web_config_set_tls(struct web_loader *loader, const struct web_key *key, yaml_node_t *value)
{
	return web_loader_set(loader, key->name, value, tls_keys);
}

static void set_priorities(struct web_loader *loader)
{
	struct web_tls *tls = &loader->config->tls;
	int length = snprintf(tls->priorities, sizeof(tls->priorities),
			      "NORMAL:%%SERVER_PRECEDENCE:-VERS-ALL");

	for (int version = loader->max_version; version >= loader->min_version; version--)
		length += snprintf(tls->priorities + length,
				   sizeof(tls->priorities) - (size_t)length, ":%s",
				   version_priorities[version]);
	if (loader->curves[0])
		snprintf(tls->priorities + length, sizeof(tls->priorities) - (size_t)length,
			 ":-GROUP-ALL%s", loader->curves);
	if (tls->n_suites)
		web_suites_print(tls->suites, tls->n_suites, tls->priorities,
				 sizeof(tls->priorities));
	else
		web_suites_print_default(tls->priorities, sizeof(tls->priorities));
}

/* Leaves TLS 1.3 out: GnuTLS would choose it for each client that has it, but find no cipher. */
static int leave_out_tls13(struct web_loader *loader, const yaml_node_t *node)
{
	if (loader->min_version == TLS_13)
		return web_loader_fail(loader, node,
				       "cipher_suites: TLS 1.3 speaks none of these ciphers");
	if (loader->max_version == TLS_13)
		loader->max_version = TLS_12;
	return 0;
}

int web_config_check_tls(struct web_loader *loader, const yaml_node_t *node)
{
	struct web_tls *tls = &loader->config->tls;
	bool verifies = tls->client_auth == CLIENT_AUTH_VERIFY ||
			tls->client_auth == CLIENT_AUTH_VERIFY_IF_GIVEN;
	struct error why;

	if (!tls->certificate || !tls->key)
		return web_loader_fail(loader, node, "tls_server_config: %s is missing",
				       tls->certificate ? "key_file" : "cert_file");
	if (tls->client_ca && tls->client_auth == CLIENT_AUTH_NONE)
		return web_loader_fail(loader, node,
				       "client_ca_file does nothing without client_auth_type");
	if (tls->n_client_sans && tls->client_auth == CLIENT_AUTH_NONE)
		return web_loader_fail(loader, node,
				       "client_allowed_sans does nothing without client_auth_type");
	if (verifies && !tls->client_ca)
		return web_loader_fail(loader, node, "client_auth_type: %s wants a client_ca_file",
				       client_auth_words[tls->client_auth]);
	if (!loader->min_version)
		loader->min_version = TLS_12;
	if (!loader->max_version)
		loader->max_version = TLS_13;
	if (tls->n_suites && !web_suites_fit_tls13(tls->suites, tls->n_suites) &&
	    leave_out_tls13(loader, node) < 0)
		return -EINVAL;
	if (loader->min_version > loader->max_version)
		return web_loader_fail(loader, node, "min_version %s is above max_version %s",
				       version_words[loader->min_version],
				       version_words[loader->max_version]);
	set_priorities(loader);
	if (web_tls_check(tls, &why) < 0)
		return web_loader_fail(loader, node, "%s", why.text);
	return 0;
}
