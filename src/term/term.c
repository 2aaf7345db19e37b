// SPDX-License-Identifier: GPL-2.0-only
#include "term/term.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/util.h"
#include "term/screen.h"

struct term {
	struct term_options options;
	struct loop *loop;
	struct screen *screen;
	struct ui *ui;
	struct canvas canvas;
	bool is_watching; /* the descriptor */
};

bool term_is_possible(int fd)
{
	return screen_is_possible(fd);
}

void term_draw(struct term *term)
{
	unsigned int height, width;

	screen_size(term->screen, &height, &width);
	if (height != term->canvas.height || width != term->canvas.width) {
		struct canvas canvas;

		if (canvas_init(&canvas, height, width, term->options.ui.ascii) < 0)
			return;
		canvas_clear(&term->canvas);
		term->canvas = canvas;
	}
	ui_draw(term->ui, &term->canvas);
	screen_show(term->screen, &term->canvas);
}

static bool handle_event(struct term *term, const struct screen_event *event)
{
	switch (event->type) {
	case SCREEN_KEY:
		return ui_key(term->ui, event->key);
	case SCREEN_CLICK:
		return ui_click(term->ui, event->y, event->x);
	case SCREEN_WHEEL:
		ui_wheel(term->ui, event->steps);
		return true;
	default:
		return event->type != SCREEN_END;
	}
}

static int handle_input(void *context, uint32_t events)
{
	struct term *term = context;
	bool goes_on = !(events & EPOLLERR);
	struct screen_event event;

	do {
		event = screen_read(term->screen);
		goes_on = goes_on && handle_event(term, &event);
	} while (goes_on && event.type != SCREEN_NOTHING);
	if (goes_on && !(events & EPOLLHUP)) {
		term_draw(term);
		return 0;
	}
	loop_remove_fd(term->loop, screen_fd(term->screen));
	term->is_watching = false;
	term->options.on_quit(term->options.context);
	return 0;
}

static int handle_resize(void *context, const struct signalfd_siginfo *info)
{
	(void)info;
	term_draw(context);
	return 0;
}

/* Ctrl-Z: it stops here, and goes on from here. */
static int handle_stop(void *context, const struct signalfd_siginfo *info)
{
	struct term *term = context;

	(void)info;
	screen_suspend(term->screen);
	raise(SIGSTOP);
	screen_resume(term->screen);
	term_draw(term);
	return 0;
}

static int watch(struct term *term)
{
	int result = loop_add_fd(term->loop, screen_fd(term->screen), EPOLLIN, handle_input, term);

	term->is_watching = !result;
	if (!result)
		result = loop_add_signal(term->loop, SIGWINCH, handle_resize, term);
	if (!result)
		result = loop_add_signal(term->loop, SIGTSTP, handle_stop, term);
	return result;
}

int term_open(struct term **ret_term, const struct term_options *options, struct loop *loop,
	      struct error *error)
{
	struct term *term = calloc(1, sizeof(*term));
	int result;

	if (!term)
		return error_set(error, ENOMEM, "opening the terminal: out of memory");
	term->options = *options;
	term->loop = loop;
	setlocale(LC_CTYPE, "");
	term->options.ui.ascii |= !screen_has_utf8();
	term->ui = ui_new(&term->options.ui);
	result = term->ui ? screen_open(&term->screen, options->fd, options->has_colours, error) :
			    error_set(error, ENOMEM, "opening the terminal: out of memory");
	if (!result) {
		result = watch(term);
		if (result < 0)
			error_set(error, -result, "adding the terminal to the event loop: %s",
				  strerror(-result));
	}
	if (result < 0) {
		term_close(term);
		return result;
	}
	*ret_term = term;
	return 0;
}

void term_close(struct term *term)
{
	if (!term)
		return;
	if (term->is_watching)
		loop_remove_fd(term->loop, screen_fd(term->screen));
	screen_close(term->screen);
	canvas_clear(&term->canvas);
	ui_free(term->ui);
	free(term);
}

struct ui *term_ui(struct term *term)
{
	return term->ui;
}

int sink_term_tick(struct term *term, const struct snapshot *snapshot, struct error *error)
{
	if (ui_tick(term->ui, snapshot) < 0)
		return error_set(error, ENOMEM, "making the table: out of memory");
	term_draw(term);
	return 0;
}

void sink_term_free(struct term *term)
{
	term_close(term);
}

SINK_OPS(term);
