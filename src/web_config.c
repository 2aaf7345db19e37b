// SPDX-License-Identifier: GPL-2.0-only
#include "web_config.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <stdarg.h>
#include <string.h>
#include <yaml.h>

#include "login.h"
#include "text.h"
#include "util.h"
#include "web_tls.h"

/* A configuration or a chain of certificates is some KiB: beyond that it is another file. */
#define MAX_FILE_SIZE (1 << 20)
#define MAX_USERS 1000
#define MAX_LIST 100
#define SHOWN_LEN 64 /* of a word from the file, in messages */

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

struct loader {
	yaml_document_t document;
	const char *path;
	struct web_config *config;
	struct error *error;
	int min_version, max_version; /* enum tls_version; TLS 1.2 and 1.3 unless given */
	char curves[128];             /* priorities */
};

/* What a mapping may hold: each key once, and the function that takes its value. */
struct key {
	const char *name;
	int (*set)(struct loader *loader, const struct key *key, yaml_node_t *value);
	size_t offset;              /* in struct web_tls: set_pem */
	const char *const *choices; /* set_header; NULL: anything */
};

static int fail_at(struct loader *loader, const yaml_node_t *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail_at(struct loader *loader, const yaml_node_t *node, const char *format, ...)
{
	char text[300];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return error_set(loader->error, EINVAL, "web configuration %s, line %zu: %s", loader->path,
			 node ? node->start_mark.line + 1 : 1, text);
}

/* For messages: the words that are accepted. */
static const char *join(char *buffer, size_t size, const char *const *words)
{
	size_t length = 0;

	buffer[0] = '\0';
	for (; *words && length < size; words++) {
		if (**words)
			length += (size_t)snprintf(buffer + length, size - length, "%s%s",
						   length ? ", " : "", *words);
	}
	return buffer;
}

static bool is_null(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE &&
	       node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!node->data.scalar.length || !strcmp((char *)node->data.scalar.value, "~") ||
		!strcmp((char *)node->data.scalar.value, "null"));
}

/* The scalar's text; NULL, with the error set, when it is none. */
static const char *scalar(struct loader *loader, const char *name, const yaml_node_t *node)
{
	if (node->type == YAML_SCALAR_NODE &&
	    strlen((const char *)node->data.scalar.value) == node->data.scalar.length)
		return (const char *)node->data.scalar.value;
	fail_at(loader, node, "%s: wants one text", name);
	return NULL;
}

static int choose(struct loader *loader, const char *name, const yaml_node_t *node,
		  const char *const *words, int *ret_index)
{
	const char *text = scalar(loader, name, node);
	char shown[SHOWN_LEN], accepted[160];

	if (!text)
		return -EINVAL;
	for (int i = 0; words[i]; i++) {
		if (!strcmp(words[i], text)) {
			*ret_index = i;
			return 0;
		}
	}
	text_escape_to(shown, sizeof(shown), text);
	return fail_at(loader, node, "%s: '%s' is not known; give one of %s", name, shown,
		       join(accepted, sizeof(accepted), words));
}

static int read_file(const char *path, char **ret_text, size_t *ret_size)
{
	autofree char *text = malloc(MAX_FILE_SIZE + 1);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *fit;
	size_t size = 0;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	if (fd < 0)
		return -errno;
	while ((n = read(fd, text + size, MAX_FILE_SIZE + 1 - size)) > 0)
		size += (size_t)n;
	if (n < 0)
		return -errno;
	if (size > MAX_FILE_SIZE)
		return -EFBIG;
	text[size] = '\0';
	fit = realloc(text, size + 1);
	*ret_text = fit ? fit : text;
	text = NULL;
	*ret_size = size;
	return 0;
}

/* Relative paths start from the configuration's directory, as Prometheus has them. */
static char *path_of(const struct loader *loader, const char *name)
{
	const char *slash = strrchr(loader->path, '/');
	char *path;
	int length = slash && name[0] != '/' ? (int)(slash - loader->path) + 1 : 0;

	return asprintf(&path, "%.*s%s", length, loader->path, name) < 0 ? NULL : path;
}

static int set_pem(struct loader *loader, const struct key *key, yaml_node_t *value)
{
	char **target = (char **)((char *)&loader->config->tls + key->offset);
	const char *name = scalar(loader, key->name, value);
	autofree char *path = name ? path_of(loader, name) : NULL;
	size_t size;
	int result;

	if (!name)
		return -EINVAL;
	if (!*name)
		return 0;
	result = path ? read_file(path, target, &size) : -ENOMEM;
	if (result < 0)
		return fail_at(loader, value, "%s: reading %s: %s", key->name, path ? path : name,
			       strerror(-result));
	return 0;
}

static int set_client_auth(struct loader *loader, const struct key *key, yaml_node_t *value)
{
	int index = 0;
	int result = choose(loader, key->name, value, client_auth_words, &index);

	loader->config->tls.client_auth = (enum client_auth)index;
	return result;
}

static int set_min_version(struct loader *loader, const struct key *key, yaml_node_t *value)
{
	return choose(loader, key->name, value, version_words, &loader->min_version);
}

static int set_max_version(struct loader *loader, const struct key *key, yaml_node_t *value)
{
	return choose(loader, key->name, value, version_words, &loader->max_version);
}

/* Calls `take` for each element of a list of at most MAX_LIST. */
static int for_each(struct loader *loader, const char *name, const yaml_node_t *list,
		    int (*take)(struct loader *loader, const char *name, yaml_node_t *element))
{
	const yaml_node_item_t *item;
	int result = 0;

	if (list->type != YAML_SEQUENCE_NODE)
		return fail_at(loader, list, "%s: wants a list", name);
	if (list->data.sequence.items.top - list->data.sequence.items.start > MAX_LIST)
		return fail_at(loader, list, "%s: more than %d elements", name, MAX_LIST);
	for (item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top && !result; item++)
		result = take(loader, name, yaml_document_get_node(&loader->document, *item));
	return result;
}

static int add_curve(struct loader *loader, const char *name, yaml_node_t *element)
{
	size_t length = strlen(loader->curves);
	int index = 0;
	int result = choose(loader, name, element, curve_words, &index);

	if (!result && !strstr(loader->curves, curve_priorities[index]))
		snprintf(loader->curves + length, sizeof(loader->curves) - length, ":%s",
			 curve_priorities[index]);
	return result;
}

static int set_curves(struct loader *loader, const struct key *key, yaml_node_t *value)
{
	return for_each(loader, key->name, value, add_curve);
}

static int add_client_san(struct loader *loader, const char *name, yaml_node_t *element)
{
	struct web_tls *tls = &loader->config->tls;
	const char *text = scalar(loader, name, element);

	if (!text)
		return -EINVAL;
	if (!tls->client_sans)
		tls->client_sans = calloc(MAX_LIST, sizeof(*tls->client_sans));
	if (!tls->client_sans || !(tls->client_sans[tls->n_client_sans] = strdup(text)))
		return fail_at(loader, element, "%s: out of memory", name);
	tls->n_client_sans++;
	return 0;
}

static int set_client_sans(struct loader *loader, const struct key *key, yaml_node_t *value)
{
	return for_each(loader, key->name, value, add_client_san);
}

/* What we do anyway, or what would change nothing here: HTTP/2 is never spoken. */
static int set_ignored_bool(struct loader *loader, const struct key *key, yaml_node_t *value)
{
	static const char *const words[] = { "true", "false", NULL };
	int index;

	return choose(loader, key->name, value, words, &index);
}

static int refuse_suites(struct loader *loader, const struct key *key, yaml_node_t *value)
{
	return fail_at(loader, value,
		       "%s: faultmap leaves the choice of safe suites to GnuTLS; remove it, or set "
		       "min_version: TLS13",
		       key->name);
}

static const struct key tls_keys[] = {
	{ .name = "cert_file", .set = set_pem, .offset = offsetof(struct web_tls, certificate) },
	{ .name = "key_file", .set = set_pem, .offset = offsetof(struct web_tls, key) },
	{ .name = "client_ca_file", .set = set_pem, .offset = offsetof(struct web_tls, client_ca) },
	{ .name = "client_auth_type", .set = set_client_auth },
	{ .name = "client_allowed_sans", .set = set_client_sans },
	{ .name = "min_version", .set = set_min_version },
	{ .name = "max_version", .set = set_max_version },
	{ .name = "curve_preferences", .set = set_curves },
	{ .name = "prefer_server_cipher_suites", .set = set_ignored_bool },
	{ .name = "cipher_suites", .set = refuse_suites },
	{ 0 },
};

static int set_header(struct loader *loader, const struct key *key, yaml_node_t *value)
{
	struct web_config *config = loader->config;
	struct web_header *header = &config->headers[config->n_headers];
	const char *text = scalar(loader, key->name, value);
	int index;

	if (!text)
		return -EINVAL;
	if (key->choices && choose(loader, key->name, value, key->choices, &index) < 0)
		return -EINVAL;
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return fail_at(loader, value, "%s: no control characters in a header",
				       key->name);
	}
	if (!*text)
		return 0;
	header->name = key->name;
	header->value = strdup(text);
	if (!header->value)
		return fail_at(loader, value, "%s: out of memory", key->name);
	config->n_headers++;
	return 0;
}

static const char *const frame_words[] = { "", "DENY", "SAMEORIGIN", "deny", "sameorigin", NULL };
static const char *const sniff_words[] = { "", "nosniff", NULL };

/* Those that exporter-toolkit allows. */
static const struct key header_keys[] = {
	{ .name = "Content-Security-Policy", .set = set_header },
	{ .name = "Strict-Transport-Security", .set = set_header },
	{ .name = "X-Content-Type-Options", .set = set_header, .choices = sniff_words },
	{ .name = "X-Frame-Options", .set = set_header, .choices = frame_words },
	{ .name = "X-XSS-Protection", .set = set_header },
	{ 0 },
};

static int set_mapping(struct loader *loader, const char *name, yaml_node_t *mapping,
		       const struct key *keys);

static int set_headers(struct loader *loader, const struct key *key, yaml_node_t *value)
{
	struct web_config *config = loader->config;

	config->headers = calloc(ARRAY_SIZE(header_keys), sizeof(*config->headers));
	if (!config->headers)
		return fail_at(loader, value, "%s: out of memory", key->name);
	return set_mapping(loader, key->name, value, header_keys);
}

static const struct key http_keys[] = {
	{ .name = "http2", .set = set_ignored_bool },
	{ .name = "headers", .set = set_headers },
	{ 0 },
};

static int add_user(struct loader *loader, const yaml_node_t *name_node,
		    const yaml_node_t *hash_node)
{
	struct web_config *config = loader->config;
	struct web_user *user = &config->users[config->n_users];
	const char *name = scalar(loader, "basic_auth_users", name_node);
	const char *hash = name ? scalar(loader, "basic_auth_users", hash_node) : NULL;
	char shown[SHOWN_LEN];

	if (!hash)
		return -EINVAL;
	text_escape_to(shown, sizeof(shown), name);
	if (!*name || strchr(name, ':'))
		return fail_at(loader, name_node, "user '%s': a name has no colon and is not empty",
			       shown);
	for (size_t i = 0; i < config->n_users; i++) {
		if (!strcmp(config->users[i].name, name))
			return fail_at(loader, name_node, "user '%s' is there twice", shown);
	}
	if (!login_is_hash(hash))
		return fail_at(loader, hash_node,
			       "user '%s': not a bcrypt hash of cost 4 to 16; make one with "
			       "htpasswd -nBC 10 \"\"",
			       shown);
	*user = (struct web_user){ strdup(name), strdup(hash) };
	config->n_users++;
	return user->name && user->hash ? 0 : fail_at(loader, name_node, "out of memory");
}

/* The list is made of the file's own words, so there is no table of keys. */
static int set_users(struct loader *loader, const struct key *key, yaml_node_t *value)
{
	struct web_config *config = loader->config;
	const yaml_node_pair_t *pair;
	int result = 0;

	if (is_null(value))
		return 0;
	if (value->type != YAML_MAPPING_NODE)
		return fail_at(loader, value, "%s: wants lines of NAME: HASH", key->name);
	pair = value->data.mapping.pairs.start;
	if (value->data.mapping.pairs.top - pair > MAX_USERS)
		return fail_at(loader, value, "%s: more than %d users", key->name, MAX_USERS);
	config->users = calloc(MAX_USERS, sizeof(*config->users));
	if (!config->users)
		return fail_at(loader, value, "%s: out of memory", key->name);
	for (; pair < value->data.mapping.pairs.top && !result; pair++)
		result = add_user(loader, yaml_document_get_node(&loader->document, pair->key),
				  yaml_document_get_node(&loader->document, pair->value));
	return result;
}

static int set_section(struct loader *loader, const struct key *key, yaml_node_t *value)
{
	bool is_tls = !strcmp(key->name, "tls_server_config");

	return set_mapping(loader, key->name, value, is_tls ? tls_keys : http_keys);
}

static const struct key top_keys[] = {
	{ .name = "tls_server_config", .set = set_section },
	{ .name = "http_server_config", .set = set_section },
	{ .name = "basic_auth_users", .set = set_users },
	{ 0 },
};

static int set_key(struct loader *loader, const char *section, const struct key *keys,
		   yaml_node_t *name_node, yaml_node_t *value, uint64_t *seen)
{
	const char *name = scalar(loader, section, name_node);
	const char *known[ARRAY_SIZE(tls_keys)] = { NULL };
	char shown[SHOWN_LEN], accepted[200];

	if (!name)
		return -EINVAL;
	text_escape_to(shown, sizeof(shown), name);
	for (size_t i = 0; keys[i].name; i++) {
		known[i] = keys[i].name;
		if (strcmp(keys[i].name, name) != 0)
			continue;
		if (*seen & 1ULL << i)
			return fail_at(loader, name_node, "%s is there twice", shown);
		*seen |= 1ULL << i;
		return keys[i].set(loader, &keys[i], value);
	}
	return fail_at(loader, name_node, "unknown key '%s' in %s; known are %s", shown, section,
		       join(accepted, sizeof(accepted), known));
}

static int set_mapping(struct loader *loader, const char *name, yaml_node_t *mapping,
		       const struct key *keys)
{
	const yaml_node_pair_t *pair;
	uint64_t seen = 0;
	int result = 0;

	if (is_null(mapping))
		return 0;
	if (mapping->type != YAML_MAPPING_NODE)
		return fail_at(loader, mapping, "%s: wants lines of KEY: VALUE", name);
	for (pair = mapping->data.mapping.pairs.start;
	     pair < mapping->data.mapping.pairs.top && !result; pair++)
		result = set_key(loader, name, keys,
				 yaml_document_get_node(&loader->document, pair->key),
				 yaml_document_get_node(&loader->document, pair->value), &seen);
	return result;
}

static void set_priorities(struct loader *loader)
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
}

/* What only the whole section can tell. `node` says where it is. */
static int check_tls(struct loader *loader, const yaml_node_t *node)
{
	struct web_tls *tls = &loader->config->tls;
	bool verifies = tls->client_auth == CLIENT_AUTH_VERIFY ||
			tls->client_auth == CLIENT_AUTH_VERIFY_IF_GIVEN;
	struct error why;

	if (!tls->certificate || !tls->key)
		return fail_at(loader, node, "tls_server_config: %s is missing",
			       tls->certificate ? "key_file" : "cert_file");
	if (tls->client_ca && tls->client_auth == CLIENT_AUTH_NONE)
		return fail_at(loader, node,
			       "client_ca_file does nothing without client_auth_type");
	if (verifies && !tls->client_ca)
		return fail_at(loader, node, "client_auth_type: %s wants a client_ca_file",
			       client_auth_words[tls->client_auth]);
	if (!loader->min_version)
		loader->min_version = TLS_12;
	if (!loader->max_version)
		loader->max_version = TLS_13;
	if (loader->min_version > loader->max_version)
		return fail_at(loader, node, "min_version %s is above max_version %s",
			       version_words[loader->min_version],
			       version_words[loader->max_version]);
	set_priorities(loader);
	if (web_tls_check(tls, &why) < 0)
		return fail_at(loader, node, "%s", why.text);
	return 0;
}

/* The value of a key of the top level, or NULL. */
static yaml_node_t *section_of(struct loader *loader, yaml_node_t *root, const char *name)
{
	const yaml_node_pair_t *pair;

	if (root->type != YAML_MAPPING_NODE)
		return NULL;
	for (pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(&loader->document, pair->key);
		yaml_node_t *value = yaml_document_get_node(&loader->document, pair->value);

		if (!strcmp((const char *)key->data.scalar.value, name))
			return is_null(value) ? NULL : value;
	}
	return NULL;
}

static int load_document(struct loader *loader)
{
	yaml_node_t *root = yaml_document_get_root_node(&loader->document);
	yaml_node_t *tls;
	int result;

	if (!root)
		return 0; /* an empty file: no TLS, no users */
	result = set_mapping(loader, "the file", root, top_keys);
	if (result < 0)
		return result;
	tls = section_of(loader, root, "tls_server_config");
	return tls ? check_tls(loader, tls) : 0;
}

static int parse(struct loader *loader, const char *text, size_t size)
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
	struct loader loader = { .path = path, .error = error };
	autofree char *text = NULL;
	size_t size;
	int result = read_file(path, &text, &size);

	if (result < 0)
		return error_set(error, -result, "reading the web configuration %s: %s", path,
				 strerror(-result));
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
