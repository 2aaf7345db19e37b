/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marks: lines that COMMAND writes to the descriptor whose number is in FAULTMAP_MARK. The writer
 * waits until the mark has been recorded (mark_file.h). If that is not possible it is a pipe, and
 * the writer does not wait.
 */
#ifndef FAULTMAP_MARKS_H
#define FAULTMAP_MARKS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/loop.h"

#define MARKS_VARIABLE "FAULTMAP_MARK"
/* Bytes of a name; what is longer is cut. */
#define MARK_MAX 64

struct marks;

/* A line that is not empty, without its newline, raw bytes, during the call. */
typedef void (*mark_fn)(void *context, const char *name);

/* Before COMMAND starts, and before anything is counted; sets FAULTMAP_MARK for it. 0 or a negative
 * errno with the error set. */
int marks_open(struct marks **ret_marks, mark_fn on_mark, void *context, struct error *error);
/* From now on on_mark is called. As above. */
int marks_watch(struct marks *marks, struct loop *loop, struct error *error);
/* NULL is fine. */
void marks_free(struct marks *marks);
/* What COMMAND has to have, and as which number. */
int marks_descriptor(const struct marks *marks);
int marks_number(const struct marks *marks);
/* The writer waits. */
bool marks_are_exact(const struct marks *marks);
/* After COMMAND has ended, or when no more marks can be recorded: records what is still there. From
 * then on no writer waits, such as a child that COMMAND left behind; its writes to the file fail.
 * False: the last line has no newline. */
bool marks_end(struct marks *marks);

#endif
