// SPDX-License-Identifier: GPL-2.0-only
#include "serve/web_loader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "base/util.h"

/* A configuration or a chain of certificates is some KiB: beyond that it is another file. */
#define MAX_FILE_SIZE (1 << 20)
#define MAX_LIST WEB_LOADER_MAX_LIST
#define MAX_KEYS 20 /* of one table */

int web_loader_fail(struct web_loader *loader, const yaml_node_t *node, const char *format, ...)
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

bool web_loader_is_null(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE &&
	       node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!node->data.scalar.length || !strcmp((char *)node->data.scalar.value, "~") ||
		!strcmp((char *)node->data.scalar.value, "null"));
}

const char *web_loader_scalar(struct web_loader *loader, const char *name, const yaml_node_t *node)
{
	if (node->type == YAML_SCALAR_NODE &&
	    strlen((const char *)node->data.scalar.value) == node->data.scalar.length)
		return (const char *)node->data.scalar.value;
	web_loader_fail(loader, node, "%s: wants one text", name);
	return NULL;
}

int web_loader_choose(struct web_loader *loader, const char *name, const yaml_node_t *node,
		      const char *const *words, int *ret_index)
{
	const char *text = web_loader_scalar(loader, name, node);
	char shown[WEB_LOADER_SHOWN_LEN], accepted[160];

	if (!text)
		return -EINVAL;
	for (int i = 0; words[i]; i++) {
		if (!strcmp(words[i], text)) {
			*ret_index = i;
			return 0;
		}
	}
	text_escape_to(shown, sizeof(shown), text);
	return web_loader_fail(loader, node, "%s: '%s' is not known; give one of %s", name, shown,
			       join(accepted, sizeof(accepted), words));
}

int web_loader_read_file(const char *path, char **ret_text, size_t *ret_size)
{
	autofree char *text = malloc(MAX_FILE_SIZE + 1);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	char *fit;
	size_t size = 0;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	if (fd < 0 || fstat(fd, &status))
		return -errno;
	/* Regular files only: a FIFO without a writer would read as an empty one. */
	if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
		return -ENOTSUP;
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

const char *web_loader_strerror(int result)
{
	return result == -ENOTSUP ? "not a regular file" : strerror(-result);
}

int web_loader_for_each(struct web_loader *loader, const char *name, const yaml_node_t *list,
			int (*take)(struct web_loader *loader, const char *name,
				    yaml_node_t *element))
{
	const yaml_node_item_t *item;
	int result = 0;

	if (list->type != YAML_SEQUENCE_NODE)
		return web_loader_fail(loader, list, "%s: wants a list", name);
	if (list->data.sequence.items.top - list->data.sequence.items.start > MAX_LIST)
		return web_loader_fail(loader, list, "%s: more than %d elements", name, MAX_LIST);
	for (item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top && !result; item++)
		result = take(loader, name, yaml_document_get_node(&loader->document, *item));
	return result;
}

/* Keys that change nothing here: HTTP/2 is never spoken, and the rest is done anyway. */
int web_loader_ignore_bool(struct web_loader *loader, const struct web_key *key, yaml_node_t *value)
{
	static const char *const words[] = { "true", "false", NULL };
	int index;

	return web_loader_choose(loader, key->name, value, words, &index);
}

static int set_key(struct web_loader *loader, const char *section, const struct web_key *keys,
		   yaml_node_t *name_node, yaml_node_t *value, uint64_t *seen)
{
	const char *name = web_loader_scalar(loader, section, name_node);
	const char *known[MAX_KEYS] = { NULL };
	char shown[WEB_LOADER_SHOWN_LEN], accepted[200];

	if (!name)
		return -EINVAL;
	text_escape_to(shown, sizeof(shown), name);
	for (size_t i = 0; keys[i].name; i++) {
		known[i] = keys[i].name;
		if (strcmp(keys[i].name, name) != 0)
			continue;
		if (*seen & 1ULL << i)
			return web_loader_fail(loader, name_node, "%s is there twice", shown);
		*seen |= 1ULL << i;
		return keys[i].set(loader, &keys[i], value);
	}
	return web_loader_fail(loader, name_node, "unknown key '%s' in %s; known are %s", shown,
			       section, join(accepted, sizeof(accepted), known));
}

int web_loader_set(struct web_loader *loader, const char *name, yaml_node_t *mapping,
		   const struct web_key *keys)
{
	const yaml_node_pair_t *pair;
	uint64_t seen = 0;
	int result = 0;

	if (web_loader_is_null(mapping))
		return 0;
	if (mapping->type != YAML_MAPPING_NODE)
		return web_loader_fail(loader, mapping, "%s: wants lines of KEY: VALUE", name);
	for (pair = mapping->data.mapping.pairs.start;
	     pair < mapping->data.mapping.pairs.top && !result; pair++)
		result = set_key(loader, name, keys,
				 yaml_document_get_node(&loader->document, pair->key),
				 yaml_document_get_node(&loader->document, pair->value), &seen);
	return result;
}
