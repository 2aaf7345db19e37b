// SPDX-License-Identifier: GPL-2.0-only
#include "serve/login.h"

#include <crypt.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/thread.h"
#include "base/util.h"

/* At bcrypt's usual cost of 10 these take a second or two; later clients are told to try again. */
#define MAX_PENDING 16
/* One per user and password in use: a scraper or two, some people. */
#define MAX_REMEMBERED 64
#define KEY_SIZE 32
#define DIGEST_SIZE 32 /* SHA-256 */
#define HASH_LEN 60    /* of bcrypt: "$2b$10$", 22 characters of salt, 31 of digest */
/* The thread's stack. Without this it would have the size of the program's own limit. */
#define STACK_SIZE (256 * 1024)
#define MAX_COST 16 /* 4 s on the machine this was written on */

struct check {
	STAILQ_ENTRY(check) next;
	char hash[HASH_LEN + 1];
	char *password;
	uint8_t digest[DIGEST_SIZE];
	bool is_user;
	bool granted;
	void *who;
};

STAILQ_HEAD(check_list, check);

struct login {
	struct loop *loop;
	login_done_fn on_done;
	int event_fd; /* the thread tells the loop that `done` has something */
	pthread_t thread;
	bool has_thread;
	struct crypt_data *data; /* the thread's alone; 32 KiB */
	/* The loop's alone */
	uint8_t key[KEY_SIZE]; /* makes remembered digests useless elsewhere */
	uint8_t remembered[MAX_REMEMBERED][DIGEST_SIZE];
	size_t n_remembered;
	size_t next_remembered; /* the oldest one, once all places are taken */
	size_t n_pending;
	/* Both threads', under the lock */
	pthread_mutex_t lock;
	pthread_cond_t wanted;
	struct check_list queue;
	struct check_list done;
	bool is_ending;
};

static void check_free(struct check *check)
{
	if (check->password)
		explicit_bzero(check->password, strlen(check->password));
	free(check->password);
	free(check);
}

static bool verify(const struct check *check, struct crypt_data *data)
{
	char *hash = crypt_r(check->password, check->hash, data);
	bool is_equal = hash && strlen(hash) == HASH_LEN &&
			!gnutls_memcmp(hash, check->hash, HASH_LEN);

	explicit_bzero(data, sizeof(*data));
	return is_equal && check->is_user;
}

/* Waits for work; NULL at the end. */
static struct check *next_check(struct login *login)
{
	struct check *check = NULL;

	pthread_mutex_lock(&login->lock);
	while (!login->is_ending && STAILQ_EMPTY(&login->queue))
		pthread_cond_wait(&login->wanted, &login->lock);
	if (!login->is_ending) {
		check = STAILQ_FIRST(&login->queue);
		STAILQ_REMOVE_HEAD(&login->queue, next);
	}
	pthread_mutex_unlock(&login->lock);
	return check;
}

/* Answers all requests with the same password: fifty scrapes at once are one check. */
static void finish_check(struct login *login, struct check *finished)
{
	struct check_list others = STAILQ_HEAD_INITIALIZER(others);
	struct check *check;
	uint64_t one = 1;

	pthread_mutex_lock(&login->lock);
	while ((check = STAILQ_FIRST(&login->queue))) {
		bool is_same = !gnutls_memcmp(check->digest, finished->digest, DIGEST_SIZE) &&
			       check->is_user == finished->is_user;

		STAILQ_REMOVE_HEAD(&login->queue, next);
		check->granted = is_same && finished->granted;
		if (is_same)
			STAILQ_INSERT_TAIL(&login->done, check, next);
		else
			STAILQ_INSERT_TAIL(&others, check, next);
	}
	STAILQ_CONCAT(&login->queue, &others);
	STAILQ_INSERT_TAIL(&login->done, finished, next);
	pthread_mutex_unlock(&login->lock);
	(void)!write(login->event_fd, &one, sizeof(one));
}

static void *check_passwords(void *context)
{
	struct login *login = context;
	struct check *check;

	while ((check = next_check(login))) {
		check->granted = verify(check, login->data);
		finish_check(login, check);
	}
	return NULL;
}

static bool is_remembered(const struct login *login, const uint8_t digest[DIGEST_SIZE])
{
	bool found = false;

	for (size_t i = 0; i < login->n_remembered; i++)
		found |= !gnutls_memcmp(login->remembered[i], digest, DIGEST_SIZE);
	return found;
}

static void remember(struct login *login, const uint8_t digest[DIGEST_SIZE])
{
	if (is_remembered(login, digest))
		return;
	memcpy(login->remembered[login->next_remembered], digest, DIGEST_SIZE);
	login->next_remembered = (login->next_remembered + 1) % MAX_REMEMBERED;
	if (login->n_remembered < MAX_REMEMBERED)
		login->n_remembered++;
}

/* Calls on_done for each finished check. Without the lock, as on_done may ask for more checks. */
static void hand_out(struct login *login, struct check_list *list)
{
	struct check *check;

	while ((check = STAILQ_FIRST(list))) {
		STAILQ_REMOVE_HEAD(list, next);
		login->n_pending--;
		if (check->granted)
			remember(login, check->digest);
		login->on_done(check->who, check->granted);
		check_free(check);
	}
}

static int handle_done(void *context, uint32_t events)
{
	struct login *login = context;
	struct check_list done = STAILQ_HEAD_INITIALIZER(done);
	uint64_t count;

	(void)events;
	(void)!read(login->event_fd, &count, sizeof(count));
	pthread_mutex_lock(&login->lock);
	STAILQ_CONCAT(&done, &login->done);
	pthread_mutex_unlock(&login->lock);
	hand_out(login, &done);
	return 0;
}

static int start(struct login *login)
{
	int result;

	if (gnutls_rnd(GNUTLS_RND_KEY, login->key, sizeof(login->key)) < 0)
		return -EIO;
	login->data = calloc(1, sizeof(*login->data));
	if (!login->data)
		return -ENOMEM;
	login->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (login->event_fd < 0)
		return -errno;
	result = loop_add_fd(login->loop, login->event_fd, EPOLLIN, handle_done, login);
	if (result < 0)
		return result;
	result = thread_start(&login->thread, STACK_SIZE, check_passwords, login);
	login->has_thread = !result;
	return result;
}

int login_new(struct login **ret_login, struct loop *loop, login_done_fn on_done)
{
	struct login *login = calloc(1, sizeof(*login));
	int result;

	if (!login)
		return -ENOMEM;
	login->loop = loop;
	login->on_done = on_done;
	login->event_fd = -1;
	pthread_mutex_init(&login->lock, NULL);
	pthread_cond_init(&login->wanted, NULL);
	STAILQ_INIT(&login->queue);
	STAILQ_INIT(&login->done);
	result = start(login);
	if (result < 0) {
		login_free(login);
		return result;
	}
	*ret_login = login;
	return 0;
}

void login_free(struct login *login)
{
	struct check *check;

	if (!login)
		return;
	pthread_mutex_lock(&login->lock);
	login->is_ending = true;
	pthread_cond_signal(&login->wanted);
	pthread_mutex_unlock(&login->lock);
	if (login->has_thread)
		pthread_join(login->thread, NULL);
	STAILQ_CONCAT(&login->done, &login->queue);
	STAILQ_FOREACH(check, &login->done, next)
	check->granted = false;
	hand_out(login, &login->done);
	if (login->event_fd >= 0) {
		loop_remove_fd(login->loop, login->event_fd);
		close(login->event_fd);
	}
	pthread_cond_destroy(&login->wanted);
	pthread_mutex_destroy(&login->lock);
	explicit_bzero(login->key, sizeof(login->key));
	free(login->data);
	free(login);
}

/* The digest is of hash and password, so a user whose hash has changed is no longer remembered. */
static bool digest_of(const struct login *login, const char *hash, const char *password,
		      uint8_t digest[DIGEST_SIZE])
{
	gnutls_hmac_hd_t hmac;

	if (gnutls_hmac_init(&hmac, GNUTLS_MAC_SHA256, login->key, KEY_SIZE) < 0)
		return false;
	gnutls_hmac(hmac, hash, strlen(hash) + 1);
	gnutls_hmac(hmac, password, strlen(password));
	gnutls_hmac_deinit(hmac, digest);
	return true;
}

static struct check *check_new(const char *hash, const char *password, bool is_user, void *who)
{
	struct check *check = calloc(1, sizeof(*check));

	if (!check)
		return NULL;
	snprintf(check->hash, sizeof(check->hash), "%s", hash);
	check->password = strdup(password);
	check->is_user = is_user;
	check->who = who;
	if (check->password)
		return check;
	free(check);
	return NULL;
}

enum login_answer login_check(struct login *login, const char *hash, const char *password,
			      bool is_user, void *who)
{
	uint8_t digest[DIGEST_SIZE];
	struct check *check;

	if (!digest_of(login, hash, password, digest))
		return LOGIN_BUSY;
	if (is_user && is_remembered(login, digest))
		return LOGIN_GRANTED;
	/* The thread has ended: nobody would check it. */
	if (login->is_ending || login->n_pending == MAX_PENDING)
		return LOGIN_BUSY;
	check = check_new(hash, password, is_user, who);
	if (!check)
		return LOGIN_BUSY;
	memcpy(check->digest, digest, DIGEST_SIZE);
	login->n_pending++;
	pthread_mutex_lock(&login->lock);
	STAILQ_INSERT_TAIL(&login->queue, check, next);
	pthread_cond_signal(&login->wanted);
	pthread_mutex_unlock(&login->lock);
	return LOGIN_PENDING;
}

bool login_is_hash(const char *hash)
{
	int cost;

	if (strlen(hash) != HASH_LEN || hash[0] != '$' || hash[1] != '2' ||
	    !strchr("aby", hash[2]) || hash[3] != '$' || hash[6] != '$')
		return false;
	if (strspn(hash + 4, "0123456789") != 2)
		return false;
	cost = (hash[4] - '0') * 10 + hash[5] - '0';
	return cost >= 4 && cost <= MAX_COST &&
	       strspn(hash + 7,
		      "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") ==
		       HASH_LEN - 7;
}
