// The agent's answer: JSON lines on stdout, flushed one by one (PROTOCOL.md, results/evidence.py).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "failure.h"
#include "job.h"
#include "runtime.h"

namespace pocketbench {

struct Samples {
  std::vector<int64_t> wall_ns;
  std::vector<int64_t> cpu_ns;
  std::vector<int64_t> preemptions;
};

struct Predictions {  // of one shard
  int64_t shard = 0;
  std::vector<std::vector<size_t>> top5;  // a row a picture
  int64_t waited_ns = 0;  // until the shard was there
  int64_t busy_ns = 0;    // reading, running, deleting it
};

// Keeps stdout for these lines alone: what a library prints there goes to stderr from now on.
void own_stdout();

void say_hello(const Job& job, const std::string& runtime_version);
void say_state(const std::string& when, int64_t calibration_ns);
void say_loaded(const Instance& instance, int threads);
void say_cold(int64_t wall_ns, int64_t cpu_ns);
void say_warmup(const std::vector<int64_t>& wall_ns, bool steady);
void say_samples(const Samples& samples);
void say_ops(const Profile& profile);
void say_output(const std::vector<TensorSpec>& specs, const std::vector<Bytes>& outputs, bool values);
void say_predictions(const Predictions& predictions);
void say_done(int64_t peak_memory_bytes);
void say_error(const Failure& failure);

std::string version();  // "0.1.0"
std::string target();   // "linux-aarch64"

}  // namespace pocketbench
