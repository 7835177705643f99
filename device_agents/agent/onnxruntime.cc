// ONNX Runtime, CPU execution provider: .onnx files.
#include "onnxruntime_api.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "aligned_buffer.h"
#include "clock.h"
#include "failure.h"
#include "onnxruntime_profile.h"
#include "runtime.h"
#include "self_test_models.h"

namespace pocketbench {
namespace {

using namespace ort;

constexpr int64_t kProfileWarmups = 2;  // the first inferences of an instance are slow

class Api {
 public:
  explicit Api(const std::string& library) {
    void* handle = open_library(library);
    const auto base = reinterpret_cast<const ApiBase* (*)()>(symbol_of(handle, "OrtGetApiBase"))();
    version = base->version();
    table_ = base->table(kApiVersion);
    if (table_ == nullptr) throw Failure("LIBRARY", "onnxruntime " + version + " is older than the API this agent calls");
  }

  template <typename Signature>
  Signature* operator()(Entry<Signature> entry) const {
    return reinterpret_cast<Signature*>(const_cast<void*>(table_[entry.index]));
  }

  // Ends a status that is not null as a Failure.
  void check(const char* code, Status* status) const {
    if (status == nullptr) return;
    const std::string message = (*this)(kGetErrorMessage)(status);
    (*this)(kReleaseStatus)(status);
    throw Failure(code, message);
  }

  template <typename Object>
  std::shared_ptr<Object> owned(Object* object, Entry<void(Object*)> release) const {
    return std::shared_ptr<Object>(object, (*this)(release));
  }

  std::string version;

 private:
  const void* const* table_;
};

struct ElementType {
  int id;  // ONNX TensorProto.DataType
  Dtype dtype;
};

constexpr ElementType kElementTypes[] = {
    {1, Dtype::float32}, {2, Dtype::uint8},   {3, Dtype::int8},     {4, Dtype::uint16},
    {5, Dtype::int16},   {6, Dtype::int32},   {7, Dtype::int64},    {9, Dtype::boolean},
    {10, Dtype::float16}, {11, Dtype::float64}, {12, Dtype::uint32}, {13, Dtype::uint64}};

class OnnxInstance : public Instance {
 public:
  OnnxInstance(const Api& api, Env* env, const std::string& model, const Settings& settings) : api_(api) {
    SessionOptions* made = nullptr;
    check("MODEL", api_(kCreateSessionOptions)(&made));
    const auto options = api_.owned(made, kReleaseSessionOptions);
    check("MODEL", api_(kSetIntraOpNumThreads)(made, settings.threads));
    check("MODEL", api_(kSetInterOpNumThreads)(made, 1));
    check("MODEL", api_(kSetGraphOptimizationLevel)(made, kOptimizeAll));
    for (const auto& [key, value] : settings.options) {
      check("MODEL", api_(kAddSessionConfigEntry)(made, key.c_str(), value.c_str()));
    }
    const std::string prefix = settings.scratch + "/onnxruntime_profile";
    if (settings.profile) check("PROFILE", api_(kEnableProfiling)(made, prefix.c_str()));
    const int64_t begin = wall_ns();
    Session* session = nullptr;
    check("MODEL", api_(kCreateSession)(env, model.c_str(), made, &session));
    init_ns = wall_ns() - begin;  // reading and parsing the file happens in the same call
    session_ = api_.owned(session, kReleaseSession);
    check("MODEL", api_(kGetAllocator)(&allocator_));
    read_specifications(settings);
    bind();
  }

  void write_input(size_t index, const Bytes& bytes) override {
    std::memcpy(buffers_[index].get(), bytes.data(), bytes.size());
  }

  void run() override {
    check("RUN", run_(session_.get(), nullptr, input_names_.data(), input_values_.data(), input_values_.size(),
                      output_names_.data(), output_values_.size(), output_values_.data()));
  }

  Bytes read_output(size_t index) override {
    void* data = nullptr;
    check("RUN", api_(kGetTensorMutableData)(output_values_[index], &data));
    const auto* bytes = static_cast<const uint8_t*>(data);
    return Bytes(bytes, bytes + outputs[index].bytes());
  }

  void complete_outputs() override {
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (owned_values_[inputs.size() + i] != nullptr) continue;
      // The first run made this value; later runs write into it.
      owned_values_[inputs.size() + i] = api_.owned(output_values_[i], kReleaseValue);
      TensorInfo* info = nullptr;
      check("RUN", api_(kGetTensorTypeAndShape)(output_values_[i], &info));
      outputs[i].shape = shape_of(api_.owned(info, kReleaseTensorInfo).get());
    }
    outputs_known = true;
  }

  Profile profile(int64_t runs) override {
    for (int64_t i = 0; i < kProfileWarmups; ++i) {
      run();
      complete_outputs();
    }
    Profile profile;
    for (int64_t i = 0; i < runs; ++i) profile.wall_ns.push_back(timed_run(*this));
    char* path = nullptr;
    check("PROFILE", api_(kSessionEndProfiling)(session_.get(), allocator_, &path));
    const std::string file = taken(path);
    profile.operators = read_onnxruntime_profile(file, runs);
    std::remove(file.c_str());
    return profile;
  }

 private:
  void check(const char* code, Status* status) const { api_.check(code, status); }

  std::string taken(char* text) {
    const std::string copy = text;
    check("MODEL", api_(kAllocatorFree)(allocator_, text));
    return copy;
  }

  std::vector<int64_t> shape_of(const TensorInfo* info) const {
    size_t rank = 0;
    check("MODEL", api_(kGetDimensionsCount)(info, &rank));
    std::vector<int64_t> shape(rank);
    check("MODEL", api_(kGetDimensions)(info, shape.data(), rank));
    return shape;
  }

  // The tensor part of a type; the answer lives as long as `type`.
  const TensorInfo* tensor_info(const TypeInfo* type, const std::string& what) const {
    int kind = 0;
    check("MODEL", api_(kGetOnnxType)(type, &kind));
    if (kind != kOnnxTensor) throw Failure("MODEL", what + " is not a tensor");
    const TensorInfo* info = nullptr;
    check("MODEL", api_(kCastTypeInfoToTensorInfo)(type, &info));
    return info;
  }

  TensorSpec specification(const TensorInfo* info, const std::string& name, const std::string& what) const {
    TensorSpec spec;
    spec.name = name;
    spec.shape = shape_of(info);
    int id = 0;
    check("MODEL", api_(kGetElementType)(info, &id));
    const auto type = std::find_if(std::begin(kElementTypes), std::end(kElementTypes), [&](auto t) { return t.id == id; });
    if (type == std::end(kElementTypes)) {
      throw Failure("MODEL", what + " has ONNX element type " + std::to_string(id) + ", which cannot be measured");
    }
    spec.dtype = type->dtype;
    return spec;
  }

  void read_specifications(const Settings& settings) {
    size_t count = 0;
    check("MODEL", api_(kGetInputCount)(session_.get(), &count));
    for (size_t i = 0; i < count; ++i) {
      char* text = nullptr;
      check("MODEL", api_(kGetInputName)(session_.get(), i, allocator_, &text));
      const std::string name = taken(text);
      TypeInfo* type = nullptr;
      check("MODEL", api_(kGetInputTypeInfo)(session_.get(), i, &type));
      const auto owner = api_.owned(type, kReleaseTypeInfo);
      const std::string what = "input " + std::to_string(i) + " '" + name + "'";
      const TensorInfo* info = tensor_info(type, what);
      TensorSpec spec = specification(info, name, what);
      std::vector<const char*> symbols(spec.shape.size());
      check("MODEL", api_(kGetSymbolicDimensions)(info, symbols.data(), symbols.size()));
      const std::vector<std::string> names(symbols.begin(), symbols.end());
      spec.shape = static_shape(spec.shape, names, settings, i, what);
      inputs.push_back(spec);
    }
    check("MODEL", api_(kGetOutputCount)(session_.get(), &count));
    for (size_t i = 0; i < count; ++i) {
      char* text = nullptr;
      check("MODEL", api_(kGetOutputName)(session_.get(), i, allocator_, &text));
      const std::string name = taken(text);
      TypeInfo* type = nullptr;
      check("MODEL", api_(kGetOutputTypeInfo)(session_.get(), i, &type));
      const auto owner = api_.owned(type, kReleaseTypeInfo);
      const std::string what = "output " + std::to_string(i) + " '" + name + "'";
      outputs.push_back(specification(tensor_info(type, what), name, what));
      const auto& shape = outputs.back().shape;
      outputs_known &= std::all_of(shape.begin(), shape.end(), [](int64_t dimension) { return dimension > 0; });
    }
  }

  // One value over its own memory for each input and each output of known shape, made once: a run allocates nothing
  // at its edges.
  void bind() {
    MemoryInfo* made = nullptr;
    check("MODEL", api_(kCreateCpuMemoryInfo)(kArenaAllocator, kMemoryDefault, &made));
    const auto memory = api_.owned(made, kReleaseMemoryInfo);
    for (const auto* specs : {&inputs, &outputs}) {
      for (const TensorSpec& spec : *specs) {
        const bool known = std::all_of(spec.shape.begin(), spec.shape.end(), [](int64_t dim) { return dim > 0; });
        Value* value = nullptr;
        if (known) {
          const int type = std::find_if(std::begin(kElementTypes), std::end(kElementTypes), [&](auto t) {
                             return t.dtype == spec.dtype;
                           })->id;
          buffers_.push_back(aligned_buffer(spec.bytes()));
          check("MODEL", api_(kCreateTensorWithData)(made, buffers_.back().get(), spec.bytes(), spec.shape.data(),
                                                     spec.shape.size(), type, &value));
        }
        owned_values_.push_back(known ? api_.owned(value, kReleaseValue) : nullptr);
        if (specs == &inputs) {
          input_values_.push_back(value);
          input_names_.push_back(spec.name.c_str());
        } else {
          output_values_.push_back(value);
          output_names_.push_back(spec.name.c_str());
        }
      }
    }
    run_ = api_(kRun);
  }

  const Api& api_;
  std::shared_ptr<Session> session_;
  Allocator* allocator_ = nullptr;
  std::vector<AlignedBuffer> buffers_;
  std::vector<std::shared_ptr<Value>> owned_values_;  // inputs, then outputs
  std::vector<const Value*> input_values_;
  std::vector<Value*> output_values_;
  std::vector<const char*> input_names_;
  std::vector<const char*> output_names_;
  decltype(std::declval<Api>()(kRun)) run_ = nullptr;
};

class OnnxRuntime : public Runtime {
 public:
  explicit OnnxRuntime(const std::string& library) : api_(library) {
    Env* env = nullptr;
    api_.check("LIBRARY", api_(kCreateEnv)(kLogWarning, "pocketbench", &env));
    env_ = api_.owned(env, kReleaseEnv);
  }

  std::string version() const override { return api_.version; }

  std::unique_ptr<Instance> load(const std::string& model, const Settings& settings) override {
    return std::make_unique<OnnxInstance>(api_, env_.get(), model, settings);
  }

  void self_test(const std::string& scratch) override {
    check_self_test(*this, kSelfTestOnnx, sizeof kSelfTestOnnx, scratch, "Gemm");
  }

 private:
  Api api_;
  std::shared_ptr<Env> env_;
};

const Registration kRegistered("onnxruntime", [](const std::string& library) -> std::unique_ptr<Runtime> {
  return std::make_unique<OnnxRuntime>(library);
});

}  // namespace
}  // namespace pocketbench
