// SPDX-License-Identifier: GPL-2.0-only
#include "term/screen.h"

#include "base/util.h"
#include "term/ui.h"

/* Behind our own: curses has macros of names like "lines" and "timeout". */
#define NCURSES_NOMACROS
#define _XOPEN_SOURCE_EXTENDED 1
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

/* After this many ms a lone Esc is the key Esc, and not the beginning of another key. */
#define ESCAPE_MS 25
#define CRASH_STACK (64 * 1024)

struct screen {
	SCREEN *curses;
	FILE *input, *output;
	int fd;
	int stderr_fd; /* the real one; -1: it is no terminal, and stays */
	bool has_colours;
	bool is_suspended;
};

/* What the crash handler needs, ready before it does. */
static struct {
	int fd;
	struct termios termios;
	char restore[256];
	size_t length;
	struct sigaction old[NSIG];
	bool is_armed;
} crash;

static const int crash_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT, SIGHUP };

/* Crashes. ------------------------------------------------------------------------------------- */

/* Calls only what signal-safety(7) allows; then the signal takes its usual way. */
static void handle_crash(int signo)
{
	int saved = errno;

	if (crash.is_armed) {
		crash.is_armed = false;
		if (write(crash.fd, crash.restore, crash.length) < 0)
			crash.length = 0; /* nothing else can be done here */
		tcsetattr(crash.fd, TCSANOW, &crash.termios);
	}
	sigaction(signo, &crash.old[signo], NULL);
	raise(signo);
	errno = saved;
}

static void add_sequence(const char *sequence)
{
	size_t length = sequence && sequence != (char *)-1 ? strlen(sequence) : 0;

	if (crash.length + length >= sizeof(crash.restore))
		return;
	memcpy(crash.restore + crash.length, sequence ?: "", length);
	crash.length += length;
}

/* Without the marks of padding ("$<5>"), which only very old terminals need. */
static void add_capability(const char *name)
{
	char *sequence = tigetstr(name);
	char plain[64] = "";
	size_t length = 0;

	if (!sequence || sequence == (char *)-1)
		return;
	for (const char *next = sequence; *next && length + 1 < sizeof(plain); next++) {
		if (next[0] == '$' && next[1] == '<')
			next += strcspn(next, ">");
		else
			plain[length++] = *next;
		if (!*next)
			break;
	}
	add_sequence(plain);
}

/* Leaves a signal alone that is ignored (nohup): it does not end the program. */
static void arm_signal(int signo, const struct sigaction *action)
{
	sigaction(signo, action, &crash.old[signo]);
	if (crash.old[signo].sa_handler == SIG_IGN)
		sigaction(signo, &crash.old[signo], NULL);
}

static void arm(int fd)
{
	static char stack[CRASH_STACK];
	const stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_handler = handle_crash, .sa_flags = SA_ONSTACK };

	crash.fd = fd;
	crash.length = 0;
	if (tigetstr("kmous") && tigetstr("kmous") != (char *)-1)
		add_sequence("\033[?1006l\033[?1002l\033[?1000l");
	add_capability("sgr0");
	add_capability("cnorm");
	add_capability("rmkx");
	add_capability("rmcup");
	crash.is_armed = true;
	if (!IS_SANITIZED) /* which has one of its own */
		sigaltstack(&alternate, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(crash_signals); i++)
		arm_signal(crash_signals[i], &action);
}

static void disarm(void)
{
	crash.is_armed = false;
	for (size_t i = 0; i < ARRAY_SIZE(crash_signals); i++)
		sigaction(crash_signals[i], &crash.old[crash_signals[i]], NULL);
}

/* Messages. ------------------------------------------------------------------------------------ */

/* Messages on stderr would spoil the screen: keeps them until the screen is closed. */
static void keep_stderr(struct screen *screen)
{
	int kept;

	screen->stderr_fd = -1;
	if (!isatty(STDERR_FILENO))
		return;
	kept = memfd_create("faultmap-messages", MFD_CLOEXEC);
	if (kept < 0)
		return;
	screen->stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (screen->stderr_fd >= 0)
		dup2(kept, STDERR_FILENO);
	close(kept);
}

static void give_stderr_back(struct screen *screen)
{
	char text[4096];
	off_t offset = 0;
	ssize_t length;

	if (screen->stderr_fd < 0)
		return;
	fflush(stderr);
	while ((length = pread(STDERR_FILENO, text, sizeof(text), offset)) > 0) {
		if (write(screen->stderr_fd, text, (size_t)length) < 0)
			break;
		offset += length;
	}
	dup2(screen->stderr_fd, STDERR_FILENO);
	close(screen->stderr_fd);
}

/* Life. ---------------------------------------------------------------------------------------- */

bool screen_has_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

bool screen_is_possible(int fd)
{
	int result;
	bool can_move;

	if (!isatty(fd) || setupterm(NULL, fd, &result) != OK)
		return false;
	can_move = tigetstr("cup") && tigetstr("cup") != (char *)-1;
	del_curterm(cur_term);
	return can_move;
}

static void set_colours(struct screen *screen)
{
	static const struct {
		enum style style;
		short front, back;
	} pairs[] = {
		{ STYLE_LABEL, COLOR_CYAN, -1 },
		{ STYLE_BAR, COLOR_GREEN, -1 },
		{ STYLE_TITLES, COLOR_BLACK, COLOR_GREEN },
		{ STYLE_SORTED, COLOR_BLACK, COLOR_CYAN },
		{ STYLE_WARN, COLOR_YELLOW, -1 },
		{ STYLE_BAD, COLOR_RED, -1 },
		{ STYLE_SELECTED, COLOR_BLACK, COLOR_CYAN },
		{ STYLE_ACTION, COLOR_BLACK, COLOR_CYAN },
	};

	screen->has_colours = has_colors() && start_color() == OK && use_default_colors() == OK;
	/* What is not in the list has the terminal's own colours. */
	for (short pair = 1; screen->has_colours && pair < STYLE_COUNT; pair++)
		init_pair(pair, -1, -1);
	for (size_t i = 0; screen->has_colours && i < ARRAY_SIZE(pairs); i++)
		init_pair((short)pairs[i].style, pairs[i].front, pairs[i].back);
}

/* Without colours, styles differ by bold, underlined or reversed. */
static attr_t attributes_of(const struct screen *screen, enum style style)
{
	static const attr_t plain[STYLE_COUNT] = {
		[STYLE_STRONG] = A_BOLD,
		[STYLE_TITLES] = A_REVERSE,
		[STYLE_SORTED] = A_REVERSE | A_BOLD,
		[STYLE_SELECTED] = A_REVERSE | A_BOLD,
		[STYLE_WARN] = A_BOLD,
		[STYLE_BAD] = A_BOLD | A_UNDERLINE,
		[STYLE_KEY] = A_BOLD,
		[STYLE_ACTION] = A_REVERSE,
		[STYLE_DIM] = A_DIM,
	};
	static const attr_t coloured[STYLE_COUNT] = {
		[STYLE_STRONG] = A_BOLD, [STYLE_KEY] = A_BOLD, [STYLE_DIM] = A_DIM,
		[STYLE_WARN] = A_BOLD,   [STYLE_BAD] = A_BOLD,
	};

	return screen->has_colours ? coloured[style] : plain[style];
}

static int set_up(struct screen *screen, bool has_colours)
{
	screen->curses = newterm(NULL, screen->output, screen->input);
	if (!screen->curses)
		return -ENODEV;
	set_term(screen->curses);
	arm(screen->fd);
	/* SIGINT and SIGTSTP stay the terminal's: the loop has them. */
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	leaveok(stdscr, TRUE);
	mouseinterval(0);
	mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	if (has_colours)
		set_colours(screen);
	return 0;
}

int screen_open(struct screen **ret_screen, int fd, bool has_colours, struct error *error)
{
	struct screen *screen = calloc(1, sizeof(*screen));
	int input = fcntl(fd, F_DUPFD_CLOEXEC, 3), output = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	int result = -ENOMEM;

	if (screen) {
		screen->fd = fd;
		screen->stderr_fd = -1;
		screen->input = input >= 0 ? fdopen(input, "r") : NULL;
		screen->output = output >= 0 ? fdopen(output, "w") : NULL;
	}
	if (screen && screen->input && screen->output && tcgetattr(fd, &crash.termios) == 0)
		result = set_up(screen, has_colours);
	if (result < 0) {
		screen_close(screen);
		return error_set(error, -result,
				 "this terminal cannot be used (TERM is %s): try top -b",
				 getenv("TERM") ?: "not set");
	}
	keep_stderr(screen);
	*ret_screen = screen;
	return 0;
}

void screen_close(struct screen *screen)
{
	if (!screen)
		return;
	if (screen->curses) {
		if (!screen->is_suspended)
			endwin();
		disarm();
		tcsetattr(screen->fd, TCSADRAIN, &crash.termios);
		delscreen(screen->curses);
	}
	give_stderr_back(screen);
	if (screen->input)
		fclose(screen->input);
	if (screen->output)
		fclose(screen->output);
	free(screen);
}

void screen_suspend(struct screen *screen)
{
	endwin();
	screen->is_suspended = true;
	crash.is_armed = false;
}

void screen_resume(struct screen *screen)
{
	screen->is_suspended = false;
	crash.is_armed = true;
	clearok(curscr, TRUE);
	refresh();
}

int screen_fd(const struct screen *screen)
{
	return fileno(screen->input);
}

void screen_size(const struct screen *screen, unsigned int *ret_height, unsigned int *ret_width)
{
	struct winsize size = {};

	if (ioctl(screen->fd, TIOCGWINSZ, &size) < 0 || !size.ws_row || !size.ws_col) {
		size.ws_row = (unsigned short)LINES;
		size.ws_col = (unsigned short)COLS;
	}
	*ret_height = size.ws_row;
	*ret_width = size.ws_col;
}

/* Events. -------------------------------------------------------------------------------------- */

static int key_of(int code)
{
	static const struct {
		int curses, key;
	} keys[] = {
		{ KEY_UP, UI_KEY_UP },
		{ KEY_DOWN, UI_KEY_DOWN },
		{ KEY_LEFT, UI_KEY_LEFT },
		{ KEY_RIGHT, UI_KEY_RIGHT },
		{ KEY_PPAGE, UI_KEY_PAGE_UP },
		{ KEY_NPAGE, UI_KEY_PAGE_DOWN },
		{ KEY_HOME, UI_KEY_HOME },
		{ KEY_END, UI_KEY_END },
		{ KEY_BACKSPACE, UI_KEY_BACKSPACE },
		{ KEY_DC, UI_KEY_DELETE },
		{ KEY_BTAB, UI_KEY_BACKTAB },
		{ KEY_ENTER, UI_KEY_ENTER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].curses == code)
			return keys[i].key;
	if (code > KEY_F(0) && code <= KEY_F(12))
		return UI_KEY_F0 + code - KEY_F(0);
	return 0;
}

static struct screen_event read_mouse(void)
{
	struct screen_event event = {};
	MEVENT mouse;

	if (getmouse(&mouse) != OK || mouse.y < 0 || mouse.x < 0)
		return (struct screen_event){ .type = SCREEN_KEY };
	event.y = (unsigned int)mouse.y;
	event.x = (unsigned int)mouse.x;
	event.type = SCREEN_WHEEL;
	if (mouse.bstate & BUTTON1_PRESSED)
		event.type = SCREEN_CLICK;
	else if (mouse.bstate & BUTTON4_PRESSED)
		event.steps = -3;
	else if (mouse.bstate & BUTTON5_PRESSED)
		event.steps = 3;
	return event;
}

/* The descriptor is readable but has nothing to read: the terminal has hung up. */
static bool has_hung_up(struct screen *screen)
{
	int waiting = 0;

	return feof(screen->input) || ioctl(screen->fd, FIONREAD, &waiting) < 0;
}

struct screen_event screen_read(struct screen *screen)
{
	wint_t code = 0;
	int type = wget_wch(stdscr, &code);

	if (type == ERR)
		return (struct screen_event){ .type = has_hung_up(screen) ? SCREEN_END :
									    SCREEN_NOTHING };
	if (type == KEY_CODE_YES && code == KEY_MOUSE)
		return read_mouse();
	if (type == KEY_CODE_YES)
		return (struct screen_event){ .type = SCREEN_KEY, .key = key_of((int)code) };
	if (code == 0x7f || code == '\b')
		code = UI_KEY_BACKSPACE;
	return (struct screen_event){ .type = SCREEN_KEY, .key = (int)code };
}

/* Output. -------------------------------------------------------------------------------------- */

/* The cells of one style from x on, at once; returns where they end. */
static unsigned int show_run(struct screen *screen, const struct canvas *canvas, unsigned int y,
			     unsigned int x)
{
	enum style style = (enum style)canvas_cell(canvas, y, x)->style;
	char text[512 * CELL_BYTES];
	size_t length = 0;
	unsigned int end = x;

	while (end < canvas->width && canvas_cell(canvas, y, end)->style == style) {
		const char *cell = canvas_cell(canvas, y, end)->text;
		size_t bytes = strlen(cell);

		memcpy(text + length, cell, bytes);
		length += bytes;
		end++;
	}
	text[length] = '\0';
	attr_set(attributes_of(screen, style), screen->has_colours ? (short)style : 0, NULL);
	mvaddstr((int)y, (int)x, text);
	return end;
}

void screen_show(struct screen *screen, const struct canvas *canvas)
{
	if ((int)canvas->height != LINES || (int)canvas->width != COLS)
		resizeterm((int)canvas->height, (int)canvas->width);
	for (unsigned int y = 0; y < canvas->height; y++)
		for (unsigned int x = 0; x < canvas->width;)
			x = show_run(screen, canvas, y, x);
	refresh();
}
