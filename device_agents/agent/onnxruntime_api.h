// What the agent calls of ONNX Runtime's C API.
//
// The library exports one function, OrtGetApiBase; the rest is a table of function pointers that is only ever
// appended to, so an entry's index is the same in every release that has it. Below stand the entries that this
// project calls, each with its index and signature; the self-test runs through them at start.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pocketbench::ort {

struct Status;
struct Env;
struct SessionOptions;
struct Session;
struct Value;
struct MemoryInfo;
struct TypeInfo;
struct TensorInfo;
struct Allocator;
struct RunOptions;

constexpr uint32_t kApiVersion = 11;  // the oldest table that has every entry below (release 1.11)
constexpr int kLogWarning = 2;
constexpr int kOptimizeAll = 99;
constexpr int kArenaAllocator = 1;
constexpr int kMemoryDefault = 0;
constexpr int kOnnxTensor = 1;

struct ApiBase {
  const void* const* (*table)(uint32_t version);  // null when the library is older than that
  const char* (*version)();
};

template <typename Signature>
struct Entry {
  size_t index;
};

constexpr Entry<const char*(const Status*)> kGetErrorMessage{2};
constexpr Entry<Status*(int log_level, const char* name, Env**)> kCreateEnv{3};
constexpr Entry<Status*(const Env*, const char* path, const SessionOptions*, Session**)> kCreateSession{7};
constexpr Entry<Status*(Session*, const RunOptions*, const char* const* input_names, const Value* const* inputs,
                        size_t input_count, const char* const* output_names, size_t output_count, Value** outputs)>
    kRun{9};
constexpr Entry<Status*(SessionOptions**)> kCreateSessionOptions{10};
constexpr Entry<Status*(SessionOptions*, const char* prefix)> kEnableProfiling{14};
constexpr Entry<Status*(SessionOptions*, int level)> kSetGraphOptimizationLevel{23};
constexpr Entry<Status*(SessionOptions*, int threads)> kSetIntraOpNumThreads{24};
constexpr Entry<Status*(SessionOptions*, int threads)> kSetInterOpNumThreads{25};
constexpr Entry<Status*(const Session*, size_t*)> kGetInputCount{30};
constexpr Entry<Status*(const Session*, size_t*)> kGetOutputCount{31};
constexpr Entry<Status*(const Session*, size_t index, TypeInfo**)> kGetInputTypeInfo{33};
constexpr Entry<Status*(const Session*, size_t index, TypeInfo**)> kGetOutputTypeInfo{34};
constexpr Entry<Status*(const Session*, size_t index, Allocator*, char**)> kGetInputName{36};
constexpr Entry<Status*(const Session*, size_t index, Allocator*, char**)> kGetOutputName{37};
constexpr Entry<Status*(const MemoryInfo*, void* data, size_t bytes, const int64_t* shape, size_t rank,
                        int element_type, Value**)>
    kCreateTensorWithData{49};
constexpr Entry<Status*(Value*, void**)> kGetTensorMutableData{51};
constexpr Entry<Status*(const TypeInfo*, const TensorInfo**)> kCastTypeInfoToTensorInfo{55};
constexpr Entry<Status*(const TypeInfo*, int*)> kGetOnnxType{56};
constexpr Entry<Status*(const TensorInfo*, int*)> kGetElementType{60};
constexpr Entry<Status*(const TensorInfo*, size_t*)> kGetDimensionsCount{61};
constexpr Entry<Status*(const TensorInfo*, int64_t*, size_t)> kGetDimensions{62};
constexpr Entry<Status*(const TensorInfo*, const char**, size_t)> kGetSymbolicDimensions{63};
constexpr Entry<Status*(const Value*, TensorInfo**)> kGetTensorTypeAndShape{65};
constexpr Entry<Status*(int allocator, int memory, MemoryInfo**)> kCreateCpuMemoryInfo{69};
constexpr Entry<Status*(Allocator*, void*)> kAllocatorFree{76};
constexpr Entry<Status*(Allocator**)> kGetAllocator{78};
constexpr Entry<void(Env*)> kReleaseEnv{92};
constexpr Entry<void(Status*)> kReleaseStatus{93};
constexpr Entry<void(MemoryInfo*)> kReleaseMemoryInfo{94};
constexpr Entry<void(Session*)> kReleaseSession{95};
constexpr Entry<void(Value*)> kReleaseValue{96};
constexpr Entry<void(TypeInfo*)> kReleaseTypeInfo{98};
constexpr Entry<void(TensorInfo*)> kReleaseTensorInfo{99};
constexpr Entry<void(SessionOptions*)> kReleaseSessionOptions{100};
constexpr Entry<Status*(Session*, Allocator*, char**)> kSessionEndProfiling{110};
constexpr Entry<Status*(SessionOptions*, const char* key, const char* value)> kAddSessionConfigEntry{130};

}  // namespace pocketbench::ort
