// The trial's clocks. On the emulated board one instruction is one nanosecond, so these same calls count instructions.
#pragma once

#include <cstdint>

#include <sys/resource.h>
#include <time.h>

namespace pocketbench {

inline int64_t read_clock(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

inline int64_t wall_ns() { return read_clock(CLOCK_MONOTONIC); }
inline int64_t cpu_ns() { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }
inline int64_t realtime_ns() { return read_clock(CLOCK_REALTIME); }

// Involuntary context switches of all threads so far, those that ended included: the kernel's own sum of what
// /proc/self/task/*/status shows thread by thread, in one call and without a file for each thread.
inline int64_t preemptions() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nivcsw;
}

}  // namespace pocketbench
