#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attack: stale paths: files, directories and mounts that change their names
exec "$(dirname "$0")/../live/paths.sh"
