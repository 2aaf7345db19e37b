#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attack: short-lived cgroups: 200 services that live for a moment
SERVICES=200 exec "$(dirname "$0")/../live/cgroups.sh"
