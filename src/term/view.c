// SPDX-License-Identifier: GPL-2.0-only
#include "term/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "model/losses.h"
#include "term/view_order.h"

struct level *view_level(struct view *view)
{
	return &view->levels[view->depth];
}

static const struct level *level_of(const struct view *view)
{
	return &view->levels[view->depth];
}

static void level_init(struct level *level, enum view_kind kind)
{
	*level = (struct level){ .view = kind, .scope = SCOPE_ALL };
	level->sort = columns_default(kind);
}

void view_init(struct view *view)
{
	*view = (struct view){};
	level_init(&view->levels[0], VIEW_PROCESSES);
}

static void forget_regex(struct view *view)
{
	if (view->has_regex)
		regfree(&view->regex);
	view->has_regex = false;
}

void view_clear(struct view *view)
{
	line_set_clear(&view->set);
	line_set_clear(&view->kinds);
	for (size_t i = 0; i < view->depth; i++)
		line_set_clear(&view->levels[i].kept);
	zero_clear(&view->zero);
	order_free(view->order);
	forget_regex(view);
	*view = (struct view){};
}

/* The lines. ----------------------------------------------------------------------------------- */

/* True if the line passes the filter, and has faults unless all lines are shown. */
static bool is_shown(const struct view *view, const struct line *line)
{
	enum view_kind kind = level_of(view)->view;

	if (!view->shows_all && (kind == VIEW_PROCESSES || kind == VIEW_UNITS) &&
	    !line_faults(&line->delta) && !line->delta.denied &&
	    line->id != level_of(view)->selected)
		return false;
	if (!*view->filter)
		return true;
	return view_text_matches(view, line->name) || view_text_matches(view, line->comm) ||
	       view_text_matches(view, line->unit) || view_text_matches(view, line->hottest);
}

bool view_text_matches(const struct view *view, const char *text)
{
	if (view->has_regex)
		return regexec(&view->regex, text, 0, NULL, 0) == 0;
	return strcasestr(text, view->filter) != NULL;
}

/* Those that are shown come first. */
static void part_shown(struct view *view)
{
	struct line_set *set = &view->set;
	size_t shown = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct line *line = set->lines[i];

		if (!is_shown(view, line))
			continue;
		set->lines[i] = set->lines[shown];
		set->lines[shown++] = line;
	}
	view->n_shown = shown;
}

static void find_selected(struct view *view)
{
	struct level *level = view_level(view);

	if (!level->selected) {
		level->index = 0;
		return;
	}
	for (size_t i = 0; i < view->n_shown; i++) {
		if (view->set.lines[i]->id == level->selected) {
			level->index = i;
			return;
		}
	}
	/* It is gone: selects the line that is in its place. */
	if (level->index >= view->n_shown)
		level->index = view->n_shown ? view->n_shown - 1 : 0;
	level->selected = view->n_shown ? view->set.lines[level->index]->id : 0;
}

/* The process has ended: its rates are 0. */
static void clear_rates(struct view *view)
{
	for (size_t i = 0; i < view->set.count; i++) {
		view->set.lines[i]->delta = (struct fault_counts){};
		view->set.lines[i]->stalls.count = view->set.lines[i]->stalls.sum_ns = 0;
		view->set.lines[i]->growth_bytes = 0;
		view->set.lines[i]->ended = true;
	}
	view->set.sum.delta = (struct fault_counts){};
	view->set.sum.stalls.sum_ns = 0;
}

static int make_lines(struct view *view)
{
	const struct level *level = level_of(view);
	const struct process *process = scope_process(&level->scope, view->snapshot);
	struct line_set made = {};
	int result;

	if (level->scope.has_process && !process) {
		view->is_gone = true;
		clear_rates(view);
		return 0;
	}
	view->is_gone = process && process->ended;
	if (process)
		view->process = *process;
	result = line_set_make(&made, level->view, &level->scope, view->snapshot,
			       view->has_zero ? &view->zero : NULL);
	if (result < 0)
		return result;
	line_set_clear(&view->set);
	view->set = made;
	if (!process)
		return 0;
	line_set_clear(&view->kinds);
	return line_set_make(&view->kinds, VIEW_KINDS, &level->scope, view->snapshot,
			     view->has_zero ? &view->zero : NULL);
}

void view_set_findings(struct view *view, const struct process_finding *findings, size_t count)
{
	view->n_findings = min_of(count, FINDINGS_SHOWN);
	for (size_t i = 0; i < view->n_findings; i++)
		view->findings[i] = findings[i];
}

/* Of the table of processes alone. */
static void put_findings(struct view *view)
{
	view->has_findings = false;
	for (size_t i = 0; i < view->set.count; i++) {
		struct line *line = view->set.lines[i];

		line->finding = NULL;
		for (size_t j = 0; j < view->n_findings && !line->finding; j++)
			if (line->has_process && line->tgid == view->findings[j].tgid)
				line->finding = view->findings[j].name;
		view->has_findings |= line->finding && level_of(view)->view == VIEW_PROCESSES;
	}
}

int view_refresh(struct view *view, const struct snapshot *snapshot)
{
	int result;

	if (snapshot)
		view->snapshot = snapshot;
	if (!view->snapshot)
		return 0;
	result = make_lines(view);
	if (result < 0)
		return result;
	put_findings(view);
	part_shown(view);
	if (view->is_tree && level_of(view)->view == VIEW_PROCESSES)
		result = order_tree(view);
	else if (!view->order)
		order_lines(view->set.lines, view->n_shown, level_of(view));
	if (!result && view->order)
		result = order_apply(view->order, view);
	find_selected(view);
	return result;
}

/* Moving. -------------------------------------------------------------------------------------- */

const struct line *view_selected(const struct view *view)
{
	size_t index = level_of(view)->index;

	return index < view->n_shown ? view->set.lines[index] : NULL;
}

void view_select(struct view *view, size_t index)
{
	struct level *level = view_level(view);

	if (!view->n_shown)
		return;
	level->index = (size_t)min_of(index, view->n_shown - 1);
	level->selected = view->set.lines[level->index]->id;
}

void view_move(struct view *view, long lines)
{
	size_t index = view_level(view)->index;

	if (lines < 0)
		view_select(view, index > (size_t)-lines ? index - (size_t)-lines : 0);
	else
		view_select(view, index + (size_t)lines);
}

void view_top(struct view *view)
{
	view_level(view)->selected = 0;
	view_level(view)->index = view_level(view)->offset = 0;
}

void view_bottom(struct view *view)
{
	view_select(view, view->n_shown);
}

static bool line_has(const struct line *line, const char *text)
{
	return strcasestr(line->name, text) || strcasestr(line->comm, text) ||
	       strcasestr(line->unit, text) || strcasestr(line->hottest, text);
}

bool view_search(struct view *view, const char *text, bool again, bool backwards)
{
	size_t count = view->n_shown, index = view_level(view)->index;

	for (size_t i = again ? 1 : 0; i < count + (again ? 1 : 0); i++) {
		size_t at = (index + (backwards ? count - i % count : i)) % count;

		if (line_has(view->set.lines[at], text)) {
			view_select(view, at);
			return true;
		}
	}
	return false;
}

bool view_find_pid(struct view *view, uint32_t pid)
{
	for (size_t i = 0; i < view->n_shown; i++) {
		if (view->set.lines[i]->has_process && view->set.lines[i]->tgid == pid) {
			view_select(view, i);
			return true;
		}
	}
	return false;
}

void view_scroll(struct view *view, size_t height, bool must_show)
{
	struct level *level = view_level(view);
	size_t most = view->n_shown > height ? view->n_shown - height : 0;

	if (must_show || view->follows || !level->selected) {
		if (level->index < level->offset)
			level->offset = level->index;
		else if (height && level->index >= level->offset + height)
			level->offset = level->index - height + 1;
	}
	if (level->offset > most)
		level->offset = most;
}

/* In and out. ---------------------------------------------------------------------------------- */

static bool keep_name(char kept[NAME_LEN], const char *name)
{
	if (strlen(name) >= NAME_LEN)
		return false;
	strcpy(kept, name);
	return true;
}

static bool narrow_to_mapping(struct level *level, const struct line *line)
{
	if (!keep_name(level->mapping, line->name))
		return false;
	level->scope.mapping = level->mapping;
	return true;
}

static void narrow_to_process(struct level *level, const struct line *line)
{
	level->scope.has_process = true;
	level->scope.tgid = line->tgid;
	level->scope.start_ns = line->start_ns;
}

/* What is inside of the line: VIEW_COUNT: nothing. */
static enum view_kind narrow(struct level *level, enum view_kind from, const struct line *line)
{
	switch (from) {
	case VIEW_PROCESSES:
		narrow_to_process(level, line);
		return VIEW_SPACE;
	case VIEW_UNITS:
		if (!keep_name(level->unit, line->name))
			return VIEW_COUNT;
		level->scope.unit = level->unit;
		return VIEW_PROCESSES;
	case VIEW_FILES:
		return narrow_to_mapping(level, line) ? VIEW_MAPPINGS : VIEW_COUNT;
	case VIEW_KINDS:
		level->scope.kind = line->kind;
		return VIEW_MAPPINGS;
	case VIEW_MAPPINGS:
		narrow_to_process(level, line);
		if (!narrow_to_mapping(level, line))
			return VIEW_COUNT;
		return line->n_parts > 1 ? VIEW_SPACE : VIEW_DETAIL;
	case VIEW_THREADS:
		narrow_to_process(level, line);
		return VIEW_SPACE;
	case VIEW_SPACE:
		narrow_to_process(level, line);
		level->scope.has_mapping_id = true;
		level->scope.mapping_id = line->mapping_id;
		return VIEW_DETAIL;
	default:
		return VIEW_COUNT;
	}
}

/* The copies are the level's own, so its scope points to them, wherever it was copied from. */
static void point_to_own_names(struct level *level)
{
	if (level->scope.unit)
		level->scope.unit = level->unit;
	if (level->scope.mapping)
		level->scope.mapping = level->mapping;
}

bool view_enter(struct view *view)
{
	const struct level *level = level_of(view);
	const struct line *line = view_selected(view);
	struct level inner;
	enum view_kind kind;

	if (!line || view->is_gone || view->depth + 1 == LEVELS_MAX)
		return false;
	inner = *level;
	inner.kept = (struct line_set){};
	kind = narrow(&inner, level->view, line);
	if (kind == VIEW_COUNT)
		return false;
	inner.view = kind;
	inner.sort = columns_find(kind, level->sort->name) ?: columns_default(kind);
	if (kind == VIEW_SPACE || kind == VIEW_DETAIL)
		inner.sort = columns_default(kind);
	inner.reversed = false;
	inner.selected = 0;
	inner.index = inner.offset = 0;
	snprintf(inner.title, sizeof(inner.title), "%.*s", NAME_LEN - 1,
		 *line->name ? line->name : "-");
	view_freeze(view, false);
	if (*view->filter)
		view_filter(view, "", NULL, 0);
	view_level(view)->kept = view->set;
	view_level(view)->n_kept = view->n_shown;
	view->set = (struct line_set){};
	view->n_shown = 0;
	view->levels[++view->depth] = inner;
	point_to_own_names(view_level(view));
	return true;
}

bool view_leave(struct view *view)
{
	if (!view->depth)
		return false;
	view_freeze(view, false);
	line_set_clear(&view->set);
	view->depth--;
	view->set = view_level(view)->kept;
	view->n_shown = view_level(view)->n_kept;
	view_level(view)->kept = (struct line_set){};
	view->is_gone = false;
	return true;
}

bool view_has(const struct view *view, enum view_kind kind)
{
	const struct scope *scope = &level_of(view)->scope;

	switch (kind) {
	case VIEW_THREADS:
		return view->set.has_threads;
	case VIEW_CODE:
		return view->set.has_code;
	case VIEW_PROCESSES:
	case VIEW_UNITS:
		return !scope->has_process && !(kind == VIEW_UNITS && scope->unit);
	case VIEW_SPACE:
		return scope->has_process && !scope->has_mapping_id;
	case VIEW_DETAIL:
		return scope->has_process && (scope->has_mapping_id || scope->mapping);
	case VIEW_KINDS:
		return !scope->has_mapping_id && scope->kind < 0;
	default:
		return !scope->has_mapping_id;
	}
}

bool view_show(struct view *view, enum view_kind kind)
{
	struct level *level = view_level(view);
	const char *sort = level->sort->name;

	if (!view_has(view, kind) || kind == level->view)
		return kind == level->view;
	level->view = kind;
	level->sort = columns_find(kind, strcmp(sort, "address") ? sort : "faults") ?:
			      columns_default(kind);
	if (kind == VIEW_SPACE || kind == VIEW_LATENCY)
		level->sort = columns_default(kind);
	level->selected = 0;
	level->index = level->offset = 0;
	view_freeze(view, false);
	view->n_shown = 0;
	return true;
}

/* How. ----------------------------------------------------------------------------------------- */

int view_filter(struct view *view, const char *filter, char *ret_why, size_t size)
{
	size_t length = strlen(filter);
	char pattern[FILTER_LEN];
	regex_t regex;
	int code = 0;
	bool is_regex = length > 1 && filter[0] == '/' && filter[length - 1] == '/';

	if (length >= FILTER_LEN)
		return -EINVAL;
	if (is_regex) {
		snprintf(pattern, sizeof(pattern), "%.*s", (int)length - 2, filter + 1);
		code = regcomp(&regex, pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB);
	}
	if (code) {
		regerror(code, &regex, ret_why, size);
		return -EINVAL;
	}
	forget_regex(view);
	strcpy(view->filter, filter);
	if (is_regex) {
		view->regex = regex;
		view->has_regex = true;
	}
	return 0;
}

void view_sort(struct view *view, const struct column *column)
{
	struct level *level = view_level(view);

	level->reversed = false;
	level->sort = column;
	view_freeze(view, false);
}

int view_freeze(struct view *view, bool freeze)
{
	order_free(view->order);
	view->order = NULL;
	view->is_frozen = false;
	if (!freeze)
		return 0;
	view->order = order_new(view);
	view->is_frozen = view->order != NULL;
	return view->order ? 0 : -ENOMEM;
}

int view_zero(struct view *view)
{
	int result = view->snapshot ? zero_take(&view->zero, view->snapshot) : 0;

	view->has_zero |= view->snapshot && !result;
	return result;
}
