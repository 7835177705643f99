#!/bin/sh
# dumpsys SERVICE [ARGUMENT...]: what a phone's services report, and the overrides that they take for tests.
texts=/system/etc/board state=/data/misc/board
case "$1 $2" in
"-l ") exec cmd -l ;;
"thermalservice ")
    overridden=false status=0
    [ -s $state/thermal_override ] && overridden=true status=$(cat $state/thermal_override)
    sed -e "s/@OVERRIDDEN@/$overridden/" -e "s/@STATUS@/$status/" $texts/thermalservice.txt
    ;;
"battery ")
    cat $state/battery
    ;;
"battery reset") cp $texts/battery.txt $state/battery ;;
"battery unplug") sed -i 's/powered: true/powered: false/; s/^  status: .*/  status: 3/' $state/battery ;;
"battery set")
    case $3 in
    level | status | temp) ;;
    *)
        echo "Unknown set option: $3" >&2
        exit 255
        ;;
    esac
    field=$3
    [ "$field" = temp ] && field=temperature
    sed -i "s/^  $field: .*/  $field: $(printf %d "$4")/" $state/battery
    ;;
*)
    echo "Can't find service: $1" >&2
    exit 0
    ;;
esac
