#include "tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

namespace pocketbench {
namespace {

struct DtypeFacts {
  const char* name;
  size_t bytes;
};

constexpr DtypeFacts kFacts[] = {{"float32", 4}, {"float16", 2}, {"float64", 8}, {"int8", 1},  {"uint8", 1}, {"int16", 2},
                                 {"uint16", 2},  {"int32", 4},   {"uint32", 4},  {"int64", 8}, {"uint64", 8}, {"bool", 1}};

class SplitMix64 {  // Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014
 public:
  explicit SplitMix64(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
  }

 private:
  uint64_t state_;
};

template <typename T>
T element(const uint8_t* bytes, size_t i) {
  T value;
  std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
  return value;
}

// IEEE 754 binary16. Every generated float16 is a multiple of 2^-10 in [-1, 1), so rounding never happens here.
uint16_t half_of(double value) {
  const uint16_t sign = value < 0 ? 0x8000 : 0;
  const double magnitude = std::abs(value);
  if (magnitude == 0) return sign;
  int exponent = 0;
  const double fraction = std::frexp(magnitude, &exponent);  // in [0.5, 1)
  return static_cast<uint16_t>(sign | (exponent + 14) << 10 | static_cast<int>(fraction * 2048 - 1024));
}

double half_value(uint16_t bits) {
  const int exponent = bits >> 10 & 0x1F;
  const int fraction = bits & 0x3FF;
  double value = 0;
  if (exponent == 0) value = std::ldexp(fraction, -24);
  else if (exponent == 31) value = fraction == 0 ? std::numeric_limits<double>::infinity() : std::nan("");
  else value = std::ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -value : value;
}

double stored_value(Dtype dtype, const uint8_t* bytes, size_t i) {
  switch (dtype) {
    case Dtype::float32: return static_cast<double>(element<float>(bytes, i));
    case Dtype::float16: return half_value(element<uint16_t>(bytes, i));
    case Dtype::float64: return element<double>(bytes, i);
    case Dtype::int8: return element<int8_t>(bytes, i);
    case Dtype::uint8: return element<uint8_t>(bytes, i);
    case Dtype::int16: return element<int16_t>(bytes, i);
    case Dtype::uint16: return element<uint16_t>(bytes, i);
    case Dtype::int32: return element<int32_t>(bytes, i);
    case Dtype::uint32: return element<uint32_t>(bytes, i);
    case Dtype::int64: return static_cast<double>(element<int64_t>(bytes, i));
    case Dtype::uint64: return static_cast<double>(element<uint64_t>(bytes, i));
    case Dtype::boolean: return element<uint8_t>(bytes, i) != 0;
  }
  return 0;
}

}  // namespace

const char* dtype_name(Dtype dtype) { return kFacts[static_cast<size_t>(dtype)].name; }
size_t dtype_bytes(Dtype dtype) { return kFacts[static_cast<size_t>(dtype)].bytes; }

size_t TensorSpec::elements() const {
  return std::accumulate(shape.begin(), shape.end(), size_t{1},
                         [](size_t product, int64_t dimension) { return product * static_cast<size_t>(dimension); });
}

Bytes generated_input(const TensorSpec& spec, uint64_t seed) {
  SplitMix64 random(seed);
  Bytes bytes(spec.bytes());
  const size_t width = dtype_bytes(spec.dtype);
  for (size_t i = 0; i < spec.elements(); ++i) {
    const uint64_t z = random.next();
    uint8_t* at = bytes.data() + i * width;
    if (spec.dtype == Dtype::float32) {
      const float value = std::ldexp(static_cast<float>(z >> 40), -23) - 1.0f;
      std::memcpy(at, &value, width);
    } else if (spec.dtype == Dtype::float64) {
      const double value = std::ldexp(static_cast<double>(z >> 11), -52) - 1.0;
      std::memcpy(at, &value, width);
    } else if (spec.dtype == Dtype::float16) {
      const uint16_t value = half_of(std::ldexp(static_cast<double>(z >> 53), -10) - 1.0);
      std::memcpy(at, &value, width);
    } else if (spec.dtype == Dtype::boolean) {
      *at = static_cast<uint8_t>(z >> 63);
    } else {
      const uint64_t top = z >> (64 - 8 * width);  // little-endian: the low bytes come first
      std::memcpy(at, &top, width);
    }
  }
  return bytes;
}

std::vector<double> real_values(const TensorSpec& spec, const Bytes& bytes) {
  std::vector<double> values(spec.elements());
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = stored_value(spec.dtype, bytes.data(), i);
    if (spec.quantization) {
      values[i] = static_cast<double>(spec.quantization->scale) *
                  (values[i] - static_cast<double>(spec.quantization->zero_point));
    }
  }
  return values;
}

std::vector<size_t> top_five(const std::vector<double>& values) {
  std::vector<size_t> indices(values.size());
  std::iota(indices.begin(), indices.end(), size_t{0});
  const auto rank = [&](size_t i) { return std::isnan(values[i]) ? -std::numeric_limits<double>::infinity() : values[i]; };
  const auto larger = [&](size_t a, size_t b) { return rank(a) != rank(b) ? rank(a) > rank(b) : a < b; };
  const size_t count = std::min<size_t>(5, indices.size());
  std::partial_sort(indices.begin(), indices.begin() + static_cast<ptrdiff_t>(count), indices.end(), larger);
  indices.resize(count);
  return indices;
}

}  // namespace pocketbench
