#include "self_test.h"

#include <cstdlib>
#include <cstring>
#include <exception>

#include <sys/wait.h>
#include <unistd.h>

#include "failure.h"
#include "runtime.h"

namespace pocketbench {
namespace {

// What goes wrong in the child, as "CODE message"; empty when all is well.
std::string outcome(const Job& job, const std::string& scratch) {
  try {
    open_runtime(job.runtime, job.library)->self_test(scratch);
    return "";
  } catch (const Failure& failure) {
    const std::string kept = failure.code == "LIBRARY" || failure.code == "JOB" || failure.code == "SCRATCH" ? failure.code : "SELF_TEST";
    return kept + " " + failure.what();
  } catch (const std::exception& error) {
    return std::string("SELF_TEST ") + error.what();
  }
}

}  // namespace

void self_test_apart(const Job& job, const std::string& scratch) {
  int ends[2];
  if (pipe(ends) != 0) throw Failure("MEMORY", std::string("cannot make a pipe: ") + std::strerror(errno));
  const pid_t child = fork();
  if (child < 0) throw Failure("MEMORY", std::string("cannot start the self-test: ") + std::strerror(errno));
  if (child == 0) {
    close(ends[0]);
    const std::string message = outcome(job, scratch);
    const ssize_t written = write(ends[1], message.data(), message.size());
    _exit(written == static_cast<ssize_t>(message.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string message;
  char part[512];
  for (ssize_t size; (size = read(ends[0], part, sizeof part)) > 0;) message.append(part, static_cast<size_t>(size));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    throw Failure("SELF_TEST", job.runtime + " crashed on the self-test's model: " + strsignal(WTERMSIG(status)));
  }
  if (!message.empty()) throw Failure(message.substr(0, message.find(' ')), message.substr(message.find(' ') + 1));
  if (status != 0) throw Failure("SELF_TEST", "the self-test ended without an answer");
}

void quiet_environment(const std::string& scratch) {
  setenv("ORT_DISABLE_TELEMETRY", "1", 1);  // onnxruntime's telemetry: a thread of its own, and a database under HOME
  setenv("HOME", scratch.c_str(), 1);
  setenv("TMPDIR", scratch.c_str(), 1);
}

}  // namespace pocketbench
