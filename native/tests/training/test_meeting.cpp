// Processes that meet, here as threads: what they showed is there, early and late, alike or not.

#include <chrono>
#include <thread>
#include <vector>

#include "check.h"
#include "training/meeting.h"

using sbnn::Meeting;
using sbnn::MeetingPlace;

namespace {

// Each shows a number that depends on round and rank, in two places in turns, and checks all.
void test_rounds(int ranks, uint64_t rounds) {
  std::vector<MeetingPlace> places(static_cast<size_t>(ranks));
  std::vector<std::vector<uint64_t>> shown(2, std::vector<uint64_t>(places.size()));
  std::vector<int> wrong(places.size());
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      for (uint64_t round = 1; round <= rounds; ++round) {
        std::vector<uint64_t>& numbers = shown[round % 2];
        numbers[static_cast<size_t>(rank)] = 100 * round + static_cast<uint64_t>(rank);
        while (sbnn::meet(places.data(), ranks, rank, round, 8, 0.01) == Meeting::kWaiting) {
        }
        for (uint64_t other = 0; other < numbers.size(); ++other) {
          wrong[static_cast<size_t>(rank)] += numbers[other] != 100 * round + other;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : wrong) CHECK(count == 0);
}

void test_waiting() {
  std::vector<MeetingPlace> places(2);
  const auto began = std::chrono::steady_clock::now();
  CHECK(sbnn::meet(places.data(), 2, 0, 1, 8, 0.02) == Meeting::kWaiting);
  CHECK(std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(20));
  CHECK(sbnn::meet(places.data(), 2, 1, 1, 8, 0.0) == Meeting::kMet);
  CHECK(sbnn::meet(places.data(), 2, 0, 1, 8, 0.0) == Meeting::kMet);
}

void test_lengths() {
  std::vector<MeetingPlace> places(2);
  CHECK(sbnn::meet(places.data(), 2, 0, 1, 8, 0.0) == Meeting::kWaiting);
  CHECK(sbnn::meet(places.data(), 2, 1, 1, 16, 0.0) == Meeting::kDiffers);
  CHECK(sbnn::meet(places.data(), 2, 0, 1, 8, 0.0) == Meeting::kDiffers);
}

}  // namespace

int main() {
  test_rounds(1, 10);
  test_rounds(2, 2000);
  test_rounds(3, 500);
  test_waiting();
  test_lengths();
  return test::finish();
}
