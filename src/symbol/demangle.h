// SPDX-License-Identifier: GPL-2.0-only
#ifndef SYMBOL_DEMANGLE_H
#define SYMBOL_DEMANGLE_H

#include "base/util.h"

/* libiberty's demangler. Fedora's binutils-devel has the library without this header of it. */
#if __has_include(<libiberty/demangle.h>)
#undef ARRAY_SIZE /* of base/util.h; this one is the same */
#include <libiberty/demangle.h>
#else
#define DMGL_PARAMS (1 << 0)
#define DMGL_ANSI (1 << 1)
#define DMGL_AUTO (1 << 8)

/* A string for free(3), or NULL if the name is not mangled. */
char *cplus_demangle(const char *mangled, int options);
#endif

#endif
