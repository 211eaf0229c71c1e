// A forked process may drop a pool, and cannot use it.

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <thread>

#include "check.h"
#include "threads/thread_pool.h"

int main() {
  auto pool = std::make_unique<sbnn::ThreadPool>(3);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the workers sleep
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);  // rather than hang
    const bool alone = !pool->try_acquire();
    pool.reset();
    _exit(alone ? 0 : 1);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return test::finish();
}
