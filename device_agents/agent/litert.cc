// LiteRT (TFLite's runtime under its present name), CPU with the XNNPACK delegate: .tflite files.
#include "litert_api.h"

#include <algorithm>
#include <cstring>

#include "clock.h"
#include "failure.h"
#include "json.h"
#include "runtime.h"
#include "self_test_models.h"

namespace pocketbench {
namespace {

using namespace litert;

constexpr int64_t kProfileWarmups = 2;  // the first inferences of an instance, and of its profiler, are slow

class Library : public Functions {
 public:
  explicit Library(const std::string& path) {
    void* handle = open_library(path);
#define POCKETBENCH_FIND(name) name = reinterpret_cast<decltype(name)>(symbol_of(handle, "LiteRt" #name))
    POCKETBENCH_FIND(CreateEnvironment);
    POCKETBENCH_FIND(DestroyEnvironment);
    POCKETBENCH_FIND(CreateModelFromFile);
    POCKETBENCH_FIND(DestroyModel);
    POCKETBENCH_FIND(CreateOptions);
    POCKETBENCH_FIND(DestroyOptions);
    POCKETBENCH_FIND(SetOptionsHardwareAccelerators);
    POCKETBENCH_FIND(CreateOpaqueOptions);
    POCKETBENCH_FIND(AddOpaqueOptions);
    POCKETBENCH_FIND(CreateCompiledModel);
    POCKETBENCH_FIND(DestroyCompiledModel);
    POCKETBENCH_FIND(CompiledModelIsFullyAccelerated);
    POCKETBENCH_FIND(GetModelSignature);
    POCKETBENCH_FIND(GetNumSignatureInputs);
    POCKETBENCH_FIND(GetNumSignatureOutputs);
    POCKETBENCH_FIND(GetSignatureInputTensorByIndex);
    POCKETBENCH_FIND(GetSignatureOutputTensorByIndex);
    POCKETBENCH_FIND(GetSignatureInputName);
    POCKETBENCH_FIND(GetSignatureOutputName);
    POCKETBENCH_FIND(GetTensorTypeId);
    POCKETBENCH_FIND(GetRankedTensorType);
    POCKETBENCH_FIND(GetQuantizationTypeId);
    POCKETBENCH_FIND(GetPerTensorQuantization);
    POCKETBENCH_FIND(CompiledModelResizeInputTensor);
    POCKETBENCH_FIND(GetCompiledModelOutputTensorLayouts);
    POCKETBENCH_FIND(GetCompiledModelInputBufferRequirements);
    POCKETBENCH_FIND(GetCompiledModelOutputBufferRequirements);
    POCKETBENCH_FIND(CreateManagedTensorBufferFromRequirements);
    POCKETBENCH_FIND(DestroyTensorBuffer);
    POCKETBENCH_FIND(LockTensorBuffer);
    POCKETBENCH_FIND(UnlockTensorBuffer);
    POCKETBENCH_FIND(GetTensorBufferSize);
    POCKETBENCH_FIND(RunCompiledModel);
    POCKETBENCH_FIND(CompiledModelGetProfiler);
    POCKETBENCH_FIND(StartProfiler);
    POCKETBENCH_FIND(StopProfiler);
    POCKETBENCH_FIND(ResetProfiler);
    POCKETBENCH_FIND(GetNumProfilerEvents);
    POCKETBENCH_FIND(GetProfilerEvents);
#undef POCKETBENCH_FIND
  }
};

void check(const char* code, int status, const char* what) {
  if (status != 0) throw Failure(code, std::string("LiteRT failed to ") + what + " (status " + std::to_string(status) + ")");
}

struct ElementType {
  int id;  // TensorType of the file format, plus one for none
  Dtype dtype;
};

constexpr ElementType kElementTypes[] = {
    {1, Dtype::float32}, {2, Dtype::int32},    {3, Dtype::uint8},    {4, Dtype::int64},   {6, Dtype::boolean}, {7, Dtype::int16},
    {9, Dtype::int8},    {10, Dtype::float16}, {11, Dtype::float64}, {13, Dtype::uint64}, {16, Dtype::uint32}, {17, Dtype::uint16}};

class LiteRtInstance : public Instance {
 public:
  LiteRtInstance(const Library& library, Environment* env, const std::string& model, const Settings& settings)
      : lib_(library), env_(env) {
    const int64_t begin = wall_ns();
    Model* parsed = nullptr;
    check("MODEL", lib_.CreateModelFromFile(env_, model.c_str(), &parsed), "read the model");
    model_ = std::shared_ptr<Model>(parsed, lib_.DestroyModel);
    load_ns = wall_ns() - begin;

    const auto options = compile_options(settings);
    const int64_t compile_begin = wall_ns();
    CompiledModel* compiled = nullptr;
    check("MODEL", lib_.CreateCompiledModel(env_, model_.get(), options.get(), &compiled), "prepare the model");
    compiled_ = std::shared_ptr<CompiledModel>(compiled, lib_.DestroyCompiledModel);
    init_ns = wall_ns() - compile_begin;

    bool full = false;
    check("MODEL", lib_.CompiledModelIsFullyAccelerated(compiled, &full), "say what it delegated");
    if (full) delegated_share = 1.0;
    bind(settings);
  }

  void write_input(size_t index, const Bytes& bytes) override {
    void* address = nullptr;
    check("INPUT", lib_.LockTensorBuffer(input_buffers_[index], &address, kLockWrite), "lock an input");
    std::memcpy(address, bytes.data(), bytes.size());
    check("INPUT", lib_.UnlockTensorBuffer(input_buffers_[index]), "unlock an input");
  }

  void run() override {
    const int status = lib_.RunCompiledModel(compiled_.get(), 0, input_buffers_.size(), input_buffers_.data(),
                                             output_buffers_.size(), output_buffers_.data());
    check("RUN", status, "run the model");
  }

  Bytes read_output(size_t index) override {
    void* address = nullptr;
    check("RUN", lib_.LockTensorBuffer(output_buffers_[index], &address, kLockRead), "lock an output");
    const auto* bytes = static_cast<const uint8_t*>(address);
    Bytes copy(bytes, bytes + outputs[index].bytes());
    check("RUN", lib_.UnlockTensorBuffer(output_buffers_[index]), "unlock an output");
    return copy;
  }

  Profile profile(int64_t runs) override {
    Profiler* profiler = nullptr;
    check("PROFILE", lib_.CompiledModelGetProfiler(compiled_.get(), &profiler), "give its profiler");
    Profile profile;
    for (int64_t i = -kProfileWarmups; i < runs; ++i) {
      // Its ring holds 10,240 events: emptied for each inference, no network overflows it.
      check("PROFILE", lib_.ResetProfiler(profiler), "reset its profiler");
      check("PROFILE", lib_.StartProfiler(profiler), "start its profiler");
      const int64_t wall = timed_run(*this);
      check("PROFILE", lib_.StopProfiler(profiler), "stop its profiler");
      if (i < 0) continue;
      profile.wall_ns.push_back(wall);
      add_events(profiler, profile);
    }
    return profile;
  }

 private:
  std::shared_ptr<Options> compile_options(const Settings& settings) const {
    Options* made = nullptr;
    check("MODEL", lib_.CreateOptions(&made), "make options");
    const std::shared_ptr<Options> options(made, lib_.DestroyOptions);
    check("MODEL", lib_.SetOptionsHardwareAccelerators(made, kCpu), "choose the CPU");
    std::string xnnpack = "kernel_mode = \"delegate\"\nnum_threads = " + std::to_string(settings.threads) + "\n";
    for (const auto& [key, value] : settings.options) xnnpack += key + " = " + value + "\n";
    add_option(made, "xnnpack", xnnpack);
    if (settings.profile) add_option(made, "runtime_options_string", "enable_profiling = true\n");
    return options;
  }

  // Options are TOML text that the library frees.
  void add_option(Options* options, const char* identifier, const std::string& toml) const {
    OpaqueOptions* opaque = nullptr;
    check("MODEL", lib_.CreateOpaqueOptions(identifier, strdup(toml.c_str()), std::free, &opaque), "make an option");
    check("MODEL", lib_.AddOpaqueOptions(options, opaque), "take an option");
  }

  TensorSpec specification(Tensor* tensor, const char* name, const std::string& what, RankedTensorType& type) const {
    int kind = 0;
    check("MODEL", lib_.GetTensorTypeId(tensor, &kind), "tell a tensor's type");
    if (kind != kRankedTensor) throw Failure("DYNAMIC_SHAPE", what + " has no fixed number of dimensions");
    std::memset(&type, 0, sizeof type);
    check("MODEL", lib_.GetRankedTensorType(tensor, &type), "tell a tensor's shape");
    TensorSpec spec;
    spec.name = name;
    const auto found = std::find_if(std::begin(kElementTypes), std::end(kElementTypes),
                                    [&](auto entry) { return entry.id == type.element_type; });
    if (found == std::end(kElementTypes)) {
      throw Failure("MODEL", what + " has element type " + std::to_string(type.element_type) + ", which cannot be measured");
    }
    spec.dtype = found->dtype;
    spec.shape = shape_of(type.layout);
    int quantization = 0;
    check("MODEL", lib_.GetQuantizationTypeId(tensor, &quantization), "tell a tensor's quantization");
    if (quantization == kPerTensor) {
      PerTensorQuantization parameters = {};
      check("MODEL", lib_.GetPerTensorQuantization(tensor, &parameters), "tell a tensor's quantization");
      spec.quantization = Quantization{parameters.scale, parameters.zero_point};
    }
    return spec;
  }

  static std::vector<int64_t> shape_of(const Layout& layout) {
    return std::vector<int64_t>(layout.dimensions, layout.dimensions + layout.rank);
  }

  // The file has a shape even for an input that it leaves open; the job may ask for another one.
  void settle_shape(size_t index, TensorSpec& spec, RankedTensorType& type, const Settings& settings, const std::string& what) {
    const auto given = settings.shapes.find(index);
    if (given == settings.shapes.end() || given->second == spec.shape) {
      static_shape(spec.shape, {}, settings, index, what);
      return;
    }
    if (given->second.size() != spec.shape.size()) static_shape(spec.shape, {}, settings, index, what);
    spec.shape = given->second;
    const std::vector<int> shape(spec.shape.begin(), spec.shape.end());
    check("INPUT", lib_.CompiledModelResizeInputTensor(compiled_.get(), 0, index, shape.data(), shape.size()),
          ("give " + what + " the shape " + list(spec.shape)).c_str());
    std::copy(shape.begin(), shape.end(), type.layout.dimensions);
    resized_ = true;
  }

  void bind(const Settings& settings) {
    Signature* signature = nullptr;
    check("MODEL", lib_.GetModelSignature(model_.get(), 0, &signature), "find the model's signature");
    size_t count = 0;
    check("MODEL", lib_.GetNumSignatureInputs(signature, &count), "count its inputs");
    for (size_t i = 0; i < count; ++i) {
      Tensor* tensor = nullptr;
      const char* name = nullptr;
      BufferRequirements* needs = nullptr;
      RankedTensorType type;
      check("MODEL", lib_.GetSignatureInputTensorByIndex(signature, i, &tensor), "find an input");
      check("MODEL", lib_.GetSignatureInputName(signature, i, &name), "name an input");
      const std::string what = "input " + std::to_string(i) + " '" + name + "'";
      inputs.push_back(specification(tensor, name, what, type));
      settle_shape(i, inputs.back(), type, settings, what);
      check("MODEL", lib_.GetCompiledModelInputBufferRequirements(compiled_.get(), 0, i, &needs), "size an input");
      input_buffers_.push_back(buffer(type, needs, inputs.back()));
    }
    check("MODEL", lib_.GetNumSignatureOutputs(signature, &count), "count its outputs");
    std::vector<Layout> layouts(count);
    if (resized_) {
      check("MODEL", lib_.GetCompiledModelOutputTensorLayouts(compiled_.get(), 0, count, layouts.data(), true),
            "tell its outputs' shapes");
    }
    for (size_t i = 0; i < count; ++i) {
      Tensor* tensor = nullptr;
      const char* name = nullptr;
      BufferRequirements* needs = nullptr;
      RankedTensorType type;
      check("MODEL", lib_.GetSignatureOutputTensorByIndex(signature, i, &tensor), "find an output");
      check("MODEL", lib_.GetSignatureOutputName(signature, i, &name), "name an output");
      const std::string what = "output " + std::to_string(i) + " '" + name + "'";
      outputs.push_back(specification(tensor, name, what, type));
      if (resized_) {
        type.layout = layouts[i];
        outputs.back().shape = shape_of(layouts[i]);
      }
      static_shape(outputs.back().shape, {}, Settings(), i, what);
      check("MODEL", lib_.GetCompiledModelOutputBufferRequirements(compiled_.get(), 0, i, &needs), "size an output");
      output_buffers_.push_back(buffer(type, needs, outputs.back()));
    }
  }

  TensorBuffer* buffer(const RankedTensorType& type, BufferRequirements* needs, const TensorSpec& spec) {
    TensorBuffer* made = nullptr;
    check("MODEL", lib_.CreateManagedTensorBufferFromRequirements(env_, &type, needs, &made), "make a tensor's buffer");
    buffers_.emplace_back(made, lib_.DestroyTensorBuffer);
    size_t size = 0;
    check("MODEL", lib_.GetTensorBufferSize(made, &size), "size a tensor's buffer");
    if (size < spec.bytes()) throw Failure("MODEL", "LiteRT made a buffer too small for '" + spec.name + "'");
    return made;
  }

  // One inference's events, matched by order with those of the inferences before: within a partition the delegate
  // numbers its operators from 0, so no number identifies one.
  void add_events(Profiler* profiler, Profile& profile) const {
    int count = 0;
    check("PROFILE", lib_.GetNumProfilerEvents(profiler, &count), "count its events");
    std::vector<ProfiledEvent> events(static_cast<size_t>(count));
    check("PROFILE", lib_.GetProfilerEvents(profiler, count, events.data()), "give its events");
    size_t order = 0;
    for (const ProfiledEvent& event : events) {
      if (event.type != kDelegateOperator && event.type != kNotDelegated) continue;
      if (profile.wall_ns.size() == 1) profile.operators.push_back(described(event));
      if (order >= profile.operators.size() || profile.operators[order].name != event.tag) {
        throw Failure("PROFILE", "inferences ran different operators");
      }
      profile.operators[order++].durations_ns.push_back(static_cast<int64_t>(event.elapsed_us) * 1000);
    }
    if (order != profile.operators.size()) throw Failure("PROFILE", "inferences ran different operators");
  }

  static OperatorEvent described(const ProfiledEvent& event) {
    OperatorEvent out;
    out.name = event.tag;
    out.type = out.name.substr(0, out.name.find(" ("));  // "Convolution (NHWC, F32) IGEMM" is a Convolution
    out.fast_path = event.type == kDelegateOperator;
    if (!out.fast_path) out.node_index = static_cast<int64_t>(event.metadata1);
    return out;
  }

  const Library& lib_;
  Environment* env_;
  std::shared_ptr<Model> model_;
  std::shared_ptr<CompiledModel> compiled_;
  std::vector<std::shared_ptr<TensorBuffer>> buffers_;
  std::vector<TensorBuffer*> input_buffers_;
  std::vector<TensorBuffer*> output_buffers_;
  bool resized_ = false;
};

class LiteRt : public Runtime {
 public:
  explicit LiteRt(const std::string& library) : lib_(library) {
    Environment* env = nullptr;
    check("LIBRARY", lib_.CreateEnvironment(0, nullptr, &env), "start");
    env_ = std::shared_ptr<Environment>(env, lib_.DestroyEnvironment);
  }

  // The library does not tell its release; the bundle is built from this one, and the self-test would fail on another.
  std::string version() const override { return POCKETBENCH_LITERT_VERSION; }

  std::unique_ptr<Instance> load(const std::string& model, const Settings& settings) override {
    return std::make_unique<LiteRtInstance>(lib_, env_.get(), model, settings);
  }

  void self_test(const std::string& scratch) override {
    check_self_test(*this, kSelfTestTflite, sizeof kSelfTestTflite, scratch, "Fully Connected");
  }

 private:
  Library lib_;
  std::shared_ptr<Environment> env_;
};

const Registration kRegistered("litert", [](const std::string& library) -> std::unique_ptr<Runtime> {
  return std::make_unique<LiteRt>(library);
});

}  // namespace
}  // namespace pocketbench
