// Predictions for many pictures, which come in shards while the agent runs.
#pragma once

#include "job.h"

namespace pocketbench {

// Runs the job's model on every picture of its shards and says one `predictions` line a shard. Throws Failure.
void run_predictions(const Job& job);

}  // namespace pocketbench
