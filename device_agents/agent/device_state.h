// What the agent can read of its device without rights, before and after the trial.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace pocketbench {

// Path -> raw text of every state file that exists and can be read; the others are absent.
std::map<std::string, std::string> read_state_files();

// Highest resident memory of this process so far (VmHWM), in bytes.
int64_t peak_memory_bytes();

}  // namespace pocketbench
