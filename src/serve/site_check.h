/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which web site does a request come from? A browser makes requests for the pages of any site, from
 * behind the firewall or from this machine. Its headers say for which site, and a page cannot
 * change these.
 */
#ifndef FAULTMAP_SITE_CHECK_H
#define FAULTMAP_SITE_CHECK_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * Can this Host be the machine itself, for a client that came through a loopback address? That is
 * an address, localhost, a name below it, or the machine's own name. Any other name may belong to a
 * site that has pointed it here (DNS rebinding), so that its pages could read the answer.
 */
bool site_is_ours(const char *host, const char *machine);
/* Does a page from there (Origin) belong to this Host? */
bool site_is_same(const char *origin, const char *host);
/* True if our address of the connection is a loopback address. False for unix:, which browsers
 * cannot reach. */
bool site_is_loopback(int fd);

#endif
