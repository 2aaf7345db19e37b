#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attack: a slow reader: log and daemon into pipes and sockets that stop, fill up and go away
exec "$(dirname "$0")/../live/jsonl.sh"
