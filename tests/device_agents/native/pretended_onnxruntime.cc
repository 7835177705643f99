// A library that calls itself onnxruntime and is not: CRASHES or TOO_OLD says what is wrong with it.
#include <cstdint>

namespace {

[[maybe_unused]] const void* nothing[400] = {};  // a table of functions that are not there: the first call crashes

const void* const* table(uint32_t) {
#ifdef CRASHES
  return nothing;
#else
  return nullptr;
#endif
}

const char* version() { return "1.2.3"; }

struct {
  const void* const* (*table)(uint32_t);
  const char* (*version)();
} base = {table, version};

}  // namespace

extern "C" const void* OrtGetApiBase() { return &base; }
