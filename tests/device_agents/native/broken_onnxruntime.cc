// A library that calls itself onnxruntime and does not behave as declared. BROKEN chooses how.
#include <cstdint>
#include <cstdlib>

namespace {

const void* empty[300] = {};  // every entry of the table is null: the first call crashes

const void* const* table(uint32_t version) { return BROKEN == 1 || version > 5 ? (BROKEN == 1 ? empty : nullptr) : empty; }
const char* version() { return "1.2.3"; }

struct {
  const void* const* (*table)(uint32_t);
  const char* (*version)();
} base = {table, version};

}  // namespace

extern "C" const void* OrtGetApiBase() { return &base; }
