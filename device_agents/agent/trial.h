// One trial: everything between `hello` and `done`.
#pragma once

#include "job.h"

namespace pocketbench {

// Measures the job's artifact and says the protocol's lines. Throws Failure.
void run_trial(const Job& job);

}  // namespace pocketbench
