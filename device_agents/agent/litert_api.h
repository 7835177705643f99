// What the agent calls of LiteRT's C API (libLiteRt.so 2.2 and 2.3), declared here because no package carries headers.
//
// Parameter indices are size_t, statuses int (0 is success). The profiler's event has changed between releases, so the
// library is pinned, and the self-test checks an output and an operator's tag at start.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pocketbench::litert {

struct Environment;
struct Model;
struct Options;
struct OpaqueOptions;
struct CompiledModel;
struct Signature;
struct Tensor;
struct Subgraph;
struct BufferRequirements;
struct TensorBuffer;
struct Profiler;

constexpr int kCpu = 1;             // of LiteRtSetOptionsHardwareAccelerators
constexpr int kLockRead = 0;
constexpr int kLockWrite = 1;
constexpr int kPerTensor = 1;       // of LiteRtGetQuantizationTypeId
constexpr int kRankedTensor = 0;    // of LiteRtGetTensorTypeId
constexpr int kMaxRank = 8;
constexpr int kNotDelegated = 2;    // event types: an operator of the file, run by the interpreter
constexpr int kDelegateOperator = 8;  // an operator as the delegate runs it

struct Layout {
  unsigned rank : 7;
  unsigned has_strides : 1;
  int32_t dimensions[kMaxRank];  // -1: open
  uint32_t strides[kMaxRank];
};

struct RankedTensorType {
  int element_type;
  Layout layout;
};
static_assert(sizeof(RankedTensorType) == 72);

struct PerTensorQuantization {
  float scale;
  int64_t zero_point;
};

struct MemoryUsage {
  size_t total;
  size_t in_use;
  size_t peak;
};

struct ProfiledEvent {
  const char* tag;
  int type;
  uint64_t start_us;
  uint64_t elapsed_us;
  MemoryUsage begin_memory;
  MemoryUsage end_memory;
  uint64_t metadata1;  // node index of an operator that was not delegated
  uint64_t metadata2;
  int source;
};
static_assert(sizeof(ProfiledEvent) == 104);

// One member a function; the member's name is the symbol's without "LiteRt".
struct Functions {
  int (*CreateEnvironment)(int option_count, const void* options, Environment**);
  void (*DestroyEnvironment)(Environment*);
  int (*CreateModelFromFile)(Environment*, const char* path, Model**);
  void (*DestroyModel)(Model*);
  int (*CreateOptions)(Options**);
  void (*DestroyOptions)(Options*);
  int (*SetOptionsHardwareAccelerators)(Options*, int accelerators);
  int (*CreateOpaqueOptions)(const char* identifier, void* payload, void (*destructor)(void*), OpaqueOptions**);
  int (*AddOpaqueOptions)(Options*, OpaqueOptions*);  // takes ownership
  int (*CreateCompiledModel)(Environment*, Model*, Options*, CompiledModel**);
  void (*DestroyCompiledModel)(CompiledModel*);
  int (*CompiledModelIsFullyAccelerated)(CompiledModel*, bool*);
  int (*GetModelSignature)(Model*, size_t index, Signature**);
  int (*GetNumSignatureInputs)(Signature*, size_t*);
  int (*GetNumSignatureOutputs)(Signature*, size_t*);
  int (*GetSignatureInputTensorByIndex)(Signature*, size_t index, Tensor**);
  int (*GetSignatureOutputTensorByIndex)(Signature*, size_t index, Tensor**);
  int (*GetSignatureInputName)(Signature*, size_t index, const char**);
  int (*GetSignatureOutputName)(Signature*, size_t index, const char**);
  int (*GetTensorTypeId)(Tensor*, int*);
  int (*GetRankedTensorType)(Tensor*, RankedTensorType*);
  int (*GetQuantizationTypeId)(Tensor*, int*);
  int (*GetPerTensorQuantization)(Tensor*, PerTensorQuantization*);
  int (*CompiledModelResizeInputTensor)(CompiledModel*, size_t signature, size_t index, const int* shape, size_t rank);
  int (*GetCompiledModelOutputTensorLayouts)(CompiledModel*, size_t signature, size_t count, Layout*, bool update);
  int (*GetCompiledModelInputBufferRequirements)(CompiledModel*, size_t signature, size_t index, BufferRequirements**);
  int (*GetCompiledModelOutputBufferRequirements)(CompiledModel*, size_t signature, size_t index, BufferRequirements**);
  int (*CreateManagedTensorBufferFromRequirements)(Environment*, const RankedTensorType*, BufferRequirements*, TensorBuffer**);
  void (*DestroyTensorBuffer)(TensorBuffer*);
  int (*LockTensorBuffer)(TensorBuffer*, void** address, int mode);
  int (*UnlockTensorBuffer)(TensorBuffer*);
  int (*GetTensorBufferSize)(TensorBuffer*, size_t*);
  int (*RunCompiledModel)(CompiledModel*, size_t signature, size_t input_count, TensorBuffer** inputs, size_t output_count,
                          TensorBuffer** outputs);
  int (*CompiledModelGetProfiler)(CompiledModel*, Profiler**);
  int (*StartProfiler)(Profiler*);
  int (*StopProfiler)(Profiler*);
  int (*ResetProfiler)(Profiler*);
  int (*GetNumProfilerEvents)(Profiler*, int*);
  int (*GetProfilerEvents)(Profiler*, int count, ProfiledEvent*);
};

}  // namespace pocketbench::litert
