/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads YAML mappings with known keys: each key is looked up in a table, may occur once, and its
 * value goes to the table's function. Errors name the line. For the files of web_config.c.
 */
#ifndef FAULTMAP_WEB_LOADER_H
#define FAULTMAP_WEB_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "serve/web_config.h"

#define WEB_LOADER_MAX_LIST 100
#define WEB_LOADER_SHOWN_LEN 64 /* of a word from the file, in messages */

struct web_loader {
	yaml_document_t document;
	const char *path;
	struct web_config *config;
	struct error *error;
	int min_version, max_version; /* of web_config_tls.c; TLS 1.2 and 1.3 unless given */
	char curves[128];             /* priorities */
};

/* What a mapping may hold: each key once, and the function that takes its value. */
struct web_key {
	const char *name;
	int (*set)(struct web_loader *loader, const struct web_key *key, yaml_node_t *value);
	size_t offset;              /* in struct web_tls: set_pem */
	const char *const *choices; /* set_header; NULL: anything */
};

/* Always -EINVAL, with the loader's error set to the node's line and the text. */
int web_loader_fail(struct web_loader *loader, const yaml_node_t *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool web_loader_is_null(const yaml_node_t *node);
/* The scalar's text; NULL, with the error set, when it is none. */
const char *web_loader_scalar(struct web_loader *loader, const char *name, const yaml_node_t *node);
/* Which of the words, a list that ends with NULL, it is. 0 or -EINVAL. */
int web_loader_choose(struct web_loader *loader, const char *name, const yaml_node_t *node,
		      const char *const *words, int *ret_index);
/* Calls `take` for each element of a list of at most WEB_LOADER_MAX_LIST. 0 or -EINVAL. */
int web_loader_for_each(struct web_loader *loader, const char *name, const yaml_node_t *list,
			int (*take)(struct web_loader *loader, const char *name,
				    yaml_node_t *element));
/* A key's function: true or false, which changes nothing here. */
int web_loader_ignore_bool(struct web_loader *loader, const struct web_key *key,
			   yaml_node_t *value);
/* The keys of a mapping; `keys` ends with one without a name. 0 or -EINVAL. */
int web_loader_set(struct web_loader *loader, const char *name, yaml_node_t *mapping,
		   const struct web_key *keys);
/* A whole regular file, which is some KiB; the text, with a NUL behind it, is the caller's. 0 or a
 * negative errno. */
int web_loader_read_file(const char *path, char **ret_text, size_t *ret_size);
/* For messages, what that errno means. */
const char *web_loader_strerror(int result);

/* web_config_tls.c: the keys of tls_server_config, and the checks of the section as a whole, where
 * `node` is its place. */
int web_config_set_tls(struct web_loader *loader, const struct web_key *key, yaml_node_t *value);
int web_config_check_tls(struct web_loader *loader, const yaml_node_t *node);

#endif
