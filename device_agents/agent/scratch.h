// A folder of this process's own inside the job's scratch folder, gone when the process is done with it.
#pragma once

#include <string>

namespace pocketbench {

class Scratch {
 public:
  // Makes the folder (and `parent`, when it is missing). Throws Failure SCRATCH.
  explicit Scratch(const std::string& parent);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace pocketbench
