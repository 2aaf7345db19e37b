#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attack: kernel memory: a start below limits of memory that leave no room for it
exec "$(dirname "$0")/../live/memory.sh"
