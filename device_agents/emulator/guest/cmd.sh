#!/bin/sh
# cmd SERVICE COMMAND...: the few services that a benchmark talks to, with a memory of what they were told.
state=/data/misc/board
service=$1 command=$2 argument=$3
case "$service $command" in
"-l ")
    printf 'Currently running services:\n  battery\n  power\n  settings\n  thermalservice\n'
    ;;
"power set-fixed-performance-mode-enabled")
    case $argument in
    true | false) echo "$argument" >$state/fixed_performance_mode ;;
    *)
        echo "Error: expected true or false, not '$argument'" >&2
        exit 255
        ;;
    esac
    ;;
"power set-mode") exec settings put global low_power "$argument" ;;
"thermalservice override-status") echo "$argument" >$state/thermal_override ;;
"thermalservice reset") rm -f $state/thermal_override ;;
"battery "*)
    shift
    exec dumpsys battery "$@"
    ;;
"settings "*)
    shift
    exec settings "$@"
    ;;
"power "* | "thermalservice "*)
    echo "Unknown command: $command" >&2
    exit 255
    ;;
*)
    echo "cmd: Can't find service: $service" >&2
    exit 20
    ;;
esac
