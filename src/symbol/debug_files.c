// SPDX-License-Identifier: GPL-2.0-only
#include "symbol/debug_files.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "symbol/code_file.h"
#include "symbol/keeper.h"

/* Linkers write 8, 16 or 20 bytes. */
#define BUILD_ID_MIN 2
#define BUILD_ID_MAX 64
/* Of one file. Chromium's has 1 GiB compressed; what is larger is not taken. */
#define FILE_BYTES (2ULL << 30)
#define FILE_BYTES_TEXT "2147483648"
/* How long a server may send next to nothing, and one file may take: debuginfod_find_debuginfo(3).
 * The user's environment may say less or more. */
#define SILENT_SECONDS_TEXT "10"
#define FILE_SECONDS_TEXT "45"
/* After so many failures in a row (other than "there is none") no server is asked again. */
#define FAILURES_MAX 3

#ifdef STATIC_BUILD
#define IS_STATIC true
#else
#define IS_STATIC false
#endif

struct request {
	uint32_t size;
	uint8_t build_id[BUILD_ID_MAX];
};

struct debug_files {
	pid_t pid;
	int socket; /* SOCK_SEQPACKET; -1: it took too long, nobody is asked any more */
	uint64_t left_ns;
};

/* libdebuginfod. ------------------------------------------------------------------------------- */

/* As elfutils/debuginfod.h has them since 0.179. */
struct library {
	void *(*begin)(void);
	int (*find_debuginfo)(void *client, const unsigned char *build_id, int size, char **path);
};

int debug_files_check(const char *servers, struct error *error)
{
	static const char *const schemes[] = { "http://", "https://", "file://" };
	size_t count = 0;

	for (const char *at = servers + strspn(servers, " "); *at; at += strspn(at, " ")) {
		bool is_one = false;

		for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
			is_one |= !strncmp(at, schemes[i], strlen(schemes[i])) &&
				  at[strlen(schemes[i])] > ' ';
		if (!is_one)
			return error_set(error, EINVAL,
					 "--debuginfod takes URLs of servers that begin with "
					 "http://, https:// or file://");
		at += strcspn(at, " ");
		count++;
	}
	return count ? 0 : error_set(error, EINVAL, "--debuginfod takes the URL of a server");
}

#ifdef STATIC_BUILD
static bool load(struct library *ret_library)
{
	(void)ret_library;
	return false;
}
#else
static bool load(struct library *ret_library)
{
	void *handle = dlopen("libdebuginfod.so.1", RTLD_NOW);

	if (!handle)
		return false;
	*(void **)&ret_library->begin = dlsym(handle, "debuginfod_begin");
	*(void **)&ret_library->find_debuginfo = dlsym(handle, "debuginfod_find_debuginfo");
	return ret_library->begin && ret_library->find_debuginfo;
}
#endif

int debug_files_load(struct error *error)
{
	struct library library;

	if (load(&library))
		return 0;
	return error_set(error, ENOENT,
			 "--debuginfod needs libdebuginfod, which cannot be loaded; install "
			 "libdebuginfod1 (elfutils-debuginfod-client in RPM)%s",
			 IS_STATIC ? " and a build that is not static" : "");
}

/* The process that finds files. ---------------------------------------------------------------- */

struct finder {
	struct library library;
	void *client; /* NULL: no server is asked */
	unsigned int failures;
};

/* Where distributions install it: -1: it is not there. */
static int open_installed(const struct request *request)
{
	char path[64 + 2 * BUILD_ID_MAX];
	int length = snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%02x/",
			      request->build_id[0]);

	for (uint32_t i = 1; i < request->size; i++)
		length += snprintf(path + length, sizeof(path) - (size_t)length, "%02x",
				   request->build_id[i]);
	snprintf(path + length, sizeof(path) - (size_t)length, ".debug");
	return code_file_open(path, 0);
}

static int ask_servers(struct finder *finder, const struct request *request)
{
	int fd;

	if (!finder->client || finder->failures >= FAILURES_MAX)
		return -1;
	fd = finder->library.find_debuginfo(finder->client, request->build_id, (int)request->size,
					    NULL);
	finder->failures = fd >= 0 || fd == -ENOENT ? 0 : finder->failures + 1;
	return fd;
}

/* What is already in the environment is the user's word, but for the servers. */
static void prepare_client(struct finder *finder, const char *servers)
{
	const char *cache = getenv("CACHE_DIRECTORY"); /* systemd's: CacheDirectory= */

	if (!servers || !load(&finder->library))
		return;
	setenv("DEBUGINFOD_URLS", servers, true);
	setenv("DEBUGINFOD_TIMEOUT", SILENT_SECONDS_TEXT, false);
	setenv("DEBUGINFOD_MAXTIME", FILE_SECONDS_TEXT, false);
	setenv("DEBUGINFOD_MAXSIZE", FILE_BYTES_TEXT, false);
	unsetenv("DEBUGINFOD_PROGRESS");
	unsetenv("DEBUGINFOD_VERBOSE");
	if (cache)
		setenv("DEBUGINFOD_CACHE_PATH", cache, false);
	finder->client = finder->library.begin();
}

/* A server may say nothing of a file's size: writing more than this fails. */
static void limit_finder(void)
{
	const struct rlimit none = {}, bytes = { FILE_BYTES, FILE_BYTES };

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_CORE, &none);
	setrlimit(RLIMIT_FSIZE, &bytes);
}

static _Noreturn void be_finder(int socket, const struct debug_files_options *options)
{
	const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	struct finder finder = {};
	struct request request;

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	if (dup2(socket, STDIN_FILENO) < 0)
		_exit(1);
	syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0); /* Linux 5.9 */
	limit_finder();
	prepare_client(&finder, options->servers);
	if (options->confine)
		options->confine(options->context);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* becoming another takes it away */
	for (;;) {
		struct pollfd event = { .fd = STDIN_FILENO, .events = POLLIN };
		int result, unused, found;

		poll(&event, 1, -1);
		result = keeper_receive(STDIN_FILENO, &request, sizeof(request), &unused);
		if (result < 0)
			_exit(0);
		if (!result)
			continue;
		found = open_installed(&request);
		if (found < 0)
			found = ask_servers(&finder, &request);
		if (keeper_send(STDIN_FILENO, &request.size, sizeof(request.size), found) < 0)
			_exit(0);
		if (found >= 0)
			close(found);
	}
}

/* Who asks. ------------------------------------------------------------------------------------ */

struct debug_files *debug_files_start(const struct debug_files_options *options)
{
	struct debug_files *files = calloc(1, sizeof(*files));
	int sockets[2];

	if (!files || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0) {
		free(files);
		return NULL;
	}
	files->left_ns = DEBUG_FILES_SECONDS * 1000000000ULL;
	files->socket = sockets[0];
	files->pid = fork();
	if (!files->pid)
		be_finder(sockets[1], options);
	close(sockets[1]);
	if (files->pid < 0) {
		close(sockets[0]);
		free(files);
		return NULL;
	}
	return files;
}

void debug_files_end(struct debug_files *files)
{
	if (!files)
		return;
	if (files->socket >= 0)
		close(files->socket);
	kill(files->pid, SIGKILL);
	while (waitpid(files->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(files);
}

/* 1: there is an answer; 0: not within the time. */
static int await_answer(struct debug_files *files)
{
	uint64_t now = monotonic_ns(), end_ns = now + files->left_ns;
	struct pollfd event = { .fd = files->socket, .events = POLLIN };
	int result = 0;

	while (now < end_ns && result <= 0) {
		result = poll(&event, 1, (int)((end_ns - now) / 1000000 + 1));
		now = monotonic_ns();
	}
	files->left_ns = now < end_ns ? end_ns - now : 0;
	return result > 0;
}

int debug_files_find(struct debug_files *files, const void *build_id, size_t size)
{
	struct request request = { .size = (uint32_t)size };
	int fd = -1;

	if (!files || files->socket < 0 || size < BUILD_ID_MIN || size > BUILD_ID_MAX)
		return -1;
	memcpy(request.build_id, build_id, size);
	if (keeper_send(files->socket, &request, sizeof(request), -1) < 0 || !await_answer(files) ||
	    keeper_receive(files->socket, &request.size, sizeof(request.size), &fd) <= 0) {
		/* What comes later would be taken for the answer to another question. */
		close(files->socket);
		files->socket = -1;
	}
	return fd;
}
