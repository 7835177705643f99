#include "scratch.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failure.h"

namespace pocketbench {

Scratch::Scratch(const std::string& parent) : path_(parent + "/agent." + std::to_string(getpid())) {
  if (mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST) {
    throw Failure("SCRATCH", "cannot make the folder " + parent + ": " + std::strerror(errno));
  }
  if (mkdir(path_.c_str(), 0755) != 0 && errno != EEXIST) {
    throw Failure("SCRATCH", "cannot write to the folder " + parent + ": " + std::strerror(errno));
  }
}

Scratch::~Scratch() {
  const auto remove_one = [](const char* path, const struct stat*, int, FTW*) { return std::remove(path); };
  if (nftw(path_.c_str(), remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0) std::perror(path_.c_str());
}

}  // namespace pocketbench
