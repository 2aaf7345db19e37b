#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attack: private paths: nobody reads /metrics, and looks for what is in root's directories
exec "$(dirname "$0")/../live/private_names.sh"
