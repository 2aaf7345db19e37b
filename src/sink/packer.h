/* SPDX-License-Identifier: GPL-2.0-only */
/* Packs lines into frames of a compressed log: base/log_frame.h. */
#ifndef FAULTMAP_PACKER_H
#define FAULTMAP_PACKER_H

#include "base/log_frame.h"

struct packer;

/* False: this program was built without it. */
bool packer_knows(enum packing packing);
/* NULL: out of memory. */
struct packer *packer_new(enum packing packing);
/* NULL is fine. */
void packer_free(struct packer *packer);

/* A line more is queued, of that time or of none: OUTLET_NO_TIME. */
void packer_note(struct packer *packer, int64_t line_ms);
/* True when what is queued, so many bytes, is to be written now: there is enough of it, or it would
 * be too old when this is asked again. After a failure each try tells whether it is over. */
bool packer_is_due(struct packer *packer, size_t size);
/* Appends the lines that are queued as one frame, whole or not at all. 0 or a negative errno. */
int packer_write(struct packer *packer, int fd, const char *lines, size_t size);
/* They are lost. */
void packer_forget(struct packer *packer);
/* Takes away the beginning of a frame that a former writer of the file did not end: what comes after
 * it could not be unpacked. */
void packer_mend(int fd);

#endif
