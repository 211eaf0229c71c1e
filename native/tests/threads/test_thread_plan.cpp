// Where more threads pay, from given costs: of a chain of convolutions whose sizes do not matter,
// as the times of its stages are given too.

#include <cmath>

#include "cpu/dispatch.h"
#include "engine_case.h"
#include "plan/fuse.h"
#include "run/context.h"
#include "threads/sharing.h"

namespace {

constexpr int kSize = 32, kChannels = 64, kStages = 6;

std::vector<uint8_t> chain() {
  test::ModelWriter file(3);
  int tensor = file.input("image", kSize, kSize, 3);
  for (int i = 0; i < kStages; ++i) {
    const int weight = file.floats({kChannels, 1, 1, i == 0 ? 3 : kChannels}, -1, 1);
    tensor = file.node("real_conv", {tensor}, test::key("weight", weight));
  }
  file.output(tensor);
  return file.file();
}

struct Network {
  Network() {
    const std::vector<uint8_t> bytes = chain();
    sbnn::Graph read;
    CHECK(sbnn::read_model(bytes.data(), bytes.size(), {}, &read).ok());
    graph = sbnn::fuse_graph(read, true);
    sbnn::make_plan(graph, *sbnn::usable_kernels().front(), &plan);
    CHECK(plan.stages.size() == kStages);
  }
  sbnn::ThreadPlan threads(const std::vector<double>& times,
                           const std::vector<sbnn::ThreadCosts>& options) const {
    return sbnn::plan_threads(plan, times, options);
  }

  sbnn::FusedGraph graph;
  sbnn::Plan plan;
};

using Times = std::vector<double>;
using Threads = std::vector<int>;

constexpr double kBarrier = 1000;
const sbnn::ThreadCosts kTwo{2, kBarrier, 1, 0};

void test_size(const Network& network) {
  CHECK(network.threads(Times(kStages, 1e6), {}).threads == Threads(kStages, 1));
  CHECK(!network.threads(Times(kStages, 1e6), {}).is_shared());
  CHECK(network.threads(Times(kStages, 1e6), {kTwo}).threads == Threads(kStages, 2));
  CHECK(network.threads(Times(kStages, 1.9 * kBarrier), {kTwo}).threads == Threads(kStages, 1));
  const sbnn::ThreadPlan plan = network.threads(Times(kStages, 4 * kBarrier), {kTwo});
  CHECK(plan.threads == Threads(kStages, 2) && plan.is_shared());
  CHECK(plan.alone == kStages * 4 * kBarrier && plan.shared == kStages * 3 * kBarrier);
  // Next to no gain is none.
  CHECK(network.threads(Times(kStages, 2.02 * kBarrier), {kTwo}).threads == Threads(kStages, 1));
  // Large stages pay and small ones do not.
  CHECK(network.threads({1e5, 100, 1e5, 100, 1e5, 1e5}, {kTwo}).threads ==
        (Threads{2, 1, 2, 1, 2, 2}));
}

void test_machine(const Network& network) {
  // Two threads of one core, each half as fast.
  CHECK(network.threads(Times(kStages, 1e6), {{2, kBarrier, 0.5, 0}}).threads ==
        Threads(kStages, 1));
  // 262,144 bytes per tensor: half of one takes as long to move as a stage takes, but nothing moves
  // between stages that are shared alike.
  const sbnn::ThreadCosts slow_moves{2, kBarrier, 1, 0.08};
  CHECK(network.threads(Times(kStages, 1e4), {slow_moves}).threads == Threads(kStages, 2));
  CHECK(network.threads({100, 100, 1e4, 100, 100, 100}, {kTwo}).threads ==
        (Threads{1, 1, 2, 1, 1, 1}));
  CHECK(network.threads({100, 100, 1e4, 100, 100, 100}, {slow_moves}).threads ==
        Threads(kStages, 1));
  // A small stage between large ones is shared with them rather than that its input moves.
  CHECK(network.threads({1e5, 1e5, 900, 1e5, 1e5, 1e5}, {slow_moves}).threads ==
        Threads(kStages, 2));
}

void test_more_threads(const Network& network) {
  const std::vector<sbnn::ThreadCosts> options = {kTwo, {4, 2000, 1, 0}, {8, 8000, 1, 0}};
  CHECK(network.threads(Times(kStages, 1e6), options).threads == Threads(kStages, 8));
  CHECK(network.threads(Times(kStages, 1e4), options).threads == Threads(kStages, 4));
  CHECK(network.threads(Times(kStages, 3e3), options).threads == Threads(kStages, 2));
  test::Random random(1);
  for (int round = 0; round < 200; ++round) {
    Times times;
    for (int i = 0; i < kStages; ++i) times.push_back(std::exp2(random.between(4, 24)));
    std::vector<sbnn::ThreadCosts> some;
    for (const int threads : {2, 3, 8}) {
      if (random.next() % 2 == 0) continue;
      some.push_back(
          {threads, random.between(500, 20000), random.between(0.4f, 1), random.between(0, 0.1f)});
    }
    const sbnn::ThreadPlan plan = network.threads(times, some);
    CHECK(plan.shared <= plan.alone);
    const int most = some.empty() ? 1 : some.back().threads;
    for (const int threads : plan.threads) CHECK(threads >= 1 && threads <= most);
    const int images = sbnn::plan_images(plan, 16, some);
    CHECK(images >= 0 && images <= most);
    CHECK(plan.is_shared() || images > 0);
  }
}

void test_images(const Network& network) {
  const sbnn::ThreadPlan small = network.threads(Times(kStages, 1000), {kTwo});
  CHECK(!small.is_shared());
  CHECK(sbnn::plan_images(small, 1, {kTwo}) == 1);
  CHECK(sbnn::plan_images(small, 16, {kTwo}) == 2);  // one barrier for all of them
  CHECK(sbnn::plan_images(small, 16, {}) == 1);
  CHECK(sbnn::plan_images(small, 16, {{2, 1e6, 1, 0}}) == 1);
  const sbnn::ThreadPlan large = network.threads(Times(kStages, 1e6), {kTwo});
  CHECK(sbnn::plan_images(large, 1, {kTwo}) == 0);
  CHECK(sbnn::plan_images(large, 16, {kTwo}) == 2);
}

// Costs of a machine on which sharing these stages pays, whatever this one does just now.
bool cheap_threads(const sbnn::KernelTable&, sbnn::ThreadPool*, int threads,
                   sbnn::ThreadCosts* costs) {
  *costs = {threads, 10, 1, 0};
  return true;
}

// A plan that shares is kept where an image shows that it is faster, and dropped where none is.
void test_trial(const Network& network) {
  sbnn::ThreadPool pool(2);
  CHECK(pool.try_acquire());
  sbnn::Context context(network.plan);
  context.prepare(1, 1);
  const std::vector<uint8_t> image(kSize * kSize * 3);
  sbnn::Frame frame = context.frame(0);
  const sbnn::InputArray input{image.data(), false};
  frame.inputs = &input;
  for (const bool pays : {true, false}) {
    sbnn::Sharing sharing(network.plan, false, &cheap_threads);
    CHECK(!sharing.is_timed());
    while (!sharing.is_timed()) sharing.time_image(frame, context.scratch(0));
    const sbnn::ThreadPlan& plan = sharing.plan_for(&pool, 2);
    CHECK(plan.is_shared() && !sharing.image_runs_alone() && sharing.is_on_trial(2));
    int trials = 0;
    for (; sharing.is_on_trial(2); ++trials) sharing.judge(2, (pays ? 0.9 : 1.1) * plan.alone);
    CHECK(pays ? trials == 1 : trials > 1);
    CHECK(plan.is_shared() == pays && sharing.image_runs_alone() != pays);
    CHECK(sharing.images_at_once(1, 2) == (pays ? 0 : 1));
  }
  pool.release();
}

}  // namespace

int main() {
  const Network network;
  test_size(network);
  test_machine(network);
  test_more_threads(network);
  test_images(network);
  test_trial(network);
  return test::finish();
}
