// What the device's cores compute and its memory delivers at most: the ceilings of a roofline.
#pragma once

namespace pocketbench {

// Prints one JSON line (PROTOCOL.md). Some 2 s, whatever the number of threads.
void run_probe(int threads);

}  // namespace pocketbench
