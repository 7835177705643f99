// Which cores the process may run on.
#pragma once

#include <string>

namespace pocketbench {

// Keeps this process, and every thread it starts later, to `cores`: "any" or a list such as "4-7,2".
// Throws Failure CORES when the list is malformed or the system refuses it.
void keep_to_cores(const std::string& cores);

// Cpus_allowed_list of this process as the kernel prints it; a cpuset may have narrowed what was asked for.
std::string cores_allowed();

}  // namespace pocketbench
