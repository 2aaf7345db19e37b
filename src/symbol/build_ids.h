/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Build ids of files of code, from the ELF note NT_GNU_BUILD_ID that linkers write. The files are not
 * trusted, and this runs in faultmap's own process: it reads three short pieces of a file, of bounded
 * sizes, into memory of its own.
 */
#ifndef FAULTMAP_BUILD_IDS_H
#define FAULTMAP_BUILD_IDS_H

#include <stdbool.h>

#include "base/build_id_source.h"

struct build_ids;

/* NULL when out of memory. */
struct build_ids *build_ids_new(void);
/* After everything that may hold a text of it. NULL is fine. */
void build_ids_free(struct build_ids *ids);
/* Its interface; valid as long as the build ids. */
const struct build_id_source *build_ids_interface(const struct build_ids *ids);

/* Reads the build id of an open file. False: it has none, or is no ELF file for this kind of machine. */
bool build_id_read(int fd, char text[BUILD_ID_LEN]);

#endif
