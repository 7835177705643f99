#include "runtime.h"

#include <cmath>
#include <cstring>
#include <fstream>

#include <dlfcn.h>

#include "clock.h"
#include "failure.h"
#include "json.h"
#include "self_test_models.h"

namespace pocketbench {
namespace {

std::map<std::string, OpenRuntime>& registry() {
  static std::map<std::string, OpenRuntime> runtimes;
  return runtimes;
}

}  // namespace

Registration::Registration(const char* name, OpenRuntime open) { registry()[name] = open; }

std::unique_ptr<Runtime> open_runtime(const std::string& name, const std::string& library) {
  const auto found = registry().find(name);
  if (found == registry().end()) throw Failure("JOB", "this agent has no runtime '" + name + "'");
  return found->second(library);
}

void* open_library(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw Failure("LIBRARY", dlerror());
  return library;
}

void* symbol_of(void* library, const char* name) {
  void* symbol = dlsym(library, name);
  if (symbol == nullptr) throw Failure("LIBRARY", std::string("the runtime's library lacks ") + name);
  return symbol;
}

int64_t timed_run(Instance& instance) {
  const int64_t begin = wall_ns();
  instance.run();
  return wall_ns() - begin;
}

std::vector<int64_t> static_shape(const std::vector<int64_t>& declared, const std::vector<std::string>& names,
                                  const Settings& settings, size_t index, const std::string& what) {
  const auto given = settings.shapes.find(index);
  if (given == settings.shapes.end()) {
    for (size_t i = 0; i < declared.size(); ++i) {
      if (declared[i] > 0) continue;
      const std::string name = i < names.size() && !names[i].empty() ? " '" + names[i] + "'" : "";
      throw Failure("DYNAMIC_SHAPE", what + " leaves dimension " + std::to_string(i) + name + " open: give its shape");
    }
    return declared;
  }
  bool fits = given->second.size() == declared.size();
  for (size_t i = 0; fits && i < declared.size(); ++i) fits = declared[i] <= 0 || declared[i] == given->second[i];
  if (!fits) throw Failure("INPUT", what + " has shape " + list(declared) + ", not " + list(given->second));
  return given->second;
}

void check_self_test(Runtime& runtime, const uint8_t* model, size_t size, const std::string& scratch, const std::string& op) {
  const auto fail = [](const std::string& what) { throw Failure("SELF_TEST", what); };
  const std::string path = scratch + "/self_test_model";
  {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(model), static_cast<std::streamsize>(size));
    if (!file.flush()) throw Failure("SCRATCH", "cannot write to " + scratch);
  }
  Settings settings;
  settings.scratch = scratch;
  settings.profile = true;
  const auto instance = runtime.load(path, settings);
  const std::vector<int64_t> in_shape(std::begin(kSelfTestInputShape), std::end(kSelfTestInputShape));
  const std::vector<int64_t> out_shape(std::begin(kSelfTestOutputShape), std::end(kSelfTestOutputShape));
  if (instance->inputs.size() != 1 || instance->inputs[0].shape != in_shape) fail("its input's shape is not as known");
  if (instance->outputs.size() != 1 || instance->outputs[0].shape != out_shape) fail("its output's shape is not as known");
  Bytes bytes(sizeof kSelfTestInput);
  std::memcpy(bytes.data(), kSelfTestInput, bytes.size());
  instance->write_input(0, bytes);
  instance->run();
  const std::vector<double> values = real_values(instance->outputs[0], instance->read_output(0));
  for (size_t i = 0; i < values.size(); ++i) {
    const auto known = static_cast<double>(kSelfTestOutput[i]);
    if (!(std::abs(values[i] - known) <= 1e-5)) {
      fail("its output " + std::to_string(i) + " is " + std::to_string(values[i]) + ", not " + std::to_string(known));
    }
  }
  std::string seen;
  for (const OperatorEvent& event : instance->profile(1).operators) {
    if (event.type == op) return;
    seen += " '" + event.type + "'";
  }
  fail("its profile shows no operator '" + op + "' but" + (seen.empty() ? " none" : seen));
}

}  // namespace pocketbench
