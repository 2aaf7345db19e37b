// SPDX-License-Identifier: GPL-2.0-only
#include "client/curl_library.h"

#include <dlfcn.h>
#include <errno.h>

#include "base/util.h"

/* Debian has one per TLS library; other distributions have the first. Their functions are the same
 * since 2006 (SONAME 4). */
static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4" };

static void *open_library(void)
{
	void *library = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(names) && !library; i++)
		library = dlopen(names[i], RTLD_NOW);
	return library;
}

int curl_library_load(struct curl_library *ret_library, const char *who, struct error *error)
{
	const struct {
		const char *name;
		void *at;
	} functions[] = {
		{ "curl_global_init", &ret_library->global_init },
		{ "curl_easy_init", &ret_library->easy_init },
		{ "curl_easy_setopt", &ret_library->easy_setopt },
		{ "curl_easy_perform", &ret_library->easy_perform },
		{ "curl_slist_append", &ret_library->slist_append },
		{ "curl_easy_getinfo", &ret_library->easy_getinfo },
		{ "curl_easy_strerror", &ret_library->easy_strerror },
		{ "curl_easy_cleanup", &ret_library->easy_cleanup },
		{ "curl_multi_init", &ret_library->multi_init },
		{ "curl_multi_setopt", &ret_library->multi_setopt },
		{ "curl_multi_add_handle", &ret_library->multi_add_handle },
		{ "curl_multi_remove_handle", &ret_library->multi_remove_handle },
		{ "curl_multi_info_read", &ret_library->multi_info_read },
		{ "curl_multi_socket_action", &ret_library->multi_socket_action },
		{ "curl_multi_assign", &ret_library->multi_assign },
		{ "curl_multi_cleanup", &ret_library->multi_cleanup },
	};
	void *library = open_library();

	for (size_t i = 0; i < ARRAY_SIZE(functions) && library; i++) {
		*(void **)functions[i].at = dlsym(library, functions[i].name);
		if (!*(void **)functions[i].at)
			library = NULL;
	}
	return library ? 0 :
			 error_set(error, ENOENT,
				   "%s needs libcurl, which cannot be loaded: %s; install "
				   "libcurl4 (libcurl in RPM)",
				   who, dlerror());
}
