// SPDX-License-Identifier: GPL-2.0-only
#include "serve/page.h"

/* The assembler puts the file in, found from the top of the tree, where make runs. */
#define EMBED(name, file)                                                                 \
	__asm__(".pushsection .rodata." #name ", \"a\"\n" #name "_begin: .incbin \"" file \
		"\"\n" #name "_end: .byte 0\n.popsection\n");                             \
	extern const char name##_begin[], name##_end[];                                   \
	const struct page_file name = { name##_begin, name##_end }

EMBED(page_html, "src/serve/page.html");
EMBED(page_css, "src/serve/page.css");
EMBED(page_js, "src/serve/page.js");
