// SPDX-License-Identifier: GPL-2.0-only
#include "serve/web_config.h"

#include <errno.h>
#include <string.h>

#include "serve/login.h"
#include "base/text.h"
#include "base/util.h"
#include "serve/web_loader.h"

#define MAX_USERS 1000
#define MAX_BURST 1000000
#define MAX_INTERVAL_NS (24 * 3600 * 1e9)
#define MAX_BURST_NS \
	(100ULL * 365 * 24 * 3600 * 1000000000) /* of a burst; the account has 64 bits */

static int set_header(struct web_loader *loader, const struct web_key *key, yaml_node_t *value)
{
	struct web_config *config = loader->config;
	struct web_header *header = &config->headers[config->n_headers];
	const char *text = web_loader_scalar(loader, key->name, value);
	int index;

	if (!text)
		return -EINVAL;
	if (key->choices && web_loader_choose(loader, key->name, value, key->choices, &index) < 0)
		return -EINVAL;
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return web_loader_fail(loader, value,
					       "%s: no control characters in a header", key->name);
	}
	if (!*text)
		return 0;
	header->name = key->name;
	header->value = strdup(text);
	if (!header->value)
		return web_loader_fail(loader, value, "%s: out of memory", key->name);
	config->n_headers++;
	return 0;
}

static const char *const frame_words[] = { "", "DENY", "SAMEORIGIN", "deny", "sameorigin", NULL };
static const char *const sniff_words[] = { "", "nosniff", NULL };

/* Those that exporter-toolkit allows. */
static const struct web_key header_keys[] = {
	{ .name = "Content-Security-Policy", .set = set_header },
	{ .name = "Strict-Transport-Security", .set = set_header },
	{ .name = "X-Content-Type-Options", .set = set_header, .choices = sniff_words },
	{ .name = "X-Frame-Options", .set = set_header, .choices = frame_words },
	{ .name = "X-XSS-Protection", .set = set_header },
	{ 0 },
};

static int set_headers(struct web_loader *loader, const struct web_key *key, yaml_node_t *value)
{
	struct web_config *config = loader->config;

	config->headers = calloc(ARRAY_SIZE(header_keys), sizeof(*config->headers));
	if (!config->headers)
		return web_loader_fail(loader, value, "%s: out of memory", key->name);
	return web_loader_set(loader, key->name, value, header_keys);
}

static const struct web_key http_keys[] = {
	{ .name = "http2", .set = web_loader_ignore_bool },
	{ .name = "headers", .set = set_headers },
	{ 0 },
};

static int add_user(struct web_loader *loader, const yaml_node_t *name_node,
		    const yaml_node_t *hash_node)
{
	struct web_config *config = loader->config;
	struct web_user *user = &config->users[config->n_users];
	const char *name = web_loader_scalar(loader, "basic_auth_users", name_node);
	const char *hash = name ? web_loader_scalar(loader, "basic_auth_users", hash_node) : NULL;
	char shown[WEB_LOADER_SHOWN_LEN];

	if (!hash)
		return -EINVAL;
	text_escape_to(shown, sizeof(shown), name);
	if (!*name || strchr(name, ':'))
		return web_loader_fail(loader, name_node,
				       "user '%s': a name has no colon and is not empty", shown);
	for (size_t i = 0; i < config->n_users; i++) {
		if (!strcmp(config->users[i].name, name))
			return web_loader_fail(loader, name_node, "user '%s' is there twice",
					       shown);
	}
	if (!login_is_hash(hash))
		return web_loader_fail(
			loader, hash_node,
			"user '%s': not a bcrypt hash of cost 4 to 16; make one with "
			"htpasswd -nBC 10 \"\"",
			shown);
	*user = (struct web_user){ strdup(name), strdup(hash) };
	config->n_users++;
	return user->name && user->hash ? 0 : web_loader_fail(loader, name_node, "out of memory");
}

/* The keys are the names of users, so there is no table of keys. */
static int set_users(struct web_loader *loader, const struct web_key *key, yaml_node_t *value)
{
	struct web_config *config = loader->config;
	const yaml_node_pair_t *pair;
	int result = 0;

	if (web_loader_is_null(value))
		return 0;
	if (value->type != YAML_MAPPING_NODE)
		return web_loader_fail(loader, value, "%s: wants lines of NAME: HASH", key->name);
	pair = value->data.mapping.pairs.start;
	if (value->data.mapping.pairs.top - pair > MAX_USERS)
		return web_loader_fail(loader, value, "%s: more than %d users", key->name,
				       MAX_USERS);
	config->users = calloc(MAX_USERS, sizeof(*config->users));
	if (!config->users)
		return web_loader_fail(loader, value, "%s: out of memory", key->name);
	for (; pair < value->data.mapping.pairs.top && !result; pair++)
		result = add_user(loader, yaml_document_get_node(&loader->document, pair->key),
				  yaml_document_get_node(&loader->document, pair->value));
	return result;
}

/* As Go writes it: "1m30s", "0.5s", "0". */
static bool parse_duration(const char *text, double *ret_ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "ns", 1 },  { "us", 1e3 }, { "ms", 1e6 },
		      { "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 } };
	double sum = 0;

	if (!strcmp(text, "0"))
		text = "0s";
	do {
		size_t digits = strspn(text, "0123456789.");
		size_t length = strspn(text + digits, "nmush");
		size_t i = 0;
		char *end;

		while (i < ARRAY_SIZE(units) && (strlen(units[i].unit) != length ||
						 strncmp(units[i].unit, text + digits, length)))
			i++;
		if (i == ARRAY_SIZE(units))
			return false;
		sum += strtod(text, &end) * units[i].ns;
		if (!digits || end != text + digits)
			return false;
		text += digits + length;
	} while (*text);
	*ret_ns = sum;
	return true;
}

static int set_interval(struct web_loader *loader, const struct web_key *key, yaml_node_t *value)
{
	const char *text = web_loader_scalar(loader, key->name, value);
	double ns;

	if (!text)
		return -EINVAL;
	if (!parse_duration(text, &ns) || ns > MAX_INTERVAL_NS)
		return web_loader_fail(
			loader, value,
			"%s: wants a time as 100ms or 1m30s, at most a day; 0 is no limit",
			key->name);
	loader->config->limit.interval_ns = (uint64_t)ns;
	return 0;
}

static int set_burst(struct web_loader *loader, const struct web_key *key, yaml_node_t *value)
{
	const char *text = web_loader_scalar(loader, key->name, value);
	char *end;
	unsigned long burst;

	if (!text)
		return -EINVAL;
	burst = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || burst > MAX_BURST)
		return web_loader_fail(loader, value, "%s: wants a number up to %d", key->name,
				       MAX_BURST);
	loader->config->limit.burst = burst;
	return 0;
}

static const struct web_key limit_keys[] = {
	{ .name = "interval", .set = set_interval },
	{ .name = "burst", .set = set_burst },
	{ 0 },
};

static int set_limit(struct web_loader *loader, const struct web_key *key, yaml_node_t *value)
{
	const struct web_limit *limit = &loader->config->limit;
	int result = web_loader_set(loader, key->name, value, limit_keys);

	if (!result && limit->interval_ns && !limit->burst)
		return web_loader_fail(loader, value,
				       "%s: with no burst there is never an answer; set 1",
				       key->name);
	if (!result && limit->interval_ns && limit->burst > MAX_BURST_NS / limit->interval_ns)
		return web_loader_fail(loader, value, "%s: a burst of more than a hundred years",
				       key->name);
	return result;
}

static int set_http(struct web_loader *loader, const struct web_key *key, yaml_node_t *value)
{
	return web_loader_set(loader, key->name, value, http_keys);
}

static const struct web_key top_keys[] = {
	{ .name = "tls_server_config", .set = web_config_set_tls },
	{ .name = "http_server_config", .set = set_http },
	{ .name = "basic_auth_users", .set = set_users },
	{ .name = "rate_limit", .set = set_limit },
	{ 0 },
};

/* The value of a key of the top level, or NULL. */
static yaml_node_t *section_of(struct web_loader *loader, yaml_node_t *root, const char *name)
{
	const yaml_node_pair_t *pair;

	if (root->type != YAML_MAPPING_NODE)
		return NULL;
	for (pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(&loader->document, pair->key);
		yaml_node_t *value = yaml_document_get_node(&loader->document, pair->value);

		if (!strcmp((const char *)key->data.scalar.value, name))
			return web_loader_is_null(value) ? NULL : value;
	}
	return NULL;
}

/* Refuses a key without a value: something seems to be missing. */
static int check_sections(struct web_loader *loader, yaml_node_t *root)
{
	const yaml_node_pair_t *pair;

	if (root->type != YAML_MAPPING_NODE)
		return 0; /* web_loader_set says it */
	for (pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top; pair++) {
		const yaml_node_t *value = yaml_document_get_node(&loader->document, pair->value);

		if (web_loader_is_null(value))
			return web_loader_fail(loader, value,
					       "nothing is below this key: the file may have been "
					       "cut; give {} if nothing is meant");
	}
	return 0;
}

static int load_document(struct web_loader *loader)
{
	yaml_node_t *root = yaml_document_get_root_node(&loader->document);
	yaml_node_t *tls;
	int result;

	/* An empty file: a program may have truncated it and be about to write it. */
	if (!root || web_loader_is_null(root))
		return web_loader_fail(loader, root,
				       "it is empty, so that everybody could read all: give {} if "
				       "that is meant");
	result = check_sections(loader, root);
	if (result < 0)
		return result;
	result = web_loader_set(loader, "the file", root, top_keys);
	if (result < 0)
		return result;
	tls = section_of(loader, root, "tls_server_config");
	return tls ? web_config_check_tls(loader, tls) : 0;
}

static int parse(struct web_loader *loader, const char *text, size_t size)
{
	yaml_parser_t parser;
	int result;

	if (!yaml_parser_initialize(&parser))
		return error_set(loader->error, ENOMEM, "web configuration %s: out of memory",
				 loader->path);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
	if (yaml_parser_load(&parser, &loader->document)) {
		result = load_document(loader);
		yaml_document_delete(&loader->document);
	} else {
		result = error_set(loader->error, EINVAL,
				   "web configuration %s, line %zu: not YAML: %s", loader->path,
				   parser.problem_mark.line + 1,
				   parser.problem ? parser.problem : "unreadable");
	}
	yaml_parser_delete(&parser);
	return result;
}

int web_config_load(struct web_config **ret_config, const char *path, struct error *error)
{
	struct web_loader loader = { .path = path, .error = error };
	autofree char *text = NULL;
	size_t size = 0;
	int result = web_loader_read_file(path, &text, &size);

	if (result < 0)
		return error_set(error, -result, "reading the web configuration %s: %s", path,
				 web_loader_strerror(result));
	loader.config = calloc(1, sizeof(*loader.config));
	if (!loader.config)
		return error_set(error, ENOMEM, "web configuration %s: out of memory", path);
	result = parse(&loader, text, size);
	if (result < 0) {
		web_config_free(loader.config);
		return result;
	}
	*ret_config = loader.config;
	return 0;
}

void web_config_free(struct web_config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->n_users; i++) {
		free(config->users[i].name);
		free(config->users[i].hash);
	}
	for (size_t i = 0; i < config->n_headers; i++)
		free(config->headers[i].value);
	for (size_t i = 0; i < config->tls.n_client_sans; i++)
		free(config->tls.client_sans[i]);
	if (config->tls.key)
		explicit_bzero(config->tls.key, strlen(config->tls.key));
	free(config->users);
	free(config->headers);
	free(config->tls.client_sans);
	free(config->tls.certificate);
	free(config->tls.key);
	free(config->tls.client_ca);
	free(config);
}
