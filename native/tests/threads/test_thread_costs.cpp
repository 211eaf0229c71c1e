// What threads cost is measured once, or not at all where they get no core each.

#include "check.h"
#include "cpu/dispatch.h"
#include "threads/thread_costs.h"

int main() {
  const sbnn::KernelTable& kernels = *sbnn::usable_kernels().front();
  for (const int threads : {2, 3}) {
    sbnn::ThreadPool pool(4);
    CHECK(pool.try_acquire());
    sbnn::ThreadCosts first, second;
    const bool measured = sbnn::measure_threads(kernels, &pool, threads, &first);
    if (threads > sbnn::available_cores()) CHECK(!measured);
    if (measured) {
      CHECK(first.threads == threads && first.barrier > 0 && first.move >= 0);
      CHECK(first.speed > 0 && first.speed <= 1);
      CHECK(sbnn::measure_threads(kernels, &pool, threads, &second));
      CHECK(second.barrier == first.barrier && second.speed == first.speed &&
            second.move == first.move);
    }
    pool.release();
  }
  return test::finish();
}
