// SPDX-License-Identifier: GPL-2.0-only
#include "cmd/daemon_otlp.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "cmd/worker_rights.h"
#include "metrics/otlp.h"
#include "symbol/keeper.h"

#ifdef WITHOUT_CONNECT

int daemon_otlp_check(const char *url, struct error *error)
{
	(void)url;
	return error_set(error, EINVAL, "otlp: this faultmap was built without libcurl");
}

int daemon_otlp_new(struct daemon_otlp **ret_otlp, const char *url, uint64_t interval_ms,
		    const struct privileges_user *user, const struct option_list *disabled,
		    struct error *error)
{
	(void)ret_otlp;
	(void)interval_ms;
	(void)user;
	(void)disabled;
	return daemon_otlp_check(url, error);
}

void daemon_otlp_free(struct daemon_otlp *otlp)
{
	(void)otlp;
}

void daemon_otlp_tick(struct daemon_otlp *otlp, const struct sink_prometheus *sink,
		      const struct snapshot *snapshot)
{
	(void)otlp;
	(void)sink;
	(void)snapshot;
}

#else

#include "client/otlp_push.h"

#define FIRST_PAUSE_MS 1000
#define LONGEST_PAUSE_MS 64000
/* 100,000 series are less. */
#define BODY_MAX (256U << 20)

struct daemon_otlp {
	struct keeper keeper;
	struct otlp_push *push; /* the worker's */
	const char *url;
	uint64_t interval_ns;
	uint64_t next_ns; /* CLOCK_MONOTONIC */
	int body_fd;      /* a memfd: the sandbox lets none be made */
	bool is_free;     /* the worker has read what is in it */
	char host[256];
};

/* The worker. ---------------------------------------------------------------------------------- */

struct body {
	char *text;
	size_t size;
};

static void forget(struct body *body)
{
	free(TAKE_PTR(body->text));
	body->size = 0;
}

static void read_body(struct body *body, int fd)
{
	struct stat status;

	forget(body);
	if (fstat(fd, &status) || status.st_size <= 0 || status.st_size > BODY_MAX)
		return;
	body->text = malloc((size_t)status.st_size);
	if (body->text &&
	    pread(fd, body->text, (size_t)status.st_size, 0) == (ssize_t)status.st_size)
		body->size = (size_t)status.st_size;
}

static void tell_free(int socket)
{
	keeper_send(socket, "f", 1, -1);
}

/* The newest body that has come. -EPIPE: the daemon has ended. */
static int take_newest(int socket, struct body *body)
{
	char word;
	int fd, result;

	while ((result = keeper_receive(socket, &word, sizeof(word), &fd)) == 1) {
		if (fd < 0)
			continue;
		read_body(body, fd);
		close(fd);
		tell_free(socket);
	}
	return result;
}

/* One line when it begins to fail, one when that is over. */
static void tell(const struct daemon_otlp *otlp, int result, const struct error *why, bool *fails)
{
	if (result == 1 && *fails)
		log_warning("pushing metrics to %s works again", otlp->url);
	else if (result != 1 && !*fails)
		log_warning("pushing metrics to %s: %s; %s", otlp->url, why->text,
			    result ? "trying again" : "the next are tried all the same");
	*fails = result != 1;
}

static void work(void *context, int socket)
{
	struct daemon_otlp *otlp = context;
	int pause_ms = FIRST_PAUSE_MS;
	struct body body = {};
	bool fails = false;

	tell_free(socket); /* the one before this may have died of what was in it */
	for (;;) {
		struct pollfd waiting = { .fd = socket, .events = POLLIN };
		struct error error;
		int result;

		if (poll(&waiting, 1, body.size ? pause_ms : -1) > 0 &&
		    take_newest(socket, &body) < 0)
			return;
		if (!body.size)
			continue;
		result = otlp_push_send(otlp->push, body.text, body.size, &error);
		tell(otlp, result, &error, &fails);
		pause_ms = result == -EAGAIN ?
				   (int)min_of((uint64_t)pause_ms * 2, LONGEST_PAUSE_MS) :
				   FIRST_PAUSE_MS;
		if (result != -EAGAIN)
			forget(&body);
	}
}

/* The daemon. ---------------------------------------------------------------------------------- */

int daemon_otlp_check(const char *url, struct error *error)
{
	return otlp_push_check(url, error);
}

int daemon_otlp_new(struct daemon_otlp **ret_otlp, const char *url, uint64_t interval_ms,
		    const struct privileges_user *user, const struct option_list *disabled,
		    struct error *error)
{
	struct daemon_otlp *otlp = calloc(1, sizeof(*otlp));
	struct worker_rights may = { user, disabled, SANDBOX_CONNECT };
	struct keeper_rights rights = worker_rights(&may);
	int result;

	if (!otlp)
		return error_set(error, ENOMEM, "otlp: out of memory");
	otlp->url = url;
	otlp->interval_ns = interval_ms * 1000000;
	gethostname(otlp->host, sizeof(otlp->host) - 1);
	otlp->body_fd = memfd_create("otlp", MFD_CLOEXEC);
	if (otlp->body_fd < 0) {
		free(otlp);
		return error_set(error, errno, "otlp: %s", strerror(errno));
	}
	result = otlp_push_new(&otlp->push, url, getenv("OTEL_EXPORTER_OTLP_HEADERS"), error);
	if (!result) {
		result = keeper_start(&otlp->keeper, work, otlp, &rights);
		if (result < 0)
			error_set(error, -result, "otlp: starting a process: %s",
				  strerror(-result));
	}
	if (result < 0)
		daemon_otlp_free(otlp);
	else
		*ret_otlp = otlp;
	return result;
}

void daemon_otlp_free(struct daemon_otlp *otlp)
{
	if (!otlp)
		return;
	keeper_end(&otlp->keeper);
	close(otlp->body_fd);
	free(otlp);
}

/* Puts the body where the worker reads it. */
static bool write_body(const struct daemon_otlp *otlp, const char *text, size_t size)
{
	return !ftruncate(otlp->body_fd, 0) &&
	       pwrite(otlp->body_fd, text, size, 0) == (ssize_t)size;
}

void daemon_otlp_tick(struct daemon_otlp *otlp, const struct sink_prometheus *sink,
		      const struct snapshot *snapshot)
{
	uint64_t now_ns = monotonic_ns();
	autofree char *text = NULL;
	size_t size;
	char word;
	int none;

	while (keeper_receive(otlp->keeper.socket, &word, sizeof(word), &none) == 1)
		otlp->is_free = true;
	if (now_ns < otlp->next_ns || !otlp->is_free)
		return;
	otlp->next_ns = now_ns + otlp->interval_ns;
	if (otlp_render(sink, otlp->host, snapshot->ts, &text, &size) < 0)
		return;
	if (write_body(otlp, text, size))
		otlp->is_free = keeper_send(otlp->keeper.socket, "b", 1, otlp->body_fd) < 0;
}

#endif
