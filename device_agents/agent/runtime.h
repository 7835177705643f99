// What a runtime must offer. A new one is one source file that derives from these and registers itself.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tensor.h"

namespace pocketbench {

struct Settings {
  int threads = 1;
  std::map<size_t, std::vector<int64_t>> shapes;             // static shapes for dynamic inputs
  std::vector<std::pair<std::string, std::string>> options;  // entries of the runtime's configuration
  bool profile = false;                                      // operator events are wanted from this instance
  std::string scratch;                                       // folder for files that the runtime insists on
};

struct OperatorEvent {  // one operator, with its time in each profiled inference, in order
  using Shape = std::pair<std::string, std::vector<int64_t>>;  // dtype, dimensions
  std::string name;
  std::string type;
  bool fast_path = true;
  std::vector<int64_t> durations_ns;
  std::vector<Shape> shapes_in;
  std::vector<Shape> shapes_out;
  std::optional<int64_t> node_index;
};

struct Profile {
  std::vector<int64_t> wall_ns;
  std::vector<OperatorEvent> operators;
};

// A model that is ready to run. All methods throw Failure.
class Instance {
 public:
  virtual ~Instance() = default;

  int64_t load_ns = 0;  // reading and parsing the file; 0 where the runtime does it together with the rest
  int64_t init_ns = 0;
  std::optional<double> delegated_share;
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
  bool outputs_known = true;  // false: the file leaves a dimension open until complete_outputs()

  virtual void write_input(size_t index, const Bytes& bytes) = 0;
  virtual void run() = 0;  // the only thing inside a timed section
  virtual Bytes read_output(size_t index) = 0;

  // After the first run: fills in the dimensions of `outputs` that the file leaves open.
  virtual void complete_outputs() {}

  // Runs `runs` inferences with profiling and ends the instance's use. Needs Settings::profile.
  virtual Profile profile(int64_t runs) = 0;
};

class Runtime {
 public:
  virtual ~Runtime() = default;
  virtual std::string version() const = 0;
  virtual std::unique_ptr<Instance> load(const std::string& model, const Settings& settings) = 0;

  // Runs a tiny model with a known output and a known operator through every entry point that a trial uses.
  virtual void self_test(const std::string& scratch) = 0;
};

using OpenRuntime = std::unique_ptr<Runtime> (*)(const std::string& library);

// One of these at namespace scope makes a runtime known under its name.
struct Registration {
  Registration(const char* name, OpenRuntime open);
};

// Throws Failure JOB for a name that nothing registered, LIBRARY when the library cannot be loaded.
std::unique_ptr<Runtime> open_runtime(const std::string& name, const std::string& library);

// dlopen, and one symbol of it. Throw Failure LIBRARY.
void* open_library(const std::string& path);
void* symbol_of(void* library, const char* name);

// Runs once and answers how long it took: nothing but the runtime's own call lies between the two clock readings.
int64_t timed_run(Instance& instance);

// The shape to run an input with: the file's own, its open dimensions taken from the job. Throws Failure DYNAMIC_SHAPE
// naming the open dimension when the job gives none, INPUT when the job's shape contradicts the file's.
std::vector<int64_t> static_shape(const std::vector<int64_t>& declared, const std::vector<std::string>& names,
                                  const Settings& settings, size_t index, const std::string& what);

// The self-test's shared part: runs the tiny model of self_test_models.h from a file in `scratch`, compares its output
// with the known one, and looks for an operator of type `op` in its profile. Throws Failure SELF_TEST.
void check_self_test(Runtime& runtime, const uint8_t* model, size_t size, const std::string& scratch, const std::string& op);

}  // namespace pocketbench
