// SPDX-License-Identifier: GPL-2.0-only
#include "term/view_order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* By column. ----------------------------------------------------------------------------------- */

static int compare_column(const struct line *a, const struct line *b, const struct level *level)
{
	const struct column *column = level->sort;
	int order = column->value ? compare_u64(column->value(a), column->value(b)) :
		    column->text  ? strcmp(column->text(a), column->text(b)) :
				    0;

	return column->ascending == level->reversed ? -order : order;
}

static int compare_lines(const void *left, const void *right, void *context)
{
	const struct line *a = *(const struct line *const *)left;
	const struct line *b = *(const struct line *const *)right;
	int order = compare_column(a, b, context);

	if (!order)
		order = compare_u64(line_faults(&b->total), line_faults(&a->total));
	if (!order)
		order = strcmp(a->name, b->name);
	if (!order)
		order = compare_u64(a->tgid, b->tgid);
	if (!order)
		order = compare_u64(a->map_start, b->map_start);
	return order ? order : compare_u64(a->id, b->id);
}

void order_lines(struct line **lines, size_t count, const struct level *level)
{
	if (count)
		qsort_r(lines, count, sizeof(*lines), compare_lines, (void *)level);
}

/* Tree. ---------------------------------------------------------------------------------------- */

/* More generations than this are shown side by side. */
#define DEPTH_MAX 64

struct node {
	uint32_t pid; /* the key */
	struct line *line;
	struct node *parent, *child, *sibling; /* children: in the order of the level */
};

struct tree {
	struct node *nodes;
	struct table by_pid;
	struct line **out;
	size_t n_out;
};

/* What is in the sum has no more resident than all of its processes have at most. */
static void add_ledger(struct line *sum, const struct line *line)
{
	ledger_add(&sum->ledger, &line->ledger);
	ledger_add_growth(&sum->growth_bytes, line->growth_bytes);
	if (line->ledger.brought &&
	    (!line->peak_rss_bytes || sum->peak_rss_bytes == LEDGER_NO_BOUND))
		sum->peak_rss_bytes = LEDGER_NO_BOUND;
	else if (line->ledger.brought)
		sum->peak_rss_bytes += line->peak_rss_bytes;
}

static void add_sum(struct line *sum, const struct line *line)
{
	add_ledger(sum, line);
	counts_add(&sum->delta, &line->delta);
	counts_add(&sum->total, &line->total);
	stalls_add(&sum->stalls, &line->stalls);
	for (unsigned int i = 0; i < STALL_CAUSE_COUNT; i++)
		sum->by_cause[i] += line->by_cause[i];
	sum->stalled_ns += line->stalled_ns;
	sum->vsz_bytes += line->vsz_bytes;
	sum->rss_bytes += line->rss_bytes;
	sum->is_sum = true;
	if (line->hottest_faults > sum->hottest_faults) {
		sum->hottest_faults = line->hottest_faults;
		sum->hottest = line->hottest;
		sum->why = line->why;
	}
}

/* Its figures are in those of all that it descends from. */
static void add_to_parents(struct node *node, const struct line *own)
{
	struct node *parent = node->parent;

	for (unsigned int depth = 0; parent && depth < DEPTH_MAX; depth++) {
		add_sum(parent->line, own);
		parent = parent->parent;
	}
}

/* Reused pids may form a circle: a process that would close it gets no parent. */
static bool descends_from(const struct node *node, const struct node *from)
{
	for (unsigned int depth = 0; node && depth < DEPTH_MAX; depth++) {
		if (node == from)
			return true;
		node = node->parent;
	}
	return node != NULL;
}

static void find_parents(struct tree *tree, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct node *node = &tree->nodes[i];
		struct node *parent = table_get(&tree->by_pid, &node->line->ppid);

		if (parent && !descends_from(parent, node))
			node->parent = parent;
	}
}

static void put_subtree(struct tree *tree, struct node *node, unsigned int depth)
{
	node->line->depth = (uint8_t)depth;
	tree->out[tree->n_out++] = node->line;
	for (struct node *child = node->child; child; child = child->sibling) {
		child->line->is_last = !child->sibling;
		child->line->rails = node->line->rails;
		if (!node->line->is_last && depth && depth < RAILS_MAX)
			child->line->rails |= 1U << depth;
		put_subtree(tree, child, depth + 1);
	}
}

/* Sorts by figures that include descendants, so that siblings are in order. */
static void put_all(struct tree *tree, struct line **lines, size_t count)
{
	for (size_t i = count; i-- > 0;) {
		struct node *node = table_get(&tree->by_pid, &lines[i]->tgid);

		if (!node || node->line != lines[i] || !node->parent)
			continue;
		node->sibling = node->parent->child;
		node->parent->child = node;
	}
	for (size_t i = 0; i < count; i++) {
		struct node *node = table_get(&tree->by_pid, &lines[i]->tgid);

		if (!node || node->line != lines[i]) /* another one of this pid, which has ended */
			tree->out[tree->n_out++] = lines[i];
		else if (!node->parent)
			put_subtree(tree, node, 0);
	}
}

int order_tree(struct view *view)
{
	size_t count = view->n_shown;
	struct tree tree = { .nodes = calloc(count + 1, sizeof(*tree.nodes)),
			     .out = calloc(count + 1, sizeof(*tree.out)) };
	struct line *own = calloc(count + 1, sizeof(*own));
	int result = tree.nodes && tree.out && own ? 0 : -ENOMEM;

	table_init(&tree.by_pid, offsetof(struct node, pid), sizeof(uint32_t));
	for (size_t i = 0; !result && i < count; i++) {
		own[i] = *view->set.lines[i];
		tree.nodes[i].pid = own[i].tgid;
		tree.nodes[i].line = view->set.lines[i];
		if (!table_get(&tree.by_pid, &own[i].tgid))
			result = table_add(&tree.by_pid, &tree.nodes[i]);
	}
	if (!result) {
		find_parents(&tree, count);
		for (size_t i = 0; i < count; i++)
			add_to_parents(&tree.nodes[i], &own[i]);
		order_lines(view->set.lines, count, view_level(view));
		put_all(&tree, view->set.lines, count);
		memcpy(view->set.lines, tree.out, count * sizeof(*tree.out));
	}
	table_clear(&tree.by_pid);
	free(tree.nodes);
	free(tree.out);
	free(own);
	return result;
}

/* Frozen. -------------------------------------------------------------------------------------- */

/* This many lines keep their place after their end; further ones only while they live. */
#define KEPT_MAX 10000

struct kept {
	uint64_t id;      /* the key */
	struct line line; /* as last seen; its texts are the order's */
	struct line *now; /* in the set that is being brought into order; NULL: gone */
	struct kept *next;
};

struct order {
	struct table by_id;
	struct kept *first, **last;
	struct arena arena;
};

static int keep(struct order *order, const struct line *line)
{
	struct kept *kept = arena_take(&order->arena, sizeof(*kept));

	if (!kept)
		return -ENOMEM;
	kept->id = line->id;
	kept->line = *line;
	kept->line.heat = NULL;
	kept->line.name = arena_text(&order->arena, line->name);
	kept->line.comm = arena_text(&order->arena, line->comm);
	kept->line.unit = arena_text(&order->arena, line->unit);
	kept->line.hottest = "";
	kept->line.why = KIND_COUNT;
	if (!kept->line.name || !kept->line.comm || !kept->line.unit ||
	    table_add(&order->by_id, kept) < 0)
		return -ENOMEM;
	*order->last = kept;
	order->last = &kept->next;
	return 0;
}

struct order *order_new(const struct view *view)
{
	struct order *order = calloc(1, sizeof(*order));

	if (!order)
		return NULL;
	table_init(&order->by_id, offsetof(struct kept, id), sizeof(uint64_t));
	order->last = &order->first;
	for (size_t i = 0; i < view->n_shown; i++) {
		if (keep(order, view->set.lines[i]) < 0) {
			order_free(order);
			return NULL;
		}
	}
	return order;
}

void order_free(struct order *order)
{
	if (!order)
		return;
	table_clear(&order->by_id);
	arena_clear(&order->arena);
	free(order);
}

/* The line of one that is there no more: its totals as they were, and no rates. */
static struct line *ghost_of(struct line_set *set, const struct kept *kept)
{
	struct line *ghost = arena_take(&set->arena, sizeof(*ghost));

	if (!ghost)
		return NULL;
	*ghost = kept->line;
	ghost->delta = (struct fault_counts){};
	ghost->stalls.count = ghost->stalls.sum_ns = 0;
	ghost->growth_bytes = 0;
	ghost->ended = true;
	ghost->name = arena_text(&set->arena, kept->line.name);
	ghost->comm = arena_text(&set->arena, kept->line.comm);
	ghost->unit = arena_text(&set->arena, kept->line.unit);
	return ghost->name && ghost->comm && ghost->unit ? ghost : NULL;
}

static void update(struct kept *kept, struct line *now)
{
	kept->now = now;
	kept->line.total = now->total;
	kept->line.stalled_ns = now->stalled_ns;
	kept->line.vsz_bytes = now->vsz_bytes;
	kept->line.rss_bytes = now->rss_bytes;
	kept->line.ledger = now->ledger;
}

/* Looks among all lines, not only the shown ones: a line in the order may be hidden (without
 * faults). */
int order_apply(struct order *order, struct view *view)
{
	struct line_set *set = &view->set;
	size_t n_order = 0, count = 0, room;
	struct line **lines;

	for (struct kept *kept = order->first; kept; kept = kept->next, n_order++)
		kept->now = NULL;
	for (size_t i = 0; i < set->count; i++) {
		struct kept *kept = table_get(&order->by_id, &set->lines[i]->id);

		if (kept)
			update(kept, set->lines[i]);
	}
	room = n_order + set->count + 1;
	lines = calloc(room, sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	for (struct kept *kept = order->first; kept; kept = kept->next) {
		lines[count] = kept->now ?: ghost_of(set, kept);
		count += lines[count] != NULL;
	}
	for (size_t i = 0; i < view->n_shown; i++) {
		struct line *line = set->lines[i];

		if (table_get(&order->by_id, &line->id))
			continue;
		lines[count++] = line;
		if (order->by_id.count < KEPT_MAX && keep(order, line) < 0) {
			free(lines);
			return -ENOMEM;
		}
	}
	free(set->lines);
	set->lines = lines;
	set->count = view->n_shown = count;
	return 0;
}
