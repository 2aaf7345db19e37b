#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# attack: short-lived cgroups: 1,000 services that live for a moment
SERVICES=1000 exec "$(dirname "$0")/../live/cgroups.sh"
