// What runs a target where there is no libFuzzer: inputs drawn from a seed, and changed copies of
// the files of a corpus. It learns nothing from coverage.
//
// usage: TARGET [-runs=N] [-max_total_time=SECONDS] [-seed=N] [-max_len=BYTES] [FOLDER OR FILE]...

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Bytes = std::vector<uint8_t>;

struct Options {
  uint64_t runs = UINT64_MAX, seconds = 0, seed = 1, max_len = 4096;
  std::vector<Bytes> corpus;
};

void read_file(const std::filesystem::path& path, std::vector<Bytes>* corpus) {
  std::ifstream file(path, std::ios::binary);
  corpus->emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

Options read_options(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const size_t equals = word.find('=');
    if (word[0] == '-' && equals != std::string::npos) {
      const std::string name = word.substr(1, equals - 1);
      const uint64_t value = std::strtoull(word.c_str() + equals + 1, nullptr, 10);
      if (name == "runs") options.runs = value;
      if (name == "max_total_time") options.seconds = value;
      if (name == "seed") options.seed = value;
      if (name == "max_len") options.max_len = value;
    } else if (std::filesystem::is_directory(word)) {
      for (const auto& entry : std::filesystem::directory_iterator(word)) {
        if (entry.is_regular_file()) read_file(entry.path(), &options.corpus);
      }
    } else if (word[0] != '-') {
      read_file(word, &options.corpus);
    }
  }
  return options;
}

class Mutator {
 public:
  explicit Mutator(const Options& options) : options_(options), random_(options.seed) {}

  Bytes next() {
    Bytes bytes;
    if (!options_.corpus.empty() && below(8) > 0) {
      bytes = options_.corpus[below(options_.corpus.size())];
      for (uint64_t changes = below(8); changes > 0; --changes) change(&bytes);
    } else {
      bytes.resize(below(64));
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(below(256));
    }
    return bytes;
  }

 private:
  uint64_t below(uint64_t limit) { return random_() % limit; }

  void change(Bytes* bytes) {
    if (bytes->empty()) return;
    const auto at = static_cast<std::ptrdiff_t>(below(bytes->size()));
    const auto rest = static_cast<uint64_t>(static_cast<std::ptrdiff_t>(bytes->size()) - at);
    switch (below(4)) {
      case 0:
        (*bytes)[static_cast<size_t>(at)] = static_cast<uint8_t>(below(256));
        break;
      case 1:
        (*bytes)[static_cast<size_t>(at)] ^= static_cast<uint8_t>(1u << below(8));
        break;
      case 2:
        bytes->erase(bytes->begin() + at,
                     bytes->begin() + at + static_cast<std::ptrdiff_t>(1 + below(rest)));
        break;
      default:
        bytes->insert(bytes->begin() + at, static_cast<uint8_t>(below(256)));
    }
  }

  const Options& options_;
  std::mt19937_64 random_;
};

// The input that runs is kept, so that a crash leaves it behind.
Bytes current;

void keep_input() {
  std::ofstream file("crash-input", std::ios::binary);
  file.write(reinterpret_cast<const char*>(current.data()),
             static_cast<std::streamsize>(current.size()));
}

void keep_input_and_abort(int) {
  keep_input();
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

}  // namespace

// Sanitizers call this before they end the process.
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

int main(int count, char** words) {
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(keep_input);
  std::signal(SIGABRT, keep_input_and_abort);
  const Options options = read_options(count, words);
  for (const Bytes& bytes : options.corpus) {
    current = bytes;
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  Mutator mutator(options);
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  uint64_t runs = 0;
  for (; runs < options.runs; ++runs) {
    const bool over =
        options.seconds > 0 && runs % 64 == 0 && elapsed() >= static_cast<double>(options.seconds);
    if (over) break;
    current = mutator.next();
    LLVMFuzzerTestOneInput(current.data(), current.size());
  }
  std::fprintf(stderr, "%llu inputs in %.1f s\n", static_cast<unsigned long long>(runs), elapsed());
  return 0;
}
