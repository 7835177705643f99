// The agent: measures one artifact on the device it runs on (PROTOCOL.md).
#include <cstdio>
#include <cstring>
#include <fstream>
#include <new>
#include <vector>

#include "affinity.h"
#include "failure.h"
#include "job.h"
#include "predict.h"
#include "probe.h"
#include "protocol.h"
#include "sha256.h"
#include "trial.h"

namespace {

using namespace pocketbench;

int digests(int count, char** paths) {
  int status = 0;
  for (int i = 0; i < count; ++i) {
    std::ifstream file(paths[i], std::ios::binary);
    Sha256 digest;
    std::vector<char> block(1 << 20);
    while (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0) {
      digest.update(block.data(), static_cast<size_t>(file.gcount()));
    }
    if (file.bad() || !file.eof()) {
      std::fprintf(stderr, "cannot read %s\n", paths[i]);
      status = 1;
    } else {
      std::printf("%s  %s\n", digest.hex().c_str(), paths[i]);
    }
  }
  return status;
}

template <typename Work>
int guarded(Work work) {
  try {
    work();
    return 0;
  } catch (const Failure& failure) {
    say_error(failure);
  } catch (const std::bad_alloc&) {
    say_error(Failure("MEMORY", "the device has not enough memory"));
  } catch (const std::exception& error) {
    say_error(Failure("INTERNAL", error.what()));
  }
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string first = count > 1 ? arguments[1] : "";
  if (first == "--version" && count == 2) {
    std::printf("pocketbench agent %s for %s\n", version().c_str(), target().c_str());
    return 0;
  }
  if (first == "--sha256" && count > 2) return digests(count - 2, arguments + 2);
  if (first == "--state" && (count == 3 || count == 4)) {
    return guarded([&] {
      if (count == 4) keep_to_cores(arguments[3]);
      say_state("before", whole_number("calibration_ns", arguments[2], 0, 10'000'000'000));
    });
  }
  if (first == "--probe" && (count == 3 || count == 4)) {
    return guarded([&] {
      if (count == 4) keep_to_cores(arguments[3]);
      run_probe(static_cast<int>(whole_number("threads", arguments[2], 1, 1024)));
    });
  }
  if (count != 2 || first.compare(0, 2, "--") == 0) {
    std::fputs("agent JOBFILE | --sha256 FILE... | --state CALIBRATION_NS [CORES] | --probe THREADS [CORES] | --version\n", stderr);
    return 64;
  }
  return guarded([&] {
    own_stdout();
    const Job job = read_job(first);
    if (job.shards.empty()) run_trial(job);
    else run_predictions(job);
  });
}
