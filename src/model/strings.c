// SPDX-License-Identifier: GPL-2.0-only
#include "model/strings.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "base/util.h"

/* A sweep comes after this many new texts, or bytes of them: often enough to bound the memory of
 * unused texts, and rarely enough to cost little. */
#define SWEEP_AFTER 4096
#define SWEEP_AFTER_BYTES (1 << 20)
/* What a text costs besides its bytes: the node of the tree and the heads of both pieces of
 * memory. */
#define OVERHEAD 64
/* Users with a share of their own; later ones have one share together. */
#define USERS_MAX 256
#define USERS_OTHER UINT32_MAX

#define ELLIPSIS "..."

struct share {
	uint32_t uid;
	size_t bytes;
};

struct text {
	struct share *share; /* NULL: nobody's */
	uint32_t holds;
	bool used; /* mark of the sweep */
	char bytes[];
};

struct strings {
	void *tree; /* tsearch(3) of struct text.bytes */
	struct table shares;
	size_t bytes;
	size_t new_texts; /* since the last sweep */
	size_t new_bytes;
	uint64_t cut_then; /* of cut, at the last sweep */
	uint64_t cut;
	bool is_asked; /* for a sweep */
};

static struct text *text_of(const char *bytes)
{
	return (struct text *)(bytes - offsetof(struct text, bytes));
}

static size_t cost_of(size_t length)
{
	return sizeof(struct text) + length + 1 + OVERHEAD;
}

struct strings *strings_new(void)
{
	struct strings *strings = calloc(1, sizeof(*strings));

	if (strings)
		table_init(&strings->shares, offsetof(struct share, uid), sizeof(uint32_t));
	return strings;
}

static void free_text(void *bytes)
{
	free(text_of(bytes));
}

void strings_free(struct strings *strings)
{
	if (!strings)
		return;
	tdestroy(strings->tree, free_text);
	table_clear_values(&strings->shares, free);
	free(strings);
}

/* ---- shares ---- */

/* NULL: no memory. */
static struct share *share_of(struct strings *strings, uint32_t uid)
{
	const struct share new_share = { .uid = uid };
	struct share *share = table_get(&strings->shares, &uid);

	if (share)
		return share;
	if (strings->shares.count >= USERS_MAX && uid != USERS_OTHER)
		return share_of(strings, USERS_OTHER);
	return table_add_copy(&strings->shares, &new_share, sizeof(new_share));
}

/* Drops empty shares, to make room for other users. */
static void drop_empty_shares(struct strings *strings)
{
	struct table kept;
	size_t cursor = 0;

	table_init(&kept, offsetof(struct share, uid), sizeof(uint32_t));
	for (struct share *share; (share = table_next(&strings->shares, &cursor));)
		if (share->bytes && table_add(&kept, share)) {
			table_clear(&kept); /* no memory: they all stay */
			return;
		}
	cursor = 0;
	for (struct share *share; (share = table_next(&strings->shares, &cursor));)
		if (!share->bytes)
			free(share);
	table_clear(&strings->shares);
	strings->shares = kept;
}

static bool has_room(const struct strings *strings, const struct share *share, size_t length)
{
	size_t most = share->uid ? STRINGS_BYTES_USER : STRINGS_BYTES_ROOT, all = STRINGS_BYTES;

	if (length >= STRINGS_SHORT) {
		most = STRINGS_WHOLE(most);
		all = STRINGS_WHOLE(all);
	}
	return share->bytes + cost_of(length) <= most && strings->bytes + cost_of(length) <= all;
}

/* ---- cutting ---- */

/* In the middle of a character (RFC 3629). */
static bool is_within(const char *at)
{
	return ((unsigned char)*at & 0xc0) == 0x80;
}

/* ".../last", or "...st" of a component that is too long. */
static void keep_last(char *cut, const char *text, size_t length)
{
	const char *from = text + length - (STRINGS_SHORT - sizeof(ELLIPSIS));
	const char *slash = strchr(from, '/');

	if (slash && slash[1])
		from = slash;
	while (is_within(from))
		from++;
	snprintf(cut, STRINGS_SHORT, ELLIPSIS "%s", from);
}

/* "/first/...", or "/fir..." of a component that is too long. */
static void keep_first(char *cut, const char *text)
{
	size_t kept = STRINGS_SHORT - sizeof(ELLIPSIS);
	const char *slash = memrchr(text, '/', kept);

	if (slash && slash > text)
		kept = slash + 1 - text;
	while (kept && is_within(text + kept))
		kept--;
	snprintf(cut, STRINGS_SHORT, "%.*s" ELLIPSIS, (int)kept, text);
}

/* ---- texts ---- */

static const char *find(const struct strings *strings, const char *text)
{
	char **found = tfind(text, &strings->tree, compare_texts);

	return found ? *found : NULL;
}

static const char *add(struct strings *strings, const char *bytes, struct share *share)
{
	size_t length = strlen(bytes);
	struct text *text = malloc(sizeof(*text) + length + 1);

	if (!text)
		return NULL;
	*text = (struct text){ .share = share };
	memcpy(text->bytes, bytes, length + 1);
	if (!tsearch(text->bytes, &strings->tree, compare_texts)) {
		free(text);
		return NULL;
	}
	if (share)
		share->bytes += cost_of(length);
	strings->bytes += cost_of(length);
	strings->new_bytes += cost_of(length);
	strings->new_texts++;
	return text->bytes;
}

const char *strings_get(struct strings *strings, const char *text)
{
	return find(strings, text) ?: add(strings, text, NULL);
}

const char *strings_get_for(struct strings *strings, const char *text, uint32_t uid,
			    enum strings_end end)
{
	const char *found = find(strings, text);
	size_t length = strlen(text);
	struct share *share;
	char cut[STRINGS_SHORT];

	if (found)
		return found;
	share = share_of(strings, uid);
	if (!share)
		return NULL;
	if (has_room(strings, share, length))
		return add(strings, text, share);
	strings->cut++;
	if (length < STRINGS_SHORT)
		return strings_get(strings, ELLIPSIS);
	if (end == STRINGS_LAST)
		keep_last(cut, text, length);
	else
		keep_first(cut, text);
	found = find(strings, cut);
	if (!found && has_room(strings, share, strlen(cut)))
		return add(strings, cut, share);
	return found ?: strings_get(strings, ELLIPSIS);
}

void strings_hold(const char *text)
{
	text_of(text)->holds++;
}

void strings_drop(const char *text)
{
	text_of(text)->holds--;
}

/* ---- sweep ---- */

bool strings_want_sweep(const struct strings *strings)
{
	return strings->new_texts > SWEEP_AFTER || strings->new_bytes > SWEEP_AFTER_BYTES ||
	       strings->cut != strings->cut_then || strings->is_asked;
}

void strings_ask_sweep(struct strings *strings)
{
	strings->is_asked = true;
}

void strings_mark(const char *text)
{
	text_of(text)->used = true;
}

static void remove_text(struct strings *strings, struct text *text)
{
	size_t cost = cost_of(strlen(text->bytes));

	strings->bytes -= cost;
	if (text->share)
		text->share->bytes -= cost;
	free(text);
}

size_t strings_sweep(struct strings *strings)
{
	size_t before = strings->bytes;
	void *kept = NULL;

	while (strings->tree) {
		char *bytes = *(char **)strings->tree;
		struct text *text = text_of(bytes);

		tdelete(bytes, &strings->tree, compare_texts);
		if (!text->used && !text->holds) {
			remove_text(strings, text);
			continue;
		}
		text->used = false;
		(void)tsearch(bytes, &kept,
			      compare_texts); /* no memory: only its sharing is lost */
	}
	strings->tree = kept;
	strings->new_texts = 0;
	strings->new_bytes = 0;
	strings->cut_then = strings->cut;
	strings->is_asked = false;
	drop_empty_shares(strings);
	return before - strings->bytes;
}

uint64_t strings_cut(const struct strings *strings)
{
	return strings->cut;
}

void strings_count_cut(struct strings *strings)
{
	strings->cut++;
}

size_t strings_bytes(const struct strings *strings)
{
	return strings->bytes;
}
