/* SPDX-License-Identifier: GPL-2.0-only */
/* The two formats of /metrics: what the web side agrees on with a client, and metrics/ writes. */
#ifndef FAULTMAP_EXPOSITION_FORMAT_H
#define FAULTMAP_EXPOSITION_FORMAT_H

enum exposition { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS };

#endif
