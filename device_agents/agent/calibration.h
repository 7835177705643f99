// A fixed piece of work whose duration tells how fast the device is just now.
#pragma once

#include <cstdint>
#include <vector>

namespace pocketbench {

// Repeats the fixed work (integer and float arithmetic in registers, the same instructions everywhere) until
// `length_ns` has passed; the duration of each repetition. 0 gives none. A device at half its frequency doubles them.
std::vector<int64_t> calibrate(int64_t length_ns);

}  // namespace pocketbench
