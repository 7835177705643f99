#include "warmup.h"

#include <cmath>

namespace pocketbench {
namespace {

constexpr double kFastWeight = 0.1;
constexpr double kSlowWeight = 0.005;
constexpr double kTolerance = 0.04;
constexpr int64_t kSimilarInferences = 40;
constexpr int64_t kSimilarNs = 2'000'000'000;

}  // namespace

bool WarmupRule::add(int64_t duration_ns) {
  const auto duration = static_cast<double>(duration_ns);
  ++inferences_;
  total_ns_ += duration_ns;
  if (inferences_ == 1) {
    fast_ = slow_ = duration;  // says nothing yet: the first inference is not similar to another
  } else {
    fast_ = kFastWeight * duration + (1 - kFastWeight) * fast_;
    slow_ = kSlowWeight * duration + (1 - kSlowWeight) * slow_;
    const bool similar = std::abs(fast_ / slow_ - 1) <= kTolerance;
    similar_ = similar ? similar_ + 1 : 0;
    similar_ns_ = similar ? similar_ns_ + duration_ns : 0;
  }
  const bool settled = similar_ >= kSimilarInferences || similar_ns_ >= kSimilarNs;
  steady_ = settled && inferences_ >= min_inferences_ && total_ns_ >= min_ns_;
  return steady_ || total_ns_ >= max_ns_;
}

}  // namespace pocketbench
