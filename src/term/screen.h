/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The terminal, through ncurses: the only place that sends anything to it. It is left as it was
 * found on every way out, also by a signal that ends the program. There is one at a time.
 */
#ifndef FAULTMAP_SCREEN_H
#define FAULTMAP_SCREEN_H

#include <stdbool.h>

#include "base/error.h"
#include "term/canvas.h"

struct screen;

struct screen_event {
	enum { SCREEN_NOTHING, SCREEN_KEY, SCREEN_CLICK, SCREEN_WHEEL, SCREEN_END } type;
	int key; /* as ui.h has them */
	unsigned int y, x;
	int steps; /* of the wheel: lines, up is negative */
};

/* Takes the terminal that fd is. What stderr gets meanwhile is kept and printed by
 * screen_close(). 0 or a negative errno with the error set. */
int screen_open(struct screen **ret_screen, int fd, bool has_colours, struct error *error);
/* NULL is fine. */
void screen_close(struct screen *screen);

/* For the loop: readable when there are events. */
int screen_fd(const struct screen *screen);
struct screen_event screen_read(struct screen *screen);
/* Its size now, in cells. */
void screen_size(const struct screen *screen, unsigned int *ret_height, unsigned int *ret_width);
/* Whether it shows what is not ASCII. */
bool screen_has_utf8(void);
/* Whether this terminal can have a screen at all: it is one, and it can move its cursor. */
bool screen_is_possible(int fd);

void screen_show(struct screen *screen, const struct canvas *canvas);
/* Gives the terminal back, and takes it again. */
void screen_suspend(struct screen *screen);
void screen_resume(struct screen *screen);

#endif
