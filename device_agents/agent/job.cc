#include "job.h"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <limits>

#include "failure.h"

namespace pocketbench {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

std::pair<std::string, std::string> split(const std::string& line) {
  const size_t space = line.find(' ');
  if (space == std::string::npos) return {line, ""};
  return {line.substr(0, space), line.substr(space + 1)};
}

std::vector<int64_t> dimensions(const std::string& text) {
  std::vector<int64_t> shape;
  size_t at = 0;
  while (at <= text.size() && !text.empty()) {
    const size_t comma = std::min(text.find(',', at), text.size());
    shape.push_back(whole_number("shape", text.substr(at, comma - at), 1, std::numeric_limits<int32_t>::max()));
    at = comma + 1;
  }
  return shape;
}

void set(Job& job, const std::string& key, const std::string& value) {
  const auto count = [&](int64_t low) { return whole_number(key, value, low, kMost); };
  const auto indexed = [&] {
    auto [index, rest] = split(value);
    return std::pair(static_cast<size_t>(whole_number(key, index, 0, 1 << 20)), rest);
  };
  if (key == "protocol") whole_number(key, value, 1, 1);
  else if (key == "runtime") job.runtime = value;
  else if (key == "library") job.library = value;
  else if (key == "model") job.model = value;
  else if (key == "scratch") job.scratch = value;
  else if (key == "threads") job.threads = static_cast<int>(whole_number(key, value, 1, 1024));
  else if (key == "cores") job.cores = value;
  else if (key == "clock" && (value == "nanoseconds" || value == "instructions")) job.clock = value;
  else if (key == "seed") job.seed = static_cast<uint64_t>(count(0));
  else if (key == "input") job.inputs.insert(indexed());
  else if (key == "shape") job.shapes[indexed().first] = dimensions(indexed().second);
  else if (key == "option") job.options.push_back(split(value));
  else if (key == "warmup_min") job.warmup_min = count(1);
  else if (key == "warmup_min_ns") job.warmup_min_ns = count(0);
  else if (key == "warmup_max_ns") job.warmup_max_ns = count(1);
  else if (key == "warmup_fixed") job.warmup_fixed = count(0);
  else if (key == "samples_min") job.samples_min = count(1);
  else if (key == "samples_min_ns") job.samples_min_ns = count(0);
  else if (key == "samples_max_ns") job.samples_max_ns = count(1);
  else if (key == "samples_fixed") job.samples_fixed = count(0);
  else if (key == "profile_runs") job.profile_runs = count(0);
  else if (key == "calibration_ns") job.calibration_ns = count(0);
  else if (key == "values") job.values = whole_number(key, value, 0, 1) == 1;
  else if (key == "shards") job.shards = value;
  else if (key == "patience_ns") job.patience_ns = count(0);
  else throw Failure("JOB", "the job's line '" + key + " " + value + "' is not of protocol 1");
}

}  // namespace

int64_t whole_number(const std::string& key, const std::string& text, int64_t low, int64_t high) {
  char* end = nullptr;
  errno = 0;
  const long long value = std::strtoll(text.c_str(), &end, 10);
  const bool whole = !text.empty() && *end == '\0' && text[0] != ' ' && errno == 0;
  if (!whole || value < low || value > high) throw Failure("JOB", "the job's " + key + " '" + text + "' is out of range");
  return value;
}

Job read_job(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw Failure("JOB", "cannot read the job file " + path);
  Job job;
  bool versioned = false;
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) continue;
    const auto [key, value] = split(line);
    versioned |= key == "protocol";
    set(job, key, value);
  }
  if (!versioned) throw Failure("JOB", "the job names no protocol");
  for (const auto& [key, value] : {std::pair{"runtime", &job.runtime}, std::pair{"library", &job.library},
                                   std::pair{"model", &job.model}, std::pair{"scratch", &job.scratch}}) {
    if (value->empty()) throw Failure("JOB", std::string("the job names no ") + key);
  }
  return job;
}

}  // namespace pocketbench
