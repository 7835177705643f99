// Tensors at the agent's edge: what the file declares, the generated input, what the last inference returned.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pocketbench {

enum class Dtype { float32, float16, float64, int8, uint8, int16, uint16, int32, uint32, int64, uint64, boolean };

const char* dtype_name(Dtype dtype);  // numpy's
size_t dtype_bytes(Dtype dtype);

struct Quantization {  // real = scale * (stored - zero_point)
  float scale;
  int64_t zero_point;
};

struct TensorSpec {
  std::string name;
  Dtype dtype = Dtype::float32;
  std::vector<int64_t> shape;
  std::optional<Quantization> quantization;

  size_t elements() const;
  size_t bytes() const { return elements() * dtype_bytes(dtype); }
};

using Bytes = std::vector<uint8_t>;

// Element i comes from the i-th number of splitmix64(seed), z: floats are the top bits of z as a multiple of 2^-23
// (float32), 2^-10 (float16) or 2^-52 (float64) less 1, so uniform in [-1, 1) and exact; integers are the top bits of
// z as they are; booleans the top bit.
Bytes generated_input(const TensorSpec& spec, uint64_t seed);

// The elements as real numbers, dequantized where the tensor is quantized.
std::vector<double> real_values(const TensorSpec& spec, const Bytes& bytes);

// Indices of the five largest values (fewer when there are fewer), largest first, lower index first among equals;
// NaN is below everything.
std::vector<size_t> top_five(const std::vector<double>& values);

}  // namespace pocketbench
