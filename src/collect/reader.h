/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The thread that reads what the kernel sends between two ticks. It is a thread of its own so that
 * nothing is lost while the event loop writes lines or answers a client: the ring and the table of
 * rows only hold what comes in some 100 ms. Private to collect/.
 *
 * It calls back with the lock held and touches nothing else. Others take the lock for the same
 * data.
 */
#ifndef FAULTMAP_READER_H
#define FAULTMAP_READER_H

struct reader;

/* Reads what there is. 0 or a negative errno, which ends the reading: reader_result() has it. */
typedef int (*reader_fn)(void *context);

/* Starts the thread, which waits for reader_watch(). It keeps the capabilities that the caller has
 * now. 0 or a negative errno. */
int reader_new(struct reader **ret_reader, reader_fn read, void *context);
/* From now on it reads whenever fd is readable. Once. */
void reader_watch(struct reader *reader, int fd);
/* Ends the thread; NULL is fine. Not with the lock held. */
void reader_free(struct reader *reader);

void reader_lock(struct reader *reader);
void reader_unlock(struct reader *reader);
/* With the lock held: 0, or what ended the reading. */
int reader_result(const struct reader *reader);

#endif
