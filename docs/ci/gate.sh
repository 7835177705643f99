#!/usr/bin/env bash
# The same gate for any CI: exits 0 pass, 1 regression, 2 usage, 3 inconclusive, 4 device trouble.
set -euo pipefail
baseline=${1:-latency-baseline.json}
shift || true
export ORT_DISABLE_TELEMETRY=1
command -v qemu-system-aarch64 >/dev/null || { echo "install the package qemu-system-arm" >&2; exit 4; }
exec bench check --baseline "$baseline" --device emulator --junit latency.xml --markdown latency.md --json latency.json "$@"
