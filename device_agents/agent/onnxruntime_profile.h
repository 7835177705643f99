// ONNX Runtime's profiling file, as operator events.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime.h"

namespace pocketbench {

// The operators of the last `runs` inferences in the profile file at `path`; those before them were warm-ups.
// Throws Failure PROFILE when the file is damaged, or when inferences ran different operators.
std::vector<OperatorEvent> read_onnxruntime_profile(const std::string& path, int64_t runs);

}  // namespace pocketbench
