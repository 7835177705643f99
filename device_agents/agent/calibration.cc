#include "calibration.h"

#include "clock.h"

namespace pocketbench {
namespace {

constexpr int kSteps = 200'000;  // 1 to 3 ms on a core of a phone: long against the clock, short against a time slice

// One integer and one float chain that depend on their own last value: no vector unit, cache or branch predictor
// takes part, so the time is that of a fixed number of clock cycles.
uint64_t fixed_work(uint64_t seed) {
  uint64_t x = seed | 1;
  double y = 1.0;
  for (int i = 0; i < kSteps; ++i) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    y = y * 0.999 + static_cast<double>(x & 0xFF) * 0.001;
  }
  return x ^ static_cast<uint64_t>(y);
}

}  // namespace

std::vector<int64_t> calibrate(int64_t length_ns) {
  std::vector<int64_t> durations;
  static volatile uint64_t sink = 88172645463325252u;  // read and written, so that no compiler drops the work
  for (int64_t total = 0; total < length_ns; total += durations.back()) {
    const int64_t begin = wall_ns();
    sink = fixed_work(sink);
    durations.push_back(wall_ns() - begin);
  }
  return durations;
}

}  // namespace pocketbench
