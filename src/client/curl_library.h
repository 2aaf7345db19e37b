/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libcurl, loaded only when it is needed: it brings twenty libraries, which would cost every command
 * 7 ms at its start and 2.5 MiB of memory.
 */
#ifndef FAULTMAP_CURL_LIBRARY_H
#define FAULTMAP_CURL_LIBRARY_H

#include <curl/curl.h>

#include "base/error.h"

/* Its functions, under their names without "curl_". */
struct curl_library {
	typeof(curl_global_init) *global_init;
	typeof(curl_easy_init) *easy_init;
	typeof(curl_easy_setopt) *easy_setopt;
	typeof(curl_easy_perform) *easy_perform;
	typeof(curl_slist_append) *slist_append;
	typeof(curl_easy_getinfo) *easy_getinfo;
	typeof(curl_easy_strerror) *easy_strerror;
	typeof(curl_easy_cleanup) *easy_cleanup;
	typeof(curl_multi_init) *multi_init;
	typeof(curl_multi_setopt) *multi_setopt;
	typeof(curl_multi_add_handle) *multi_add_handle;
	typeof(curl_multi_remove_handle) *multi_remove_handle;
	typeof(curl_multi_info_read) *multi_info_read;
	typeof(curl_multi_socket_action) *multi_socket_action;
	typeof(curl_multi_assign) *multi_assign;
	typeof(curl_multi_cleanup) *multi_cleanup;
};

/* who: the flag that needs it, for the error. It stays loaded; a second call is fine. To be called
 * before a filter of system calls is in force. 0, or -ENOENT with the error set. */
int curl_library_load(struct curl_library *ret_library, const char *who, struct error *error);

#endif
