"""Every recorded text of a real device, against values read off it by eye; and what must hold of any such text."""

from __future__ import annotations

import pytest

from results.device_state import raspberry, thermal
from results.device_state.battery import parse_battery
from results.device_state.core_groups import core_groups
from results.device_state.cpuinfo import CpuInfo, parse_core_list, parse_cpuinfo, parse_frequencies
from results.device_state.numbers import integers
from results.device_state.properties import model_of, parse_properties, target_of
from tests.results.recorded import every, recorded

# file -> status, HAL ready, number of current and cached readings, hottest current CPU, skin, battery in Celsius
THERMAL = {
    "emulator-hal20-spaces-in-name-no-override-line": (0, True, 1, 1, None, 30.8, None),
    "emulator-hal20-status0-headroom": (0, True, 1, 1, None, 30.8, None),
    "other-hal20-status2-throttling": (2, True, 11, 11, 48.2, 44.637, 43.8),
    "pixel3a-hal20-status0": (0, True, 13, 13, 44.1, 30.147001, 28.000002),
    "pixel6-oriole-hal20-status0-odd-units": (0, True, 42, 40, 27.000002, 24.83324, 22.1),
    "pixel8-aidl3-status0-headroom": (0, True, 27, 22, 39.0, 33.61866, 34.300003),
    "qcom-hal-not-ready-fragment": (0, False, 0, 0, None, None, None),
    "qualcomm-hal20-status0-thresholds": (0, True, 14, 14, 36.2, 33.136, 29.0),
    "samsung-aidl1-status0": (0, True, 6, 6, 34.6, 28.2, 25.2),
}


@pytest.mark.parametrize("name", every("thermalservice"))
def test_thermalservice(name: str) -> None:
    found = thermal.parse_thermalservice(recorded(name))
    assert found.status is None or 0 <= found.status <= 6
    for reading in (*found.current, *found.cached):
        assert reading.celsius is None or -40 <= reading.celsius <= 150
        assert reading.name == reading.name.strip()
    stem = name.split("/")[1].removesuffix(".txt")
    if stem in THERMAL:
        assert (
            found.status,
            found.hal_ready,
            len(found.current),
            len(found.cached),
            found.hottest(0),
            found.hottest(3),
            found.hottest(2),
        ) == THERMAL[stem]


def test_sensor_in_volts_or_milliamperes_is_no_temperature() -> None:
    found = thermal.parse_thermalservice(recorded("thermalservice/pixel6-oriole-hal20-status0-odd-units.txt"))
    by_name = {reading.name: reading for reading in found.current}
    assert by_name["ocp_gpu"].value == 11900.0
    assert by_name["ocp_gpu"].celsius is None
    assert by_name["VIRTUAL-USB-THROTTLING"].celsius is None
    assert by_name["BIG"].celsius == 26.000002
    volts = thermal.parse_thermalservice(recorded("thermalservice/qualcomm-hal20-status0-thresholds.txt"))
    assert {reading.name: reading.celsius for reading in volts.current}["vbat"] is None


def test_status_of_the_service_counts_and_not_a_sensors_own() -> None:
    found = thermal.parse_thermalservice(recorded("thermalservice/pixel8-aidl3-status0-headroom.txt"))
    assert {reading.name for reading in found.current if reading.status == 1} == {"cam_therm", "disp_therm"}
    assert found.status == 0


# file -> level, status, plugs, Celsius, millivolts
BATTERY = {
    "android10-usb-full-no-dock": (100, "full", ("usb",), 27.4, 4352),
    "current_now-missing": (None, None, None, None, None),
    "emulator-a16-unplugged-no-temperature": (100, "not charging", (), None, None),
    "lpoly-ac-level15-odd-charge-counter": (15, "charging", ("ac",), 34.0, 4359),
    "miui-usb-full": (100, "full", ("usb",), 30.1, 4302),
    "motorola-ac-full-extra-fields": (100, "full", ("ac",), 25.1, 4471),
    "pixel8-unplugged": (68, "discharging", (), 34.7, 3975),
    "pixel8pro-usb-charging-level22": (22, "charging", ("usb",), 28.0, 3764),
    "samsung-s24-usb-charging-long": (75, "charging", ("usb",), 35.7, 4156),
    "xr-headset-ac-level16-voltage0": (16, "charging", ("ac",), 43.0, None),
}


@pytest.mark.parametrize("name", every("battery"))
def test_battery(name: str) -> None:
    found = parse_battery(recorded(name))
    assert found.level_percent is None or 0 <= found.level_percent <= 100
    assert found.voltage_mv is None or 2000 < found.voltage_mv < 10000
    stem = name.split("/")[1].removesuffix(".txt")
    if stem in BATTERY:
        assert (
            found.level_percent,
            found.status,
            found.plugs,
            found.celsius,
            found.voltage_mv,
        ) == BATTERY[stem]


# file -> model, target, platform, number of properties
PROPERTIES = {
    "build.prop-pixel-xl": ("Pixel XL", "android-arm64", "msm8996", None),
    "build.prop-pixel1": ("Pixel", "android-arm64", "msm8996", None),
    "emulator-a14-x86_64-part": ("sdk_gphone64_x86_64", "android-x86_64", "", 38),
    "emulator-a16-x86_64-multiline-value": (None, None, None, 25),
    "honor-x8b-part": ("HONOR X8b", None, None, 11),
    "pixel2xl-full-rebracketed": ("Pixel 2 XL", "android-arm64", "msm8998", 453),
    "pixel8pro-a17-part": ("Pixel 8 Pro", None, None, 22),
}


@pytest.mark.parametrize("name", every("getprop"))
def test_getprop(name: str) -> None:
    found = parse_properties(recorded(name))
    assert found
    stem = name.split("/")[1].removesuffix(".txt")
    if stem in PROPERTIES:
        model, target, platform, count = PROPERTIES[stem]
        assert model_of(found) == model
        assert target_of(found) == target
        assert found.get("ro.board.platform") == platform
        assert count is None or len(found) == count


def test_getprop_value_over_several_lines_is_whole() -> None:
    found = parse_properties(recorded("getprop/emulator-a16-x86_64-multiline-value.txt"))
    history = "reboot,1753125763\nreboot,factory_reset,1753122839\nreboot,1753122820"
    assert found["persist.sys.boot.reason.history"] == history
    assert found["remote_provisioning.hostname"] == "remoteprovisioning.googleapis.com"
    assert found["ro.wifi.channels"] == ""


# file -> core groups by design, slowest first (None: told apart by nothing in this text), hardware, board
A53, A72 = 0xD03, 0xD08
CPUINFO: dict[str, tuple[list[tuple[int, ...]], str | None, str | None]] = {
    "galaxy-s8-exynos8895": ([(0, 1, 2, 3), (4, 5, 6, 7)], None, None),
    "galaxy-s9-sd845-32bit-process": ([(0, 1, 2, 3), (4, 5, 6, 7)], "Qualcomm Technologies, Inc SDM845", None),
    "motog4-msm8952-with-serial": ([tuple(range(8))], "Qualcomm Technologies, Inc MSM8952", None),
    "pixel1-sd821": ([(0, 1), (2, 3)], "Qualcomm Technologies, Inc MSM8996pro", None),
    "pixel2xl-sd835": ([(0, 1, 2, 3), (4, 5, 6, 7)], "Qualcomm Technologies, Inc MSM8998", None),
    "pixel7-tensor-g2": ([(0, 1, 2, 3), (4, 5), (6, 7)], None, None),
    "pixel8-tensor-g3-sbcbench": ([(0, 1, 2, 3), (4, 5, 6, 7), (8,)], None, None),
    "pixel8-tensor-g3": ([(0, 1, 2, 3), (4, 5, 6, 7), (8,)], None, None),
    "redmi-note4-msm8953": ([tuple(range(8))], "Qualcomm Technologies, Inc MSM8953", None),
    "rpi-zero-armv6": ([(0,)], "BCM2708", None),
    "rpi-zero-w-or-1-kernel515": ([(0,)], "BCM2835", "Raspberry Pi Zero Rev 1.3"),
    "rpi3-32bit-tabs-lost": ([(0, 1, 2, 3)], "BCM2709", None),
    "rpi3-64bit-mainline": ([(0, 1, 2, 3)], "BCM2835", "Raspberry Pi 3 Model B Plus Rev 1.3"),
    "rpi4-64bit-serial-masked": ([(0, 1, 2, 3)], "BCM2835", "Raspberry Pi 4 Model B Rev 1.4"),
    "sd855-sm8150": ([(0, 1, 2, 3), (4, 5, 6, 7)], "Qualcomm Technologies, Inc SM8150", None),
    "sd8elite-sm8750": ([(0, 1, 2, 3, 4, 5), (6, 7)], None, None),
    "zenfone2-intel-atom-x86": ([(0, 1, 2, 3)], None, None),
}


@pytest.mark.parametrize("name", every("cpu", "cpuinfo-*"))
def test_cpuinfo_and_its_core_groups(name: str) -> None:
    found = parse_cpuinfo(recorded(name))
    indices = [core.index for core in found.cores]
    assert indices
    assert indices == sorted(set(indices))  # sleeping cores may leave gaps
    groups = core_groups({}, {}, found, None)
    assert groups.cores == tuple(indices)
    stem = name.split("/")[1].removesuffix(".txt").removeprefix("cpuinfo-")
    if stem in CPUINFO:
        expected, hardware, board = CPUINFO[stem]
        assert [group.cores for group in groups.groups] == expected
        assert (found.hardware, found.board) == (hardware, board)


def test_several_parts_in_one_cpuinfo() -> None:
    found = parse_cpuinfo(recorded("cpu/cpuinfo-pixel8-tensor-g3.txt"))
    assert [core.part for core in found.cores] == [0xD46] * 4 + [0xD4D] * 4 + [0xD4E]
    assert found.cores[0].implementer == 0x41


def test_model_name_of_an_x86_phone() -> None:
    found = parse_cpuinfo(recorded("cpu/cpuinfo-zenfone2-intel-atom-x86.txt"))
    assert found.cores[3].model_name == "Intel(R) Atom(TM) CPU  Z3580  @ 1.33GHz"
    assert found.board is None


def numbered(name: str) -> dict[int, int]:
    return {core: value for core, value in enumerate(integers(recorded(name))) if value is not None}


@pytest.mark.parametrize(
    ("capacity", "frequency", "expected", "source"),
    [
        ("cpu/cpu_capacity-pixel4-sd855.txt", None, [(0, 1, 2, 3), (4, 5, 6), (7,)], "capacity"),
        (None, "cpu/cpuinfo_max_freq-pixel2xl.txt", [(0, 1, 2, 3), (4, 5, 6, 7)], "frequency"),
        (None, "cpu/cpuinfo_max_freq-pixel8.txt", [(0, 1, 2, 3), (4, 5, 6, 7), (8,)], "frequency"),
    ],
)
def test_core_groups_from_what_the_kernel_measured(
    capacity: str | None, frequency: str | None, expected: list[tuple[int, ...]], source: str
) -> None:
    groups = core_groups(
        numbered(capacity) if capacity else {}, numbered(frequency) if frequency else {}, CpuInfo(cores=()), None
    )
    assert [group.cores for group in groups.groups] == expected
    assert groups.source == source
    assert groups.big == expected[-1]


NUMBERS = {
    "cpu_capacity-pixel4-sd855": (261, 261, 261, 261, 871, 871, 871, 1024),
    "cpuinfo_max_freq-pixel2xl": (1900800,) * 4 + (2457600,) * 4,
    "cpuinfo_max_freq-pixel8": (1704000,) * 4 + (2367000,) * 4 + (2914000,),
    "scaling_max_freq-permission-denied": (None,),
}


@pytest.mark.parametrize(
    "name", every("cpu", "cpu_capacity*", "cpuinfo_max_freq*", "scaling_max_freq*", "scaling_cur*")
)
def test_one_number_a_core(name: str) -> None:
    found = integers(recorded(name))
    assert found
    assert 0 not in found
    stem = name.split("/")[1].removesuffix(".txt")
    if stem in NUMBERS:
        assert found == NUMBERS[stem]


FREQUENCIES = {  # lines, first, last of the first line, last of the last line
    "scaling_available_frequencies-pixel2xl": (8, 300000, 1900800, 2457600),
    "scaling_available_frequencies-pixel8": (9, 324000, 1704000, 2914000),
    "scaling_available_frequencies-tvbox": (1, 480000, 1008000, 1008000),
}


@pytest.mark.parametrize("name", every("cpu", "scaling_available_frequencies*"))
def test_available_frequencies(name: str) -> None:
    found = [parse_frequencies(line) for line in recorded(name).strip().split("\n")]
    assert all(values == tuple(sorted(values)) for values in found)
    stem = name.split("/")[1].removesuffix(".txt")
    if stem in FREQUENCIES:
        assert (len(found), found[0][0], found[0][-1], found[-1][-1]) == FREQUENCIES[stem]


def test_frequencies_that_may_not_be_read_are_unknown() -> None:
    assert parse_frequencies(recorded("cpu/scaling_max_freq-permission-denied.txt")) == ()


@pytest.mark.parametrize("name", every("cpu", "possible*"))
def test_core_lists(name: str) -> None:
    lists = [parse_core_list(line) for line in recorded(name).strip().split("\n")]
    assert None not in lists
    if "pixel8" in name:
        assert lists == [tuple(range(9))] * 3


def test_thermal_zones() -> None:
    assert thermal.parse_zone_types(recorded("thermal_zones/no-thermal-class-dir-qemu.txt")) == ()
    assert thermal.parse_zone_temperatures(recorded("thermal_zones/no-thermal-class-dir-qemu.txt")) == (None,)
    assert thermal.parse_zone_temperatures(recorded("thermal_zones/temp-whole-degrees-tvbox.txt")) == (58.0,)
    assert thermal.parse_zone_temperatures(recorded("thermal_zones/temps-k1-orangepi-rv2.txt")) == (35, 37, 36, 36, 37)
    mixed = thermal.parse_zone_pairs(recorded("thermal_zones/type-temp-mixed-units-qcom.txt"))
    assert [(zone.type, zone.celsius) for zone in mixed] == [
        ("battery", 37.0),
        ("pm8998_tz", 33.999),
        ("pmi8998_tz", 37.0),
        ("pm8005_tz", 37.0),
        ("msm_therm", 36.0),
    ]
    types = thermal.parse_zone_types(recorded("thermal_zones/types-k1-orangepi-rv2.txt"))
    assert types == ("soc-thermal", "package-thermal", "gpu-thermal", "cluster0-thermal", "cluster1-thermal")
    assert thermal.parse_zone_types(recorded("thermal_zones/types-seven-same-name-arm64.txt")) == ("acpitz",) * 7


@pytest.mark.parametrize("name", every("thermal_zones"))
def test_any_thermal_zone_text_gives_plausible_degrees_or_nothing(name: str) -> None:
    text = recorded(name)
    found = [*thermal.parse_zone_temperatures(text), *(zone.celsius for zone in thermal.parse_zone_pairs(text))]
    assert all(value is None or -40 <= value <= 150 for value in found)


@pytest.mark.parametrize("text", ["-273000", "-273", "0", "Invalid argument", "", "2147483647"])
def test_thermal_zone_that_is_off_is_unknown(text: str) -> None:
    assert thermal.zone_celsius(text) is None


def test_raspberry_pi() -> None:
    def throttled(name: str) -> raspberry.Throttled | None:
        return raspberry.parse_throttled(recorded(f"rpi/{name}.txt"))

    quiet, past, low = (
        throttled("get_throttled-0x0-pi4"),
        throttled("get_throttled-0x50000-pi3bplus"),
        throttled("get_throttled-0x50005-pi3bplus"),
    )
    assert quiet is not None
    assert past is not None
    assert low is not None
    assert (quiet.now, quiet.since_boot) == ((), ())
    assert (past.now, past.since_boot) == ((), ("under-voltage", "throttled"))
    assert (low.now, low.since_boot) == (("under-voltage", "throttled"), ("under-voltage", "throttled"))
    assert past.newly(quiet) == ("under-voltage", "throttled")
    assert past.newly(past) == ()
    soft = throttled("uptime-temp-clock-throttled-0x80008-pi3bplus")
    assert soft is not None
    assert (soft.now, soft.since_boot) == (("soft temperature limit",), ("soft temperature limit",))
    assert throttled("vcgencmd-err-vchi") is None
    picture = raspberry.parse_throttled_binary(recorded("rpi/sbc-bench-throttled-pi3.txt"))
    assert picture is not None
    assert picture.bits == 0b10_0000_0000_0000_0010


def test_raspberry_pi_temperature_clock_and_volts() -> None:
    assert raspberry.parse_temperature(recorded("rpi/measure_temp-pi4.txt")) == 57.9
    assert raspberry.parse_temperature(recorded("rpi/measure_temp-pi3-apostrophe-lost.txt")) == 60.7
    assert raspberry.parse_clock(recorded("rpi/measure_clock_arm-pi4-48.txt")) == 1_800_457_088
    assert raspberry.parse_clock(recorded("rpi/measure_clock_arm-pi3-45-old-id.txt")) == 600_000_000
    assert raspberry.parse_volts(recorded("rpi/measure_volts-pi3bplus.txt")) == 1.2
    assert raspberry.parse_pmic(recorded("rpi/pmic_read_adc-pi5-part.txt")) == {
        "3V3_SYS_V": 3.310033,
        "EXT5V_V": 5.01428,
        "1V8_SYS_V": 1.787544,
    }
    idle = recorded("rpi/uptime-temp-clock-throttled-0x0-pi3bplus.txt")
    assert raspberry.parse_load(idle) == (0.24, 0.23, 0.16)
    assert raspberry.parse_temperature(idle) == 45.6
    assert raspberry.parse_clock(idle) == 700_000_000
    hot = recorded("rpi/uptime-temp-clock-throttled-0x80008-pi3bplus.txt")
    assert raspberry.parse_load(hot) == (5.48, 4.89, 2.78)
    assert raspberry.parse_temperature(hot) == 65.5
    assert raspberry.parse_clock(hot) == 1_200_000_000
    assert thermal.zone_celsius(recorded("rpi/thermal_zone0_temp-pi4.txt")) == 57.939


@pytest.mark.parametrize("name", every("rpi", "*err*"))
def test_raspberry_pi_error_is_no_reading(name: str) -> None:
    text = recorded(name)
    assert raspberry.parse_throttled(text) is None
    assert raspberry.parse_temperature(text) is None
    assert raspberry.parse_clock(text) is None
    assert raspberry.parse_volts(text) is None
    assert raspberry.parse_pmic(text) == {}
