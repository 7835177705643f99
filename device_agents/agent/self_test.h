// Proof, before anything is measured, that the runtime's library behaves as this agent declares it.
#pragma once

#include <string>

#include "job.h"

namespace pocketbench {

// Runs the runtime's self-test in a child process: a wrong declaration may crash there, and the trial's own process
// stays untouched, so that its first inference is the cold one. Throws Failure SELF_TEST, or what the child met.
void self_test_apart(const Job& job, const std::string& scratch);

// Settings of the environment under which no runtime writes or sends anything of its own.
void quiet_environment(const std::string& scratch);

}  // namespace pocketbench
