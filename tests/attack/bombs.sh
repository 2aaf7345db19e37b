#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attack: report: logs of some MiB that unpack to gigabytes
FACTOR=${FACTOR:-2} exec "$(dirname "$0")/../cli/bombs.sh"
