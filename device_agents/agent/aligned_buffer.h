// Memory for a tensor, aligned as the runtimes' own allocators align it.
#pragma once

#include <cstdlib>
#include <memory>
#include <new>

namespace pocketbench {

constexpr size_t kTensorAlignment = 64;

struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};
using AlignedBuffer = std::unique_ptr<void, FreeMemory>;

inline AlignedBuffer aligned_buffer(size_t bytes) {
  const size_t whole = (bytes + kTensorAlignment) / kTensorAlignment * kTensorAlignment;  // never 0 bytes
  void* memory = std::aligned_alloc(kTensorAlignment, whole);
  if (memory == nullptr) throw std::bad_alloc();
  return AlignedBuffer(memory);
}

}  // namespace pocketbench
