// Why a trial cannot go on: becomes the `error` line.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace pocketbench {

// Codes: JOB (the job file), SCRATCH (its folder), CORES (affinity), LIBRARY (the runtime's library), SELF_TEST (the
// runtime does not behave as declared), MODEL (the file), DYNAMIC_SHAPE, INPUT, RUN, PROFILE, MEMORY.
struct Failure : std::runtime_error {
  Failure(std::string code, const std::string& message) : std::runtime_error(message), code(std::move(code)) {}
  std::string code;
};

}  // namespace pocketbench
