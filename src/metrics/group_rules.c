// SPDX-License-Identifier: GPL-2.0-only
#include "metrics/group_rules.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"
#include "metrics/group_regex.h"

#define ARROW " => "
#define LINE_LEN 1024
/* Of comments, too: a larger file is no list of rules. */
#define LINES_MAX 10000
/* A regex in glibc keeps a state for each situation it has met, up to some KiB each, at most one
 * for each byte of text: after this many bytes it is compiled again. */
#define FORGET_BYTES 4096
/* What has no name, since all that it is made of is empty. */
#define UNNAMED "[unnamed]"
#define PARTS_MAX 11 /* $0, and what is around all of the regex: see compile() */

struct rule {
	enum rule_field field;
	char *regex; /* with ^( and )$ around it */
	char *name;
	regex_t compiled;
	bool is_compiled;
	size_t seen; /* bytes of text since it was compiled */
};

struct group_rules {
	struct rule rules[GROUP_RULES_MAX];
	size_t count;
	char buffers[RULE_FIELD_COUNT][RULE_TEXT_LEN];
};

/* Where an error is. */
struct place {
	const char *path;
	unsigned int line;
	struct error *error;
};

static const char *const field_words[] = {
	[RULE_COMM] = "comm", [RULE_EXE] = "exe",       [RULE_CMDLINE] = "cmdline",
	[RULE_UNIT] = "unit", [RULE_CGROUP] = "cgroup",
};

#define FAIL(place, format, ...)                                                          \
	error_set((place)->error, EINVAL, "%s:%u: " format, (place)->path, (place)->line, \
		  ##__VA_ARGS__)

/* What a rule says. ---------------------------------------------------------------------------- */

/* 0 or what regcomp() says. */
static int compile(struct rule *rule)
{
	int result = regcomp(&rule->compiled, rule->regex, REG_EXTENDED);

	rule->is_compiled = !result;
	rule->seen = 0;
	return result;
}

static int set_regex(const struct place *place, struct rule *rule, const char *regex)
{
	struct error too_much;
	char why[128];
	int result = group_regex_check(regex, &too_much);

	if (result < 0)
		return FAIL(place, "%s", too_much.text);
	/* By itself first: ")(" must not become good between the two around it. */
	result = regcomp(&rule->compiled, regex, REG_EXTENDED);
	if (!result) {
		regfree(&rule->compiled);
		if (asprintf(&rule->regex, "^(%s)$", regex) < 0) {
			rule->regex = NULL;
			return FAIL(place, "out of memory");
		}
		result = compile(rule);
	}
	if (!result)
		return 0;
	regerror(result, &rule->compiled, why, sizeof(why));
	return FAIL(place, "the regex \"%s\": %s", regex, why);
}

static int set_name(const struct place *place, struct rule *rule, const char *name)
{
	for (const char *dollar = strchr(name, '$'); dollar; dollar = strchr(dollar + 2, '$')) {
		char part = dollar[1];

		if (part != '$' && (part < '0' || part > '9'))
			return FAIL(place,
				    "$ in the name is followed by no digit; write $$ for one");
		if (part != '$' && (size_t)(part - '0') > rule->compiled.re_nsub - 1)
			return FAIL(place,
				    "$%c in the name: the regex has %zu parts in parentheses", part,
				    rule->compiled.re_nsub - 1);
	}
	rule->name = strdup(name);
	return rule->name ? 0 : FAIL(place, "out of memory");
}

static int find_field(const char *word, size_t length)
{
	for (int field = 0; field < RULE_FIELD_COUNT; field++)
		if (strlen(field_words[field]) == length &&
		    !memcmp(word, field_words[field], length))
			return field;
	return -1;
}

/* Takes the blanks off both ends, in place. */
static char *strip(char *text)
{
	size_t length;

	text += strspn(text, " \t\r\n");
	length = strlen(text);
	while (length && strchr(" \t\r\n", text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

/* The last one: a regex may have one, too. */
static char *find_arrow(char *text)
{
	char *found = NULL;

	for (char *next = strstr(text, ARROW); next; next = strstr(next + 1, ARROW))
		found = next;
	return found;
}

static int add_rule(struct group_rules *rules, const struct place *place, char *line)
{
	size_t length = strcspn(line, " \t");
	int field = find_field(line, length), result;
	char *arrow = find_arrow(line);
	struct rule *rule = &rules->rules[rules->count];

	if (rules->count == GROUP_RULES_MAX)
		return FAIL(place, "more than %d rules", GROUP_RULES_MAX);
	if (field < 0)
		return FAIL(place,
			    "\"%.*s\" is not known; begin with comm, exe, cmdline, unit or cgroup",
			    (int)min_of(length, 64), line);
	if (!arrow)
		return FAIL(place, "no \"=>\" with blanks around it before the group's name");
	*arrow = '\0';
	if (!*strip(line + length))
		return FAIL(place, "no regex between the field and \"=>\"");
	if (!*strip(arrow + strlen(ARROW)))
		return FAIL(place, "no name behind \"=>\"");
	rules->count++; /* to be freed, whatever comes */
	rule->field = (enum rule_field)field;
	result = set_regex(place, rule, strip(line + length));
	return result ?: set_name(place, rule, strip(arrow + strlen(ARROW)));
}

/* Files. --------------------------------------------------------------------------------------- */

static int read_rules(struct group_rules *rules, FILE *stream, struct place *place)
{
	char line[LINE_LEN];

	while (fgets(line, sizeof(line), stream)) {
		char *text;
		int result = 0;

		if (++place->line > LINES_MAX)
			return FAIL(place, "more than %d lines", LINES_MAX);
		if (!strchr(line, '\n') && getc(stream) != EOF)
			return FAIL(place,
				    "the line is too long, or has a zero byte: give at most %d "
				    "characters",
				    LINE_LEN - 2);
		text = strip(line);
		if (*text && *text != '#')
			result = add_rule(rules, place, text);
		if (result < 0)
			return result;
	}
	if (ferror(stream))
		return error_set(place->error, EIO, "reading the group rules %s: %s", place->path,
				 strerror(EIO));
	return 0;
}

int group_rules_read(struct group_rules **ret_rules, const char *path, struct error *error)
{
	autofclose FILE *stream = fopen(path, "re");
	struct place place = { .path = path, .error = error };
	struct group_rules *rules;
	struct stat status;
	int result, why = stream ? 0 : errno;

	if (!why && !fstat(fileno(stream), &status) && S_ISDIR(status.st_mode))
		why = EISDIR;
	if (why)
		return error_set(error, why, "reading the group rules %s: %s", path, strerror(why));
	rules = calloc(1, sizeof(*rules));
	if (!rules)
		return error_set(error, ENOMEM, "reading the group rules %s: out of memory", path);
	result = read_rules(rules, stream, &place);
	if (result < 0)
		group_rules_free(rules);
	else
		*ret_rules = rules;
	return result;
}

void group_rules_free(struct group_rules *rules)
{
	if (!rules)
		return;
	for (size_t i = 0; i < rules->count; i++) {
		struct rule *rule = &rules->rules[i];

		if (rule->is_compiled)
			regfree(&rule->compiled);
		free(rule->regex);
		free(rule->name);
	}
	free(rules);
}

bool group_rules_use(const struct group_rules *rules, enum rule_field field)
{
	for (size_t i = 0; rules && i < rules->count; i++)
		if (rules->rules[i].field == field)
			return true;
	return false;
}

/* Matching. ------------------------------------------------------------------------------------ */

/* Before the regex has grown by what it has seen. False: it cannot be made anew, out of memory. */
static bool forget(struct rule *rule, size_t length)
{
	rule->seen += length + 1;
	if (rule->is_compiled && rule->seen <= FORGET_BYTES)
		return true;
	if (rule->is_compiled)
		regfree(&rule->compiled);
	return !compile(rule);
}

static void append(char *name, size_t size, size_t *length, const char *bytes, size_t count)
{
	count = min_of(count, size - 1 - *length);
	memcpy(name + *length, bytes, count);
	*length += count;
	name[*length] = '\0';
}

static void write_name(const struct rule *rule, const char *text, const regmatch_t *parts,
		       char *name, size_t size)
{
	size_t length = 0;

	*name = '\0';
	for (const char *next = rule->name; *next; next++) {
		const regmatch_t *part;

		if (*next != '$' || *++next == '$') {
			append(name, size, &length, next, 1);
			continue;
		}
		part = &parts[1 + *next - '0'];
		if (part->rm_so >= 0)
			append(name, size, &length, text + part->rm_so,
			       (size_t)(part->rm_eo - part->rm_so));
	}
	if (!length)
		append(name, size, &length, UNNAMED, strlen(UNNAMED));
}

static bool rule_matches(struct rule *rule, const char *text, char *name, size_t size)
{
	regmatch_t parts[PARTS_MAX];

	if (!forget(rule, strlen(text)) || regexec(&rule->compiled, text, PARTS_MAX, parts, 0))
		return false;
	write_name(rule, text, parts, name, size);
	return true;
}

bool group_rules_match(struct group_rules *rules, rule_text_fn text_of, void *context, char *name,
		       size_t size)
{
	const char *texts[RULE_FIELD_COUNT];
	bool is_known[RULE_FIELD_COUNT] = {};

	for (size_t i = 0; rules && i < rules->count; i++) {
		struct rule *rule = &rules->rules[i];
		enum rule_field field = rule->field;

		if (!is_known[field]) {
			texts[field] = text_of(context, field, rules->buffers[field]);
			is_known[field] = true;
		}
		if (texts[field] && rule_matches(rule, texts[field], name, size))
			return true;
	}
	return false;
}
