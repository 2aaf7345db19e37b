// SPDX-License-Identifier: GPL-2.0-only
#include "collect/collector_perf.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* How often to read our own count again when it moved meanwhile. */
#define START_TRIES 100

/* An event on one CPU. It ends when the CPU goes offline (perf_event_exit_cpu()), and must be
 * opened again when it is back. */
struct cpu_event {
	int fd; /* -1: there is none; the link owns it */
	struct bpf_link *link;
	uint64_t enabled_ns; /* for how long it has counted when it was last read */
};

/* One of the events. */
struct perf_event {
	const char *name;
	uint64_t config;
	const struct bpf_program *program;
	size_t n_cpus;
	struct cpu_event *cpus;
	uint64_t ended;         /* what those that were closed had counted */
	uint64_t sum;           /* with what the others had when they were last read */
	unsigned int n_missing; /* CPUs that were online then and could not be given one */
	/* `follow`: of this process with all its children, and of this process alone; else -1. */
	int family_fd;
	int own_fd;
	uint64_t base; /* what it counted before perf_events_start */
};

struct perf_events {
	struct perf_event major;
	struct perf_event minor;
	struct perf_event entry; /* not opened unless asked for */
	bool has_minor;
};

static int open_event(const struct perf_event *event, int cpu)
{
	/* Period 1 is never throttled (kernel/events/core.c: perf_swevent_event()). Disabled until
	 * the program is attached, so that both count the same faults. */
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attributes),
		.config = event->config,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_ADDR,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED,
		.disabled = 1,
	};

	return syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

/* Counts without a program: of this thread, and of what it starts if `inherit`. */
static int open_counter(const struct perf_event *event, bool inherit)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attributes),
		.config = event->config,
		.inherit = inherit,
	};

	return syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* "fault_end (perf_event/page-faults-major): perf_event_open" */
static int refused(const struct perf_event *event, int why, const char *call, struct error *error)
{
	return error_set(error, why, "%s (perf_event/%s): %s",
			 event->program ? bpf_program__name(event->program) : "no program",
			 event->name, call);
}

/* -ENODEV: the CPU is offline. */
static int attach_on(struct perf_event *event, size_t cpu, struct error *error)
{
	struct cpu_event *on = &event->cpus[cpu];
	int fd = open_event(event, cpu);

	if (fd < 0 && (errno == ENODEV || errno == EINVAL)) /* the CPU is offline */
		return -ENODEV;
	if (fd < 0)
		return refused(event, errno, "perf_event_open", error);
	on->link = bpf_program__attach_perf_event(event->program, fd);
	if (!on->link) {
		int why = errno;

		close(fd);
		return refused(event, why, "BPF_LINK_CREATE", error);
	}
	on->fd = fd;
	on->enabled_ns = 0;
	return 0;
}

/* On each CPU that is online and has none yet. */
static int attach_on_all(struct perf_event *event, struct error *error)
{
	int result = 0;

	for (size_t cpu = 0; !result && cpu < event->n_cpus; cpu++) {
		if (event->cpus[cpu].fd < 0)
			result = attach_on(event, cpu, error);
		if (result == -ENODEV)
			result = 0;
	}
	return result;
}

static int event_open(struct perf_event *event, size_t n_cpus, bool follow,
		      const struct bpf_program *program, struct error *error)
{
	int result;

	event->cpus = calloc(n_cpus, sizeof(*event->cpus));
	if (!event->cpus)
		return error_set(error, ENOMEM, "out of memory");
	event->program = program;
	event->n_cpus = n_cpus;
	for (size_t cpu = 0; cpu < n_cpus; cpu++)
		event->cpus[cpu].fd = -1;
	result = attach_on_all(event, error);
	if (result || !follow)
		return result;
	event->own_fd = open_counter(event, false);
	event->family_fd = open_counter(event, true);
	return event->own_fd < 0 || event->family_fd < 0 ?
		       refused(event, errno, "perf_event_open of its own count", error) :
		       0;
}

static void event_close(struct perf_event *event)
{
	for (size_t cpu = 0; cpu < event->n_cpus; cpu++)
		bpf_link__destroy(event->cpus[cpu].link);
	free(event->cpus);
	if (event->family_fd >= 0)
		close(event->family_fd);
	if (event->own_fd >= 0)
		close(event->own_fd);
}

int perf_events_open(struct perf_events **ret_events, size_t n_cpus, bool follow,
		     const struct bpf_program *program, bool minor, struct error *error)
{
	struct perf_events *events = calloc(1, sizeof(*events));
	int result;

	if (!events)
		return error_set(error, ENOMEM, "out of memory");
	events->major = (struct perf_event){ .name = "page-faults-major",
					     .config = PERF_COUNT_SW_PAGE_FAULTS_MAJ,
					     .family_fd = -1,
					     .own_fd = -1 };
	events->minor = (struct perf_event){ .name = "page-faults-minor",
					     .config = PERF_COUNT_SW_PAGE_FAULTS_MIN,
					     .family_fd = -1,
					     .own_fd = -1 };
	events->entry = (struct perf_event){ .name = "page-faults",
					     .config = PERF_COUNT_SW_PAGE_FAULTS,
					     .family_fd = -1,
					     .own_fd = -1 };
	events->has_minor = minor;
	result = event_open(&events->major, n_cpus, follow, program, error);
	if (!result && minor)
		result = event_open(&events->minor, n_cpus, follow, program, error);
	if (result) {
		perf_events_free(events);
		return result;
	}
	*ret_events = events;
	return 0;
}

int perf_events_open_entry(struct perf_events *events, const struct bpf_program *program,
			   struct error *error)
{
	return event_open(&events->entry, events->major.n_cpus, false, program, error);
}

void perf_events_free(struct perf_events *events)
{
	if (!events)
		return;
	event_close(&events->entry);
	event_close(&events->major);
	event_close(&events->minor);
	free(events);
}

static int read_count(int fd, uint64_t *ret_count)
{
	ssize_t got = read(fd, ret_count, sizeof(*ret_count));

	if (got < 0)
		return -errno;
	return got == sizeof(*ret_count) ? 0 : -EIO;
}

/* Reads the event on one CPU, and closes it if it has stood still: the CPU went offline, though it
 * may be back since. */
static int read_on(struct perf_event *event, struct cpu_event *on, uint64_t *ret_count)
{
	struct {
		uint64_t count;
		uint64_t enabled_ns;
	} values;
	ssize_t got = read(on->fd, &values, sizeof(values));

	if (got != sizeof(values))
		return got < 0 ? -errno : -EIO;
	*ret_count = values.count;
	if (values.enabled_ns != on->enabled_ns) {
		on->enabled_ns = values.enabled_ns;
		return 0;
	}
	event->ended += values.count;
	bpf_link__destroy(on->link);
	*on = (struct cpu_event){ .fd = -1 };
	*ret_count = 0;
	return 0;
}

/* How many more CPUs are online than have the event. */
static unsigned int count_missing(const struct perf_event *event)
{
	long n_missing = sysconf(_SC_NPROCESSORS_ONLN);

	for (size_t cpu = 0; cpu < event->n_cpus; cpu++)
		n_missing -= event->cpus[cpu].fd >= 0;
	return n_missing > 0 ? (unsigned int)n_missing : 0;
}

/* Sums up the CPUs' counts, and opens the event on those that have come online. */
static int event_renew(struct perf_event *event, struct error *error)
{
	uint64_t sum = 0, count = 0;
	long n_open = 0;
	int result;

	for (size_t cpu = 0; cpu < event->n_cpus; cpu++) {
		struct cpu_event *on = &event->cpus[cpu];

		result = on->fd < 0 ? 0 : read_on(event, on, &count);

		if (result)
			return refused(event, -result, "read()", error);
		if (on->fd < 0)
			continue;
		sum += count;
		n_open++;
	}
	event->sum = event->ended + sum;
	event->n_missing = 0;
	if (n_open == sysconf(_SC_NPROCESSORS_ONLN))
		return 0;
	result = attach_on_all(event, error);
	if (result)
		event->n_missing = count_missing(event);
	return result;
}

int perf_events_renew(struct perf_events *events, struct error *error)
{
	int result = event_renew(&events->major, error);
	struct error other;

	/* Each is read, whatever became of the one before. */
	if (events->has_minor && event_renew(&events->minor, result ? &other : error) && !result)
		result = -EIO;
	/* Last, as it was opened. */
	if (events->entry.program && event_renew(&events->entry, result ? &other : error) &&
	    !result)
		result = -EIO;
	return result;
}

/* What the event has counted of those that are watched. */
static int event_read(const struct perf_event *event, uint64_t *ret_count)
{
	uint64_t sum = 0, count = 0;
	int result = 0;

	if (event->family_fd >= 0) {
		result = read_count(event->family_fd, &sum);
		if (!result)
			result = read_count(event->own_fd, &count);
		*ret_count = sum - count;
		return result;
	}
	*ret_count = event->sum;
	return 0;
}

/* Both of a family's counters count this process, but they were not opened at one instant: how far
 * they are apart is the same ever after. Taken when no fault came between the readings. */
static int event_start(struct perf_event *event)
{
	uint64_t before = 0, after = 1;
	int result = 0;

	for (int i = 0; !result && before != after && i < START_TRIES; i++) {
		if (event->own_fd >= 0)
			result = read_count(event->own_fd, &before);
		if (!result)
			result = event_read(event, &event->base);
		if (event->own_fd < 0)
			return result;
		if (!result)
			result = read_count(event->own_fd, &after);
	}
	return !result && before != after ? -EAGAIN : result;
}

int perf_events_start(struct perf_events *events)
{
	struct error error;
	int result = perf_events_renew(events, &error);

	if (!result)
		result = event_start(&events->major);
	if (!result && events->has_minor)
		result = event_start(&events->minor);
	return result;
}

/* The counters of a family are read one after the other: never below zero. */
static uint64_t since(uint64_t count, uint64_t base)
{
	return (int64_t)(count - base) > 0 ? count - base : 0;
}

int perf_events_read(const struct perf_events *events, struct perf_counts *ret_counts)
{
	uint64_t major = 0, minor = 0;
	int result = event_read(&events->major, &major);

	if (!result && events->has_minor)
		result = event_read(&events->minor, &minor);
	if (result)
		return result;
	ret_counts->major = since(major, events->major.base);
	ret_counts->minor = since(minor, events->minor.base);
	ret_counts->has_minor = events->has_minor;
	ret_counts->cpus_missing = events->major.n_missing;
	/* The programs have run since they were attached, followed processes since there are
	 * any. */
	ret_counts->completed = events->major.family_fd >= 0 ?
					ret_counts->major + ret_counts->minor :
					major + minor;
	return 0;
}
