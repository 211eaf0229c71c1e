// A loaded model that answers: the boundary that hosts (Python, C++, others) call.
//
// Nothing here throws or prints; every function that can fail returns a Status. An Engine may be
// called from any number of threads at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "format/graph.h"
#include "signbit/arrays.h"
#include "signbit/call_state.h"
#include "signbit/status.h"

namespace sbnn {

struct EngineOptions {
  // At most; an image uses no more than pay. 0: as many as the process may use.
  int threads = 0;
  std::string isa;  // empty: SIGNBIT_ISA, else the best
  // For tests: every node on all threads, even where they do not pay and where there are fewer
  // cores.
  bool share_all = false;
  // For tests: without it every node runs its steps one by one, with the same bits.
  bool fuse = true;
  // Height and width of the image, of a file of any size; 0: the file's own.
  Pair input_size{};
  // What a file may ask for; see docs/format.md, "Absurd files". Memory of one image on one thread:
  // constants as kernels read them, tensors, scratch.
  int64_t max_bytes = int64_t{1} << 32;
  int64_t max_operations = 1'000'000'000'000;
  // Asked some times a second by the thread of a long call: whether the call shall end, as
  // kInterrupted, with what it has written undefined. The engine remains as good as before.
  std::function<bool()> is_interrupted;
};

constexpr int64_t kMostLimit = int64_t{1} << 62;  // of max_bytes and max_operations

// `count` samples: an array for each of the graph's inputs, in its order, each of
// (height, width, channels) per sample.
struct Batch {
  int64_t count = 0;
  std::vector<InputArray> inputs;
};

// An array for a tensor, by sample: uint8 or float32 for an image, float32 for reals, uint8 with
// 1 = negative for bits.
struct Feed {
  int tensor = kNone;
  const void* data = nullptr;
  bool is_float = false;
};

// Where to put a tensor (float32, or uint8 for bits), or the int32 dots of a binary convolution
// before pooling. One of `tensor` and `dots_of` (a node) is given.
struct Fetch {
  int tensor = kNone;
  int dots_of = kNone;
  void* data = nullptr;
};

struct NodeInfo {
  std::string name;
  std::string op;
  std::string kernel;
  int64_t bytes = 0;  // of constants
  int64_t macs = 0;   // multiply-adds per sample, binary or real
  int64_t dots_height = 0, dots_width = 0, dots_channels = 0;  // of a binary convolution's dots
};

// Bytes that an image on one thread takes, and its operations: as estimated before anything was
// allocated, and the bytes as they are.
struct EngineSize {
  struct Bytes {
    double constants = 0, arena = 0, scratch = 0;
  };
  Bytes estimated, held;
  double operations = 0;
};

struct NodeTime {
  double milliseconds = 0;  // median, per sample
  int threads = 1;          // that it ran on
  // The most G multiply-adds per second of the node's kind that the cores it ran on can do,
  // measured once per process by loops over registers; 0 for other nodes than convolutions of signs
  // and of float32. For signs it is that of one xor, count and add per word, which a kernel that
  // counts several words at once may exceed.
  double limit_gmacs = 0;
};

// CPUs that the calling thread may use, but no more than the process's control groups (a
// container's quota) allow: the default number of threads.
int available_threads();

// Names of the instruction sets that can run here, best first.
std::vector<std::string> usable_isas();

class Engine {
 public:
  // Reads the model from a file or from memory, which may be freed afterwards.
  static Status open(const char* path, const EngineOptions& options,
                     std::unique_ptr<Engine>* engine) noexcept;
  static Status load(const uint8_t* data, size_t size, const EngineOptions& options,
                     std::unique_ptr<Engine>* engine) noexcept;
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const Graph& graph() const;  // without constants
  const char* isa() const;
  int threads() const;  // at most, of one call
  const std::vector<NodeInfo>& nodes() const;
  EngineSize size() const;

  // How many samples a call may have: whose results take no more than max_bytes.
  int64_t most_samples() const;
  // kInput where there are more.
  Status check_batch(int64_t count) const;

  // Writes (count, height, width, channels) of each of the graph's outputs, in its order: float32
  // of reals, int8 -1 or +1 of signs. Pixels must be finite. This and the calls below are
  // kInterrupted soon after `state`, which may be null, says that the call is stopped.
  Status run(const Batch& batch, const std::vector<void*>& outputs,
             const CallState* state = nullptr) noexcept;

  // Runs exactly the nodes that the fetches need, given the feeds, on `count` samples.
  Status run_nodes(int64_t count, const std::vector<Feed>& feeds, const std::vector<Fetch>& fetches,
                   const CallState* state = nullptr) noexcept;

  // The time of each node over `runs` passes; without samples, on one of zeros. A pool and the node
  // before it may run in turns, a band of rows at a time: their time is divided as it was in the
  // calling thread. While other calls of this process run, there may be fewer threads than when the
  // engine is alone.
  Status time_nodes(const Batch& batch, int runs, std::vector<NodeTime>* times,
                    const CallState* state = nullptr) noexcept;

 private:
  friend class Call;
  struct State;
  explicit Engine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sbnn
