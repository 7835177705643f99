"""Devices of which no text was recorded: chips as their makers describe them, and other systems' ways of printing."""

from __future__ import annotations

import json

import pytest

from results.device_state import raspberry, thermal
from results.device_state.battery import parse_battery
from results.device_state.core_groups import CoreGroups, core_groups
from results.device_state.cpuinfo import CpuInfo, parse_cpuinfo, parse_frequencies
from results.device_state.numbers import integers
from results.device_state.properties import parse_properties, target_of
from results.foreign.benchmark_model import parse_benchmark_model
from results.foreign.onnxruntime_perf import parse_perf_test, parse_profile

A53, A55, A57, A72, A73, A75, A76, A77, A78 = 0xD03, 0xD05, 0xD07, 0xD08, 0xD09, 0xD0A, 0xD0B, 0xD0D, 0xD41
A510, A520, A710, A715, A720, A725 = 0xD46, 0xD80, 0xD47, 0xD4D, 0xD81, 0xD87
X1, X2, X3, X4, X925 = 0xD44, 0xD48, 0xD4E, 0xD82, 0xD85

# chip -> clusters in the kernel's order as (part, cores, MHz), and the cores expected, slowest group first.
# Parts, counts and clocks are the makers' own product pages.
CHIPS: dict[str, tuple[list[tuple[int, int, int]], list[tuple[int, ...]]]] = {
    "Snapdragon 8 Gen 1": ([(A510, 4, 1785), (A710, 3, 2496), (X2, 1, 2995)], [(0, 1, 2, 3), (4, 5, 6), (7,)]),
    "Snapdragon 8 Gen 2": (
        [(A510, 3, 2016), (A715, 2, 2803), (A710, 2, 2803), (X3, 1, 3187)],
        [(0, 1, 2), (5, 6), (3, 4), (7,)],
    ),
    "Snapdragon 8 Gen 3": (
        [(A520, 2, 2265), (A720, 3, 3148), (A720, 2, 2956), (X4, 1, 3302)],
        [(0, 1), (5, 6), (2, 3, 4), (7,)],
    ),
    "Tensor G1": ([(A55, 4, 1803), (A76, 2, 2253), (X1, 2, 2802)], [(0, 1, 2, 3), (4, 5), (6, 7)]),
    "Tensor G2": ([(A55, 4, 1803), (A78, 2, 2348), (X1, 2, 2850)], [(0, 1, 2, 3), (4, 5), (6, 7)]),
    "Tensor G3": ([(A510, 4, 1704), (A715, 4, 2367), (X3, 1, 2914)], [(0, 1, 2, 3), (4, 5, 6, 7), (8,)]),
    "Tensor G4": ([(A520, 4, 1920), (A720, 3, 2600), (X4, 1, 3105)], [(0, 1, 2, 3), (4, 5, 6), (7,)]),
    "Dimensity 700": ([(A55, 6, 2000), (A76, 2, 2203)], [(0, 1, 2, 3, 4, 5), (6, 7)]),
    "Dimensity 8100": ([(A55, 4, 2000), (A78, 4, 2850)], [(0, 1, 2, 3), (4, 5, 6, 7)]),
    "Dimensity 9300": ([(A720, 4, 2000), (X4, 3, 2850), (X4, 1, 3250)], [(0, 1, 2, 3), (4, 5, 6), (7,)]),
    "Dimensity 9400": ([(A720, 4, 2400), (X4, 3, 3300), (X925, 1, 3626)], [(0, 1, 2, 3), (4, 5, 6), (7,)]),
    "Exynos 2100": ([(A55, 4, 2210), (A78, 3, 2808), (X1, 1, 2912)], [(0, 1, 2, 3), (4, 5, 6), (7,)]),
    "Kirin 970": ([(A53, 4, 1844), (A73, 4, 2362)], [(0, 1, 2, 3), (4, 5, 6, 7)]),
    "Kirin 659, one design at two clocks": ([(A53, 4, 1709), (A53, 4, 2362)], [(0, 1, 2, 3), (4, 5, 6, 7)]),
    "Unisoc T606, two designs at one clock": ([(A55, 6, 1612), (A75, 2, 1612)], [(0, 1, 2, 3, 4, 5), (6, 7)]),
    "Amlogic S922X, little at the higher clock": ([(A53, 2, 1896), (A73, 4, 1800)], [(0, 1), (2, 3, 4, 5)]),
    "RK3399": ([(A53, 4, 1416), (A72, 2, 1800)], [(0, 1, 2, 3), (4, 5)]),
    "RK3588, binned": ([(A55, 4, 1800), (A76, 2, 2256), (A76, 2, 2304)], [(0, 1, 2, 3), (4, 5, 6, 7)]),
    "Raspberry Pi Zero 2": ([(A53, 4, 1000)], [(0, 1, 2, 3)]),
    "Raspberry Pi 400": ([(A72, 4, 1800)], [(0, 1, 2, 3)]),
    "Raspberry Pi 5": ([(A76, 4, 2400)], [(0, 1, 2, 3)]),
    "Jetson Nano": ([(A57, 4, 1479)], [(0, 1, 2, 3)]),
}


def chip(name: str, frequency: bool = True, design: bool = True, online: tuple[int, ...] | None = None) -> CoreGroups:
    cores = [(part, mhz) for part, count, mhz in CHIPS[name][0] for _ in range(count)]
    text = "".join(
        f"processor\t: {core}\nCPU implementer\t: 0x41\nCPU part\t: {part:#x}\n\n"
        for core, (part, _) in enumerate(cores)
    )
    frequencies = {core: mhz * 1000 for core, (_, mhz) in enumerate(cores)} if frequency else {}
    if online is not None:  # cpufreq's folder is gone with the core
        frequencies = {core: value for core, value in frequencies.items() if core in online}
    return core_groups({}, frequencies, parse_cpuinfo(text if design else ""), online)


@pytest.mark.parametrize("name", CHIPS)
def test_groups_of_a_chip_whose_kernel_measured_no_capacity(name: str) -> None:
    assert [group.cores for group in chip(name).groups] == CHIPS[name][1]


@pytest.mark.parametrize("name", ["Snapdragon 8 Gen 1", "Tensor G4", "Exynos 2100", "Dimensity 700"])
def test_frequency_or_design_alone_tell_these_apart(name: str) -> None:
    assert [group.cores for group in chip(name, design=False).groups] == CHIPS[name][1]
    assert [group.cores for group in chip(name, frequency=False).groups] == CHIPS[name][1]


def test_frequency_missing_for_one_core_leaves_it_to_the_design() -> None:
    text = "".join(
        f"processor\t: {core}\nCPU implementer\t: 0x41\nCPU part\t: {A55 if core < 4 else A76:#x}\n"
        for core in range(6)
    )
    groups = core_groups({}, dict.fromkeys(range(5), 2000000), parse_cpuinfo(text), None)
    assert (groups.source, [group.cores for group in groups.groups]) == ("design", [(0, 1, 2, 3), (4, 5)])


def test_big_core_that_is_offline_leaves_the_next_ones() -> None:
    groups = chip("Tensor G4", online=(0, 1, 2, 3, 4, 5, 6))
    assert groups.big == (4, 5, 6)
    assert 7 not in groups.cores


def test_capacities_of_two_clusters_of_one_design_are_one_kind() -> None:
    """An RK3588 whose A76 clusters are binned at 2256 and 2304 MHz: 1024 * 2256 / 2304 is 1003."""
    text = "".join(
        f"processor\t: {core}\nCPU implementer\t: 0x41\nCPU part\t: {A55 if core < 4 else A76:#x}\n"
        for core in range(8)
    )
    capacity = {0: 414, 1: 414, 2: 414, 3: 414, 4: 1003, 5: 1003, 6: 1024, 7: 1024}
    assert core_groups(capacity, {}, parse_cpuinfo(text), None).big == (4, 5, 6, 7)
    assert core_groups(capacity, {}, CpuInfo(cores=()), tuple(range(8))).big == (6, 7)  # nobody says they are alike


def test_nvidia_tx2_has_its_fast_cores_in_the_middle() -> None:
    parts = {0: (0x41, A57), 1: (0x4E, 0x003), 2: (0x4E, 0x003), 3: (0x41, A57), 4: (0x41, A57), 5: (0x41, A57)}
    text = "".join(
        f"processor : {core}\nCPU implementer : {maker:#x}\nCPU part : {part:#x}\n"
        for core, (maker, part) in parts.items()
    )
    assert core_groups({}, dict.fromkeys(parts, 2035200), parse_cpuinfo(text), None).big == (1, 2)


def test_cores_of_which_some_sleep_keep_their_numbers() -> None:
    found = parse_cpuinfo("processor : 0\nCPU part : 0xd05\n\nprocessor : 4\nCPU part : 0xd41\n")
    assert [core.index for core in found.cores] == [0, 4]
    assert core_groups({}, {}, found, None).cores == (0, 4)


def test_old_kernel_for_one_core_numbers_none() -> None:
    text = "Processor\t: ARMv6-compatible processor rev 7 (v6l)\nBogoMIPS\t: 697.95\nFeatures\t: swp half\n"
    found = parse_cpuinfo(text + "CPU implementer\t: 0x41\nCPU part\t: 0xb76\n\nHardware\t: BCM2708\n")
    assert [(core.index, core.part) for core in found.cores] == [(0, 0xB76)]
    assert found.hardware == "BCM2708"


def test_risc_v_cores_are_cores() -> None:
    found = parse_cpuinfo(
        "processor\t: 0\nhart\t\t: 0\nisa\t\t: rv64imafdcv\nmmu\t\t: sv39\n\nprocessor\t: 1\nhart\t\t: 1\n"
    )
    assert [core.index for core in found.cores] == [0, 1]
    assert not core_groups({}, {}, found, None).differ


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("  voltage: 4123", 4123),
        ("  voltage: 4123000", 4123),  # microvolts
        ("  voltage: 8412", 8412),  # two cells
        ("  voltage: 4", None),  # volts
        ("  voltage: -1", None),
        ("  voltage: 4.1", None),
        ("  voltage:", None),
    ],
)
def test_battery_voltages(lines: str, expected: int | None) -> None:
    assert parse_battery(f"Current Battery Service state:\r\n{lines}\r\n").voltage_mv == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("  level: 50\n  scale: 100", 50),
        ("  level: 50\n  scale: 200", 25),
        ("  level: 50\n  scale: 0", 50),
        ("  level: 150\n  scale: 100", None),
        ("  level: -1", None),
        ("  level: 1e2", None),
        ("  present: false\n  level: 0\n  scale: 100", None),  # a television box
        ("  level : 50", 50),
    ],
)
def test_battery_levels(lines: str, expected: int | None) -> None:
    assert parse_battery(f"Current Battery Service state:\n{lines}\n").level_percent == expected


def test_vendor_lines_before_the_services_own_do_not_count() -> None:
    stopped = "  (UPDATES STOPPED -- use 'reset' to restart)\n"
    text = f"BatteryLogger:\n  level: 3\nCurrent Battery Service state:\n{stopped}  level: 80\n"
    assert parse_battery(text).level_percent == 80


@pytest.mark.parametrize(
    "text", ["Can't find service: battery\n", "", "cmd: Failure calling service battery: Broken pipe (32)\n"]
)
def test_service_that_is_not_there_tells_nothing(text: str) -> None:
    found = parse_battery(text)
    assert (found.level_percent, found.status, found.plugs, found.celsius, found.present) == (None,) * 5
    heat = thermal.parse_thermalservice(text)
    assert (heat.status, heat.hal_ready, heat.current, heat.cached) == (None, None, (), ())


def test_thermal_service_with_crlf_headings_that_go_on_and_numbers_of_another_country() -> None:
    text = (
        "Thermal Status: 1\r\nCurrent temperatures from HAL: 2 sensors\r\n"
        "\tTemperature{mValue=41.5, mType=0, mName= cpu,big , mStatus=0}\r\n"
        "\tTemperature{mValue=30,8, mType=3, mName=skin, mStatus=1}\r\n"
        "\tTemperature{mValue=30.8, mType=3, mNa\r\n"
        "Current cooling devices from HAL:\r\n"
        "\tTemperature{mValue=99.0, mType=0, mName=elsewhere, mStatus=0}\r\n"
    )
    found = thermal.parse_thermalservice(text)
    assert found.status == 1
    assert [(reading.name, reading.celsius) for reading in found.current] == [("cpu,big", 41.5), ("skin", None)]


@pytest.mark.parametrize("status", ["7", "-1", "none", ""])
def test_thermal_status_that_android_does_not_know_is_unknown(status: str) -> None:
    assert thermal.parse_thermalservice(f"Thermal Status: {status}\n").status is None


@pytest.mark.parametrize(
    "text",
    [
        "cat: /sys/class/thermal/thermal_zone0/type: Aucun fichier ou dossier de ce type\n",
        "/system/bin/sh: cat: /sys/class/thermal: Keine Berechtigung\n",
        "toybox: Unknown command cat\n",
        "bash: line 1: cat: command not found\n",
    ],
)
def test_complaint_in_any_language_is_no_zone(text: str) -> None:
    assert thermal.parse_zone_types(text) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" 10:34:22 up 45 min,  3 users,  load average: 0,24, 0,23, 0,16\n", (0.24, 0.23, 0.16)),  # de_DE
        (" 10:34  up 3 days, load averages: 1.10 1.20 1.30\n", (1.1, 1.2, 1.3)),
        ("0.20 0.18 0.12 1/80 11206\n", (0.2, 0.18, 0.12)),
        ("load average: 1.2.3, 4, 5\n", None),
        ("load average: 0.24, 0.2", None),
    ],
)
def test_load_averages(text: str, expected: tuple[float, float, float] | None) -> None:
    assert raspberry.parse_load(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        'error=1 error_msg="Command not registered"\n',
        "Can't open device file: /dev/vcio\nTry creating a device file with: sudo mknod /dev/vcio c 100 0\n",
        "-bash: vcgencmd: command not found\n",
        "vc_gencmd_read_response returned -1\n",
        "",
    ],
)
def test_firmware_that_does_not_answer_tells_nothing(text: str) -> None:
    assert raspberry.parse_throttled(text) is None
    assert raspberry.parse_temperature(text) is None
    assert raspberry.parse_clock(text) is None
    assert raspberry.parse_volts(text) is None
    assert raspberry.parse_pmic(text) == {}


@pytest.mark.parametrize("text", ["temp=48.3'C\r\n", "temp=48.3°C", "temp=48.3 C", "temp=48.3´C"])
def test_degrees_however_they_are_written(text: str) -> None:
    assert raspberry.parse_temperature(text) == 48.3


def test_raspberry_pi_5_has_another_clock_number_and_a_rail_that_is_off() -> None:
    assert raspberry.parse_clock("frequency(0)=2400033792\n") == 2_400_033_792
    assert raspberry.parse_clock("frequency(0)=0\n") is None
    assert raspberry.parse_volts("volt=0.0000V\n") is None


def test_properties_however_they_were_copied() -> None:
    text = "  [ro.product.model]: [SM-S921B]\r\n  [ro.product.cpu.abilist]: [arm64-v8a,armeabi-v7a]\r\n  [ro.cut]: [of"
    found = parse_properties(text)
    assert found == {"ro.product.model": "SM-S921B", "ro.product.cpu.abilist": "arm64-v8a,armeabi-v7a"}
    assert target_of(found) == "android-arm64"
    assert target_of(parse_properties("ro.product.cpu.abi=armeabi-v7a\nro.product.cpu.abilist64=\n")) is None


def test_profile_that_was_laid_out_anew_is_read_as_a_whole() -> None:
    event = {"cat": "Node", "name": "conv", "dur": 12, "args": {"op_name": "Conv", "provider": 3}}
    text = json.dumps([event, 4], indent=2)
    assert [(event.name, event.duration_us, event.op_type, event.provider) for event in parse_profile(text)] == [
        ("conv", 12, "Conv", None)
    ]
    assert parse_profile('{"cat": 1, "name": [], "dur": 2, "args": []},') == ()


def test_summaries_of_earlier_releases_of_onnxruntime() -> None:
    """The spellings of microsoft/onnxruntime issues 17313 and 4331."""
    old = parse_perf_test(
        "Total time cost: 58.8053\nTotal iterations: 1000\nAverage time cost: 58.8053 ms\nTotal run time: 58.8102 s\n"
        "Min Latency is 0.0559777 sec\nP999 Latency is 0.0623472 sec\n"
    )
    assert (old.total_s, old.requests, old.average_ms) == (58.8053, 1000, 58.8053)
    assert old.latency_s == {"Min": 0.0559777, "P999": 0.0623472}
    next_one = parse_perf_test(
        "Session creation time cost:0.133189 s\r\nTotal inference time cost:600.051 s\r\n"
        "Total inference requests:7160\r\nAverage inference time cost:83.8059 ms\r\n"
    )
    assert (next_one.session_s, next_one.total_s, next_one.requests, next_one.average_ms) == (
        0.133189,
        600.051,
        7160,
        83.8059,
    )


@pytest.mark.parametrize(
    "text",
    [
        "Failed to load model.tflite\n",
        "INFO: Loaded model a.tflite\nERROR: Didn't find op for builtin opcode 'CONV_2D' version '9'\n",
        "STARTING!\nSegmentation fault (core dumped)\n",
        "/system/bin/sh: ./benchmark_model: not executable: 64-bit ELF file\n",
        "09-04 10:00:00.000  1000  1000 E tflite  : Failed to initialize the interpreter\n",
    ],
)
def test_benchmark_model_that_never_ran_has_failed(text: str) -> None:
    found = parse_benchmark_model(text)
    assert found.failed
    assert found.inference_us is None


def test_failure_of_one_delegate_is_no_failure_of_the_run() -> None:
    text = (
        "Failed to apply GPU delegate.\nAverage inference timings in us: Warmup: 577904, Init: 9890, no stats: 420334\n"
    )
    found = parse_benchmark_model(text)
    assert not found.failed
    assert (found.inference_us, found.warmup_us, found.init_us) == (420334, 577904, 9890)


def test_frequencies_that_begin_with_the_highest_and_cores_that_show_none() -> None:
    assert parse_frequencies("2000000 1950000 500000 \n") == (500000, 1950000, 2000000)
    assert parse_frequencies("2000000 0\n") == ()
    assert integers("1800000\n0\ncat: x: Permission denied\n\n") == (1800000, None, None)


def test_latency_that_is_no_number_is_left_out() -> None:
    assert parse_perf_test("Min Latency: 0.1 s\nMax Latency: 1.2.3 s\n").latency_s == {"Min": 0.1}
