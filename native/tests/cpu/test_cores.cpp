// Calls share the cores that their threads may use; pinning, and a fork, are respected.

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "check.h"
#include "cpu/cores.h"

namespace {

using sbnn::available_cores;
using sbnn::CoreShare;

void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
}

void test_shares() {
  const int cores = available_cores();
  CHECK(cores >= 1);
  CHECK(CoreShare(1).cores() == 1);
  CHECK(CoreShare(2).cores() == std::min(2, cores));
  CHECK(CoreShare(1024).cores() == cores);
  {
    CoreShare first(1024);
    CHECK(CoreShare(1024).cores() == 1);  // the caller's own, always
    first.keep(1);
    CHECK(CoreShare(1024).cores() == std::max(1, cores - 1));
    const CoreShare alone(1);
    CHECK(CoreShare(1024).cores() == std::max(1, cores - 2));
  }
  CHECK(CoreShare(1024).cores() == cores);
}

void test_pinned_threads() {
  const CoreShare all(1024);
  std::thread([] {
    pin_to(sched_getcpu());
    CHECK(available_cores() == 1);
    CHECK(CoreShare(1024).cores() == 1);
  }).join();
}

// The calls of a process do not run in a fork of it.
void test_fork() {
  const int cores = available_cores();
  const auto held = std::make_unique<CoreShare>(1024);
  const pid_t child = fork();
  if (child == 0) _exit(CoreShare(1024).cores() == cores ? 0 : 1);
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace

int main() {
  test_shares();
  test_pinned_threads();
  test_fork();
  return test::finish();
}
