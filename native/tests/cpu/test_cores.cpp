// Calls share the cores that their threads may use; pinning is respected.

#include <algorithm>
#include <thread>

#include "check.h"
#include "cpu/cores.h"
#include "pinning.h"

namespace {

using sbnn::available_cores;
using sbnn::CoreShare;

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
    test::pin_this_thread();
    CHECK(available_cores() == 1);
    CHECK(CoreShare(1024).cores() == 1);
  }).join();
}

}  // namespace

int main() {
  test_shares();
  test_pinned_threads();
  return test::finish();
}
