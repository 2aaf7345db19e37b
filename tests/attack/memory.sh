#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attack: kernel memory: starts under limits of memory that are too small
exec "$(dirname "$0")/../live/memory.sh"
