#include "protocol.h"

#include <cstdio>

#include <unistd.h>

#include "affinity.h"
#include "calibration.h"
#include "clock.h"
#include "device_state.h"
#include "json.h"
#include "sha256.h"

#ifndef POCKETBENCH_TARGET
#error "the build names its target: -DPOCKETBENCH_TARGET=\"linux-x86_64\""
#endif

namespace pocketbench {
namespace {

FILE* lines = stdout;

void say(const std::string& text) {
  std::fprintf(lines, "%s\n", text.c_str());
  std::fflush(lines);
}

std::string strings(const std::map<std::string, std::string>& texts) {
  std::string out = "{";
  for (const auto& [key, value] : texts) out += (out.size() > 1 ? "," : "") + quoted(key) + ":" + quoted(value);
  return out + "}";
}

template <typename T, typename Describe>
std::string each(const std::vector<T>& values, Describe describe) {
  std::string out = "[";
  for (size_t i = 0; i < values.size(); ++i) out += (i > 0 ? "," : "") + describe(values[i]);
  return out + "]";
}

std::string described(const TensorSpec& spec) {
  std::string out = "{\"name\":" + quoted(spec.name) + ",\"dtype\":" + quoted(dtype_name(spec.dtype)) +
                    ",\"shape\":" + list(spec.shape);
  if (spec.quantization) {
    out += ",\"quantization\":{\"scale\":" + number(static_cast<double>(spec.quantization->scale)) +
           ",\"zero_point\":" + std::to_string(spec.quantization->zero_point) + "}";
  }
  return out + "}";
}

std::string described(const OperatorEvent::Shape& shape) {
  return "[" + quoted(shape.first) + "," + list(shape.second) + "]";
}

std::string described(const OperatorEvent& event, size_t order) {
  std::string out = "{\"order\":" + std::to_string(order) + ",\"name\":" + quoted(event.name) +
                    ",\"type\":" + quoted(event.type) + ",\"durations_ns\":" + list(event.durations_ns) +
                    ",\"fast_path\":" + (event.fast_path ? "true" : "false");
  const auto shape = [](const OperatorEvent::Shape& one) { return described(one); };
  if (!event.shapes_in.empty()) out += ",\"shapes_in\":" + each(event.shapes_in, shape);
  if (!event.shapes_out.empty()) out += ",\"shapes_out\":" + each(event.shapes_out, shape);
  if (event.node_index) out += ",\"node_index\":" + std::to_string(*event.node_index);
  return out + "}";
}

}  // namespace

std::string version() { return "0.1.0"; }
std::string target() { return POCKETBENCH_TARGET; }

void own_stdout() {
  lines = fdopen(dup(STDOUT_FILENO), "w");
  if (lines == nullptr || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
    lines = stdout;
    throw Failure("MEMORY", "cannot set stdout aside");
  }
}

void say_hello(const Job& job, const std::string& runtime_version) {
  say("{\"kind\":\"hello\",\"protocol\":1,\"agent\":" + quoted(version()) + ",\"runtime\":" + quoted(job.runtime) +
      ",\"runtime_version\":" + quoted(runtime_version) + ",\"target\":" + quoted(target()) +
      ",\"clock\":" + quoted(job.clock) + "}");
}

void say_state(const std::string& when, int64_t calibration_ns) {
  const std::vector<int64_t> durations = calibrate(calibration_ns);
  say("{\"kind\":\"state\",\"when\":" + quoted(when) + ",\"realtime_ns\":" + std::to_string(realtime_ns()) +
      ",\"files\":" + strings(read_state_files()) + ",\"cores_allowed\":" + quoted(cores_allowed()) +
      ",\"calibration_ns\":" + list(durations) + "}");
}

void say_loaded(const Instance& instance, int threads) {
  const auto tensor = [](const TensorSpec& spec) { return described(spec); };
  const std::string share = instance.delegated_share ? number(*instance.delegated_share) : "null";
  say("{\"kind\":\"loaded\",\"load_ns\":" + std::to_string(instance.load_ns) +
      ",\"init_ns\":" + std::to_string(instance.init_ns) + ",\"inputs\":" + each(instance.inputs, tensor) +
      ",\"outputs\":" + each(instance.outputs, tensor) + ",\"threads\":" + std::to_string(threads) +
      ",\"delegated_share\":" + share + "}");
}

void say_cold(int64_t wall_ns, int64_t cpu_ns) {
  say("{\"kind\":\"cold\",\"wall_ns\":" + std::to_string(wall_ns) + ",\"cpu_ns\":" + std::to_string(cpu_ns) + "}");
}

void say_warmup(const std::vector<int64_t>& wall_ns, bool steady) {
  say("{\"kind\":\"warmup\",\"wall_ns\":" + list(wall_ns) + ",\"steady\":" + (steady ? "true" : "false") + "}");
}

void say_samples(const Samples& samples) {
  say("{\"kind\":\"samples\",\"wall_ns\":" + list(samples.wall_ns) + ",\"cpu_ns\":" + list(samples.cpu_ns) +
      ",\"preemptions\":" + list(samples.preemptions) + "}");
}

void say_ops(const Profile& profile) {
  std::string operators;
  for (size_t i = 0; i < profile.operators.size(); ++i) {
    operators += (i > 0 ? "," : "") + described(profile.operators[i], i);
  }
  say("{\"kind\":\"ops\",\"wall_ns\":" + list(profile.wall_ns) + ",\"operators\":[" + operators + "]}");
}

void say_output(const std::vector<TensorSpec>& specs, const std::vector<Bytes>& outputs, bool values) {
  Sha256 digest;
  for (const Bytes& bytes : outputs) digest.update(bytes.data(), bytes.size());
  const std::vector<double> first = real_values(specs.at(0), outputs.at(0));
  std::string out = "{\"kind\":\"output\",\"digest\":" + quoted(digest.hex()) + ",\"top5\":" + list(top_five(first));
  if (values) out += ",\"values\":" + each(first, [](double value) { return number(value); });
  say(out + "}");
}

void say_predictions(const Predictions& predictions) {
  const std::string rows = each(predictions.top5, [](const std::vector<size_t>& row) { return list(row); });
  say("{\"kind\":\"predictions\",\"shard\":" + std::to_string(predictions.shard) +
      ",\"waited_ns\":" + std::to_string(predictions.waited_ns) + ",\"busy_ns\":" + std::to_string(predictions.busy_ns) +
      ",\"top5\":" + rows + "}");
}

void say_done(int64_t peak_memory_bytes) {
  say("{\"kind\":\"done\",\"peak_memory_bytes\":" + std::to_string(peak_memory_bytes) + "}");
}

void say_error(const Failure& failure) {
  say("{\"kind\":\"error\",\"code\":" + quoted(failure.code) + ",\"message\":" + quoted(failure.what()) + "}");
}

}  // namespace pocketbench
