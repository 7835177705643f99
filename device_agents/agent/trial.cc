#include "trial.h"

#include <fstream>
#include <iterator>

#include "affinity.h"
#include "clock.h"
#include "device_state.h"
#include "failure.h"
#include "protocol.h"
#include "runtime.h"
#include "scratch.h"
#include "self_test.h"
#include "warmup.h"

namespace pocketbench {
namespace {

Bytes input_bytes(const Job& job, const TensorSpec& spec, size_t index) {
  const auto given = job.inputs.find(index);
  if (given == job.inputs.end()) return generated_input(spec, job.seed + index);
  std::ifstream file(given->second, std::ios::binary);
  if (!file) throw Failure("INPUT", "cannot read " + given->second);
  Bytes bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (bytes.size() != spec.bytes()) {
    throw Failure("INPUT", given->second + " has " + std::to_string(bytes.size()) + " bytes, input '" + spec.name +
                               "' takes " + std::to_string(spec.bytes()));
  }
  return bytes;
}

void write_inputs(const Job& job, Instance& instance) {
  const auto check = [&](size_t index) {
    if (index >= instance.inputs.size()) throw Failure("INPUT", "the model has no input " + std::to_string(index));
  };
  for (const auto& [index, path] : job.inputs) check(index);
  for (const auto& [index, shape] : job.shapes) check(index);
  for (size_t i = 0; i < instance.inputs.size(); ++i) instance.write_input(i, input_bytes(job, instance.inputs[i], i));
}

void add_sample(Instance& instance, Samples& samples) {
  const int64_t preempted = preemptions();
  const int64_t cpu = cpu_ns();
  const int64_t wall = timed_run(instance);
  samples.wall_ns.push_back(wall);
  samples.cpu_ns.push_back(cpu_ns() - cpu);
  samples.preemptions.push_back(preemptions() - preempted);
}

void warm_up(const Job& job, Instance& instance) {
  std::vector<int64_t> durations;
  if (job.warmup_fixed > 0) {
    for (int64_t i = 0; i < job.warmup_fixed; ++i) durations.push_back(timed_run(instance));
    return say_warmup(durations, true);
  }
  WarmupRule rule(job.warmup_min, job.warmup_min_ns, job.warmup_max_ns);
  do {
    durations.push_back(timed_run(instance));
  } while (!rule.add(durations.back()));
  say_warmup(durations, rule.steady());
}

void take_samples(const Job& job, Instance& instance) {
  Samples samples;
  for (auto* column : {&samples.wall_ns, &samples.cpu_ns, &samples.preemptions}) column->reserve(1 << 16);
  if (job.samples_fixed > 0) {
    for (int64_t i = 0; i < job.samples_fixed; ++i) add_sample(instance, samples);
    return say_samples(samples);
  }
  int64_t count = 0;
  for (int64_t total = 0; (count < job.samples_min || total < job.samples_min_ns) && total < job.samples_max_ns; ++count) {
    add_sample(instance, samples);
    total += samples.wall_ns.back();
  }
  say_samples(samples);
}

}  // namespace

void run_trial(const Job& job) {
  keep_to_cores(job.cores);
  const Scratch scratch(job.scratch);
  quiet_environment(scratch.path());
  self_test_apart(job, scratch.path());
  const auto runtime = open_runtime(job.runtime, job.library);
  say_hello(job, runtime->version());
  say_state("before", job.calibration_ns);

  Settings settings;
  settings.threads = job.threads;
  settings.shapes = job.shapes;
  settings.options = job.options;
  settings.scratch = scratch.path();
  auto instance = runtime->load(job.model, settings);
  write_inputs(job, *instance);
  if (instance->outputs_known) say_loaded(*instance, job.threads);

  Samples cold;
  add_sample(*instance, cold);
  if (!instance->outputs_known) {
    instance->complete_outputs();
    say_loaded(*instance, job.threads);
  }
  say_cold(cold.wall_ns[0], cold.cpu_ns[0]);
  warm_up(job, *instance);
  take_samples(job, *instance);

  std::vector<Bytes> outputs;
  for (size_t i = 0; i < instance->outputs.size(); ++i) outputs.push_back(instance->read_output(i));
  const std::vector<TensorSpec> specs = instance->outputs;
  const int64_t peak = peak_memory_bytes();  // of loading and running; the profiled instance is the harness's own
  instance.reset();

  if (job.profile_runs > 0) {
    settings.profile = true;
    const auto profiled = runtime->load(job.model, settings);
    write_inputs(job, *profiled);
    say_ops(profiled->profile(job.profile_runs));
  }
  say_output(specs, outputs, job.values);
  say_state("after", job.calibration_ns);
  say_done(peak);
}

}  // namespace pocketbench
