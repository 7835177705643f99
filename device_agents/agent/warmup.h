// When warm-up ends (DESIGN.md section 6): AndroidX Benchmark's rule, shortened for slow networks.
#pragma once

#include <cstdint>

namespace pocketbench {

class WarmupRule {
 public:
  WarmupRule(int64_t min_inferences, int64_t min_ns, int64_t max_ns)
      : min_inferences_(min_inferences), min_ns_(min_ns), max_ns_(max_ns) {}

  // Takes the next inference's duration; true when warm-up is over.
  bool add(int64_t duration_ns);

  // Whether the averages settled; false when warm-up ended for lack of time.
  bool steady() const { return steady_; }

 private:
  int64_t min_inferences_;
  int64_t min_ns_;
  int64_t max_ns_;
  int64_t inferences_ = 0;
  int64_t total_ns_ = 0;
  int64_t similar_ = 0;
  int64_t similar_ns_ = 0;
  double fast_ = 0;
  double slow_ = 0;
  bool steady_ = false;
};

}  // namespace pocketbench
