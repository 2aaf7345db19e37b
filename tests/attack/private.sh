#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attack: private paths: the user nobody searches /metrics for files in root's directories
exec "$(dirname "$0")/../live/private_names.sh"
