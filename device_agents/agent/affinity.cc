#include "affinity.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include <sched.h>

#include "failure.h"

namespace pocketbench {
namespace {

cpu_set_t cores_of(const std::string& text) {
  cpu_set_t set;
  CPU_ZERO(&set);
  const char* at = text.c_str();
  const auto core = [&] {
    char* end = nullptr;
    const long value = *at >= '0' && *at <= '9' ? std::strtol(at, &end, 10) : -1;
    if (value < 0 || value >= CPU_SETSIZE) throw Failure("CORES", "'" + text + "' is not a list of cores such as 4-7,2");
    at = end;
    return value;
  };
  while (true) {
    const long first = core();
    long last = first;
    if (*at == '-') {
      ++at;
      last = core();
    }
    for (long i = first; i <= last; ++i) CPU_SET(static_cast<size_t>(i), &set);
    if (*at == '\0') return set;
    if (*at++ != ',') throw Failure("CORES", "'" + text + "' is not a list of cores such as 4-7,2");
  }
}

}  // namespace

void keep_to_cores(const std::string& cores) {
  if (cores == "any") return;
  const cpu_set_t set = cores_of(cores);
  if (sched_setaffinity(0, sizeof set, &set) != 0) {
    throw Failure("CORES", "the system refuses to run on cores " + cores + ": " + std::strerror(errno));
  }
}

std::string cores_allowed() {
  std::ifstream status("/proc/self/status");
  const std::string key = "Cpus_allowed_list:";
  for (std::string line; std::getline(status, line);) {
    if (line.compare(0, key.size(), key) == 0) return line.substr(line.find_first_not_of(" \t", key.size()));
  }
  throw Failure("CORES", "/proc/self/status shows no Cpus_allowed_list");
}

}  // namespace pocketbench
