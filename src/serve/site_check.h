/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which web site asks? A browser does what the pages of any site tell it, from where it stands:
 * behind the firewall, on this machine. What it says of them, a page cannot change.
 */
#ifndef FAULTMAP_SITE_CHECK_H
#define FAULTMAP_SITE_CHECK_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * Can a Host be this machine's, for who has reached it by its loopback address? An address,
 * localhost, a name below it, or the machine's own name. Any other name may be another site's that
 * has been made to lead here (DNS rebinding), so that its pages could read the answer.
 */
bool site_is_ours(const char *host, const char *machine);
/* Does a page from there (Origin) belong to this Host? */
bool site_is_same(const char *origin, const char *host);
/* This side of a connection has an address that no other machine reaches. Not a unix: one, which
 * browsers have no way to. */
bool site_is_loopback(int fd);

#endif
