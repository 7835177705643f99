#include "predict.h"

#include <cstdio>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "affinity.h"
#include "clock.h"
#include "device_state.h"
#include "failure.h"
#include "protocol.h"
#include "runtime.h"
#include "scratch.h"
#include "self_test.h"

namespace pocketbench {
namespace {

constexpr timespec kPoll = {0, 1'000'000};

struct Header {  // of a shard; the pictures' bytes follow
  uint64_t pictures = 0;
  uint64_t outputs = 0;  // 1: the first outputs are wanted too
};

// A shard's file while the host is still writing it, and after.
class Shard {
 public:
  Shard(std::string path, size_t picture_bytes) : path_(std::move(path)), picture_bytes_(picture_bytes) {}
  ~Shard() { close(); }
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // Waits until the file is as long as its header says. Throws Failure INPUT when that takes longer than `patience_ns`.
  void wait(int64_t patience_ns) {
    for (const int64_t begin = wall_ns(); !complete(); nanosleep(&kPoll, nullptr)) {
      if (wall_ns() - begin > patience_ns) throw Failure("INPUT", "no whole shard arrived at " + path_);
    }
  }

  uint64_t pictures() const { return header_.pictures; }
  bool outputs_wanted() const { return header_.outputs != 0; }

  void read(uint64_t index, Bytes& picture) const {
    size_t done = 0;
    while (done < picture_bytes_) {
      const auto at = static_cast<off_t>(sizeof header_ + index * picture_bytes_ + done);
      const ssize_t got = pread(file_, picture.data() + done, picture_bytes_ - done, at);
      if (got <= 0) throw Failure("INPUT", "cannot read " + path_);
      done += static_cast<size_t>(got);
    }
  }

  void remove() {
    close();
    if (std::remove(path_.c_str()) != 0) throw Failure("INPUT", "cannot delete " + path_);
  }

 private:
  bool complete() {
    close();  // a push that is tried again may have made a new file
    file_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (file_ < 0) return false;
    struct stat facts;
    if (pread(file_, &header_, sizeof header_, 0) != ssize_t{sizeof header_} || fstat(file_, &facts) != 0) return false;
    const uint64_t length = static_cast<uint64_t>(facts.st_size) - sizeof header_;
    if (length > header_.pictures * picture_bytes_) {
      throw Failure("INPUT", path_ + " does not hold pictures of " + std::to_string(picture_bytes_) + " bytes");
    }
    return length == header_.pictures * picture_bytes_;
  }

  void close() {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
  }

  std::string path_;
  size_t picture_bytes_;
  int file_ = -1;
  Header header_;
};

void write_outputs(const std::string& path, const std::vector<float>& values) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
  if (!file.flush()) throw Failure("SCRATCH", "cannot write " + path);
}

}  // namespace

void run_predictions(const Job& job) {
  keep_to_cores(job.cores);
  const Scratch scratch(job.scratch);
  quiet_environment(scratch.path());
  self_test_apart(job, scratch.path());
  const auto runtime = open_runtime(job.runtime, job.library);
  say_hello(job, runtime->version());

  Settings settings;
  settings.threads = job.threads;
  settings.shapes = job.shapes;
  settings.options = job.options;
  settings.scratch = scratch.path();
  const auto instance = runtime->load(job.model, settings);
  if (instance->inputs.size() != 1) throw Failure("INPUT", "predictions are for models with one input");
  const bool known = instance->outputs_known;
  if (known) say_loaded(*instance, job.threads);

  Bytes picture(instance->inputs[0].bytes());
  std::vector<float> outputs;
  for (int64_t index = 0;; ++index) {
    const std::string path = job.shards + "." + std::to_string(index);
    Shard shard(path, picture.size());
    const int64_t begin = wall_ns();
    shard.wait(job.patience_ns);
    const int64_t arrived = wall_ns();
    if (shard.pictures() == 0) break;
    Predictions said;
    said.shard = index;
    said.waited_ns = arrived - begin;
    outputs.clear();
    for (uint64_t i = 0; i < shard.pictures(); ++i) {
      shard.read(i, picture);
      instance->write_input(0, picture);
      instance->run();
      if (!instance->outputs_known) instance->complete_outputs();
      const std::vector<double> values = real_values(instance->outputs[0], instance->read_output(0));
      said.top5.push_back(top_five(values));
      if (shard.outputs_wanted()) outputs.insert(outputs.end(), values.begin(), values.end());
    }
    if (shard.outputs_wanted()) write_outputs(path + ".outputs", outputs);
    shard.remove();
    said.busy_ns = wall_ns() - arrived;
    if (!known && index == 0) say_loaded(*instance, job.threads);
    say_predictions(said);
  }
  say_done(peak_memory_bytes());
}

}  // namespace pocketbench
