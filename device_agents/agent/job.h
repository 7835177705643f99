// The job file: what the host asks for (PROTOCOL.md lists the keys).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace pocketbench {

struct Job {
  std::string runtime;
  std::string library;
  std::string model;
  std::string scratch;
  int threads = 1;
  std::string cores = "any";
  std::string clock = "nanoseconds";
  uint64_t seed = 0;
  std::map<size_t, std::string> inputs;                        // index -> file of raw bytes
  std::map<size_t, std::vector<int64_t>> shapes;               // index -> static shape
  std::vector<std::pair<std::string, std::string>> options;    // entries of the runtime's configuration
  int64_t warmup_min = 3;
  int64_t warmup_min_ns = 250'000'000;
  int64_t warmup_max_ns = 8'000'000'000;
  int64_t warmup_fixed = 0;
  int64_t samples_min = 50;
  int64_t samples_min_ns = 1'000'000'000;
  int64_t samples_max_ns = 10'000'000'000;
  int64_t samples_fixed = 0;
  int64_t profile_runs = 20;
  int64_t calibration_ns = 0;
  bool values = false;
  std::string shards;  // predictions are wanted: the shards' path without their `.0`, `.1`, ...
  int64_t patience_ns = 600'000'000'000;
};

// Throws Failure JOB naming the line.
Job read_job(const std::string& path);

// A whole number in [low, high]; throws Failure JOB naming `key`.
int64_t whole_number(const std::string& key, const std::string& text, int64_t low, int64_t high);

}  // namespace pocketbench
