// Feeds durations from stdin to the warm-up rule: prints after how many it ended, and whether it was steady.
#include <cstdlib>
#include <iostream>

#include "warmup.h"

int main(int, char** arguments) {
  pocketbench::WarmupRule rule(std::atoll(arguments[1]), std::atoll(arguments[2]), std::atoll(arguments[3]));
  int64_t count = 0;
  for (int64_t duration; std::cin >> duration;) {
    ++count;
    if (rule.add(duration)) {
      std::cout << count << " " << rule.steady() << "\n";
      return 0;
    }
  }
  std::cout << "0 0\n";
}
