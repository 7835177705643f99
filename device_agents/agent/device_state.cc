#include "device_state.h"

#include <cstdlib>
#include <fstream>

#include <fcntl.h>
#include <glob.h>
#include <unistd.h>

#include "failure.h"

namespace pocketbench {
namespace {

constexpr const char* kPatterns[] = {
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/pressure/cpu",
    "/proc/pressure/memory",
    "/proc/uptime",
    "/sys/devices/system/cpu/online",
    "/sys/devices/system/cpu/cpu[0-9]*/cpu_capacity",
    "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/cpuinfo_max_freq",
    "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq",
    "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor",
    "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_max_freq",
    "/sys/class/thermal/thermal_zone*/temp",
    "/sys/class/thermal/thermal_zone*/type",
    "/sys/class/power_supply/*/capacity",
    "/sys/class/power_supply/*/status",
    "/sys/class/power_supply/*/temp",
    "/sys/class/power_supply/*/type",
    "/sys/devices/platform/soc/soc:firmware/get_throttled",  // Raspberry Pi
};

constexpr size_t kLongest = 256;  // enough for every value, and for the first lines of meminfo

// The first bytes of a file, cut after the last whole line when there is more. False where it cannot be read:
// sysfs files may open and still refuse to be read.
bool read_start(const char* path, std::string& text) {
  const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return false;
  text.resize(kLongest);
  const ssize_t size = read(file, text.data(), text.size());
  close(file);
  if (size < 0) return false;
  text.resize(static_cast<size_t>(size));
  if (text.size() == kLongest) text.resize(text.rfind('\n') + 1);
  return true;
}

}  // namespace

std::map<std::string, std::string> read_state_files() {
  std::map<std::string, std::string> files;
  for (const char* pattern : kPatterns) {
    glob_t found = {};
    if (glob(pattern, GLOB_NOSORT, nullptr, &found) == 0) {
      for (size_t i = 0; i < found.gl_pathc; ++i) {
        std::string text;
        if (read_start(found.gl_pathv[i], text)) files[found.gl_pathv[i]] = text;
      }
    }
    globfree(&found);
  }
  return files;
}

int64_t peak_memory_bytes() {
  std::ifstream status("/proc/self/status");
  const std::string key = "VmHWM:";
  for (std::string line; std::getline(status, line);) {
    if (line.compare(0, key.size(), key) == 0) return std::strtoll(line.c_str() + key.size(), nullptr, 10) * 1024;
  }
  throw Failure("MEMORY", "/proc/self/status shows no VmHWM");
}

}  // namespace pocketbench
