/* SPDX-License-Identifier: GPL-2.0-only */
/* TLS as the web configuration says it, in GnuTLS's terms. */
#ifndef FAULTMAP_WEB_TLS_H
#define FAULTMAP_WEB_TLS_H

#include <gnutls/gnutls.h>

#include "base/error.h"
#include "serve/web_config.h"

/* Checks certificate, key and CA as GnuTLS will load them. 0, or -EINVAL with the error. */
int web_tls_check(const struct web_tls *tls, struct error *error);
/* For a session before its handshake: which certificate the client must show. `tls` must outlive
 * it. */
void web_tls_prepare(const struct web_tls *tls, gnutls_session_t session);

#endif
