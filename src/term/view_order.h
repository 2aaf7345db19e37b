/* SPDX-License-Identifier: GPL-2.0-only */
/* The order of a view's lines: by a column, as a tree, or as it was when it was frozen. */
#ifndef FAULTMAP_VIEW_ORDER_H
#define FAULTMAP_VIEW_ORDER_H

#include "term/view.h"

/* Orders this many lines by the level's column; equal ones by what makes equal snapshots look
 * alike. */
void order_lines(struct line **lines, size_t count, const struct level *level);
/* Parents before their children, whose figures they take on. 0 or -ENOMEM. */
int order_tree(struct view *view);

/* The order as it is. NULL when out of memory. */
struct order *order_new(const struct view *view);
void order_free(struct order *order);
/* Brings the view's lines into that order: what is gone keeps its place, what is new comes last. 0
 * or -ENOMEM. */
int order_apply(struct order *order, struct view *view);

/* Whether the view's filter finds it in the text. */
bool view_text_matches(const struct view *view, const char *text);

#endif
