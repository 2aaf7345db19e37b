/* SPDX-License-Identifier: GPL-2.0-only */
/* The files of the page at /, as they are in src/: the browser gets nothing from anywhere else. */
#ifndef FAULTMAP_PAGE_H
#define FAULTMAP_PAGE_H

#include <stddef.h>

struct page_file {
	const char *begin;
	const char *end;
};

extern const struct page_file page_html, page_css, page_js;

#endif
