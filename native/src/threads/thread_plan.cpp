#include "threads/thread_plan.h"

#include <algorithm>

namespace sbnn {
namespace {

// Less gain than this is not worth a second core, nor sure.
constexpr double kLeastGain = 0.03;

// A stage on some number of threads.
struct Choice {
  int threads = 1;
  bool by_rows = true;  // and not by filters: a thread has the same rows as in other such stages
  double time = 0;      // without what has to move
  double move = 0;      // ns per byte
};

// Bytes that a stage reads of what another wrote; of a stage's own band nothing moves.
struct Edge {
  size_t writer, reader;
  double bytes;
};

Choice choice_of(const Plan& plan, const Stage& stage, double time, const ThreadCosts& costs) {
  const Split split = split_stage(plan, stage, costs.threads);
  const int parts = split.parts();
  if (parts == 1) return {1, true, time, 0};
  // Fewer parts than threads leave some idle, but all of them meet.
  const int rounds = (parts + costs.threads - 1) / costs.threads;
  return {std::min(costs.threads, parts), split.pixel_parts > 1,
          time * rounds / parts / costs.speed + costs.barrier, costs.move};
}

std::vector<Edge> edges_of(const Plan& plan) {
  constexpr size_t kNobody = static_cast<size_t>(-1);
  std::vector<size_t> writer_of(plan.tensors.size(), kNobody);
  std::vector<Edge> edges;
  for (size_t i = 0; i < plan.stages.size(); ++i) {
    const Stage& stage = plan.stages[i];
    for (const int index : {stage.producer, stage.node}) {
      if (index == kNone) continue;
      const FusedNode& node = *plan.nodes[static_cast<size_t>(index)].node;
      node.for_inputs([&](int tensor) {
        const size_t writer = writer_of[static_cast<size_t>(tensor)];
        if (writer == kNobody || writer == i) return;
        const TensorLayout& layout = plan.tensors[static_cast<size_t>(tensor)];
        const bool sums = stage.reads_row_sums && tensor == node.input;
        const int64_t floats = layout.height * row_sums_step(layout.channels);
        edges.push_back({writer, i, static_cast<double>(sums ? 4 * floats : layout.bytes)});
      });
      node.for_outputs([&](int tensor) { writer_of[static_cast<size_t>(tensor)] = i; });
    }
  }
  return edges;
}

// The part of what is read that the reader who gets most of it from others gets from them.
double moved(const Choice& writer, const Choice& reader) {
  if (writer.threads == 1 && reader.threads == 1) return 0;
  const bool rows = writer.by_rows && reader.by_rows;
  if (rows && writer.threads == reader.threads) return 0;
  const double read = reader.by_rows ? 1.0 / reader.threads : 1;
  const bool has_none = writer.threads == 1 || (rows && reader.threads > writer.threads);
  return has_none ? read : read * (1 - 1.0 / writer.threads);
}

double edge_time(const Edge& edge, const Choice& writer, const Choice& reader) {
  return edge.bytes * moved(writer, reader) * std::max(writer.move, reader.move);
}

class Search {
 public:
  Search(const Plan& plan, const std::vector<double>& times,
         const std::vector<ThreadCosts>& options)
      : edges_(edges_of(plan)), edges_at_(times.size()) {
    for (size_t i = 0; i < times.size(); ++i) {
      choices_.push_back({Choice{1, true, times[i], 0}});
      for (const ThreadCosts& costs : options) {
        choices_[i].push_back(choice_of(plan, plan.stages[i], times[i], costs));
      }
    }
    for (size_t e = 0; e < edges_.size(); ++e) {
      edges_at_[edges_[e].writer].push_back(e);
      edges_at_[edges_[e].reader].push_back(e);
    }
  }

  // Changes one stage at a time while that gains, from all stages on one of the choices.
  std::vector<Choice> from(size_t start) const {
    constexpr int kSweeps = 8;
    std::vector<Choice> chosen;
    for (const std::vector<Choice>& choices : choices_) chosen.push_back(choices[start]);
    bool changed = true;
    for (int sweep = 0; sweep < kSweeps && changed; ++sweep) {
      changed = false;
      for (size_t i = 0; i < chosen.size(); ++i) changed |= improve(i, &chosen);
    }
    return chosen;
  }

  double time_of(const std::vector<Choice>& chosen) const {
    double time = 0;
    for (const Choice& choice : chosen) time += choice.time;
    for (const Edge& edge : edges_) {
      time += edge_time(edge, chosen[edge.writer], chosen[edge.reader]);
    }
    return time;
  }

 private:
  bool improve(size_t stage, std::vector<Choice>* chosen) const {
    const auto cost = [&](const Choice& tried) {
      double time = tried.time;
      for (const size_t e : edges_at_[stage]) {
        const Edge& edge = edges_[e];
        time += edge_time(edge, edge.writer == stage ? tried : (*chosen)[edge.writer],
                          edge.reader == stage ? tried : (*chosen)[edge.reader]);
      }
      return time;
    };
    double least = cost((*chosen)[stage]);
    bool changed = false;
    for (const Choice& tried : choices_[stage]) {
      const double time = cost(tried);
      if (time >= least) continue;
      least = time;
      (*chosen)[stage] = tried;
      changed = true;
    }
    return changed;
  }

  std::vector<Edge> edges_;
  std::vector<std::vector<size_t>> edges_at_;  // by stage
  std::vector<std::vector<Choice>> choices_;   // by stage, then by option, the first on one thread
};

}  // namespace

ThreadPlan plan_threads(const Plan& plan, const std::vector<double>& stage_times,
                        const std::vector<ThreadCosts>& options) {
  ThreadPlan result;
  result.threads.assign(stage_times.size(), 1);
  for (const double time : stage_times) result.alone += time;
  result.shared = result.alone;
  const Search search(plan, stage_times, options);
  for (size_t start = 1; start <= options.size(); ++start) {
    const std::vector<Choice> chosen = search.from(start);
    const double time = search.time_of(chosen);
    if (time >= result.shared || time > (1 - kLeastGain) * result.alone) continue;
    result.shared = time;
    for (size_t i = 0; i < chosen.size(); ++i) result.threads[i] = chosen[i].threads;
  }
  return result;
}

int plan_images(const ThreadPlan& plan, int64_t images, const std::vector<ThreadCosts>& options) {
  int best = plan.is_shared() ? 0 : 1;
  double least = static_cast<double>(images) * plan.shared;
  for (const ThreadCosts& costs : options) {
    const int64_t rounds = images / costs.threads, rest = images % costs.threads;
    if (rounds == 0) continue;
    const double time = static_cast<double>(rounds) * plan.alone / costs.speed + costs.barrier +
                        static_cast<double>(rest) * plan.shared;
    if (time >= least) continue;
    least = time;
    best = costs.threads;
  }
  return best;
}

}  // namespace sbnn
