/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FAULTMAP_VERSION_H
#define FAULTMAP_VERSION_H

#define FAULTMAP_VERSION "0.1.0"
#define FAULTMAP_SCHEMA_VERSION 1 /* of the JSON lines */

#endif
