// The calls of a process do not run in a fork of it.

#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "cpu/cores.h"

int main() {
  const int cores = sbnn::available_cores();
  const sbnn::CoreShare held(1024);
  const pid_t child = fork();
  if (child == 0) _exit(sbnn::CoreShare(1024).cores() == cores ? 0 : 1);
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return test::finish();
}
