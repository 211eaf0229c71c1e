// Says what is on each of many photos, on all cores: classify_many MODEL PHOTO.ppm ...
//
// One model serves all threads; each has a context of its own, which runs on one thread.
#include <signbit.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

void check(signbit_status status) {
  if (status != SIGNBIT_OK) throw std::runtime_error(signbit_error_text());
}

struct Free {
  void operator()(signbit_model* model) const { signbit_model_free(model); }
  void operator()(signbit_context* context) const { signbit_context_free(context); }
};
using Model = std::unique_ptr<signbit_model, Free>;
using Context = std::unique_ptr<signbit_context, Free>;

struct Picture {
  std::vector<uint8_t> pixels;
  int64_t height = 0, width = 0;
};

Picture read_ppm(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string magic;
  Picture picture;
  int64_t most = 0;
  file >> magic >> picture.width >> picture.height >> most;
  file.get();  // one space ends the head
  const bool fits = std::min(picture.width, picture.height) > 0 &&
                    std::max(picture.width, picture.height) < 65536;
  if (!file || magic != "P6" || most != 255 || !fits) {
    throw std::runtime_error("no binary PPM (P6) of 8 bits");
  }
  picture.pixels.resize(static_cast<size_t>(picture.width * picture.height * 3));
  file.read(reinterpret_cast<char*>(picture.pixels.data()),
            static_cast<std::streamsize>(picture.pixels.size()));
  if (!file) throw std::runtime_error("the file ends early");
  return picture;
}

Model load(const char* path) {
  signbit_options options{};
  options.size = sizeof options;
  options.threads = 1;  // of one call: the calls themselves are the program's threads
  signbit_model* model = nullptr;
  check(signbit_load_file(path, &options, &model));
  return Model(model);
}

// One thread's worker.
class Classifier {
 public:
  explicit Classifier(signbit_model* model) : model_(model) {
    signbit_context* context = nullptr;
    check(signbit_context_create(model, &context));
    context_.reset(context);
    check(signbit_input(model, 0, &image_));
    check(signbit_output(model, 0, &logits_));
    pixels_.resize(static_cast<size_t>(image_.height * image_.width * image_.channels));
    scores_.resize(static_cast<size_t>(logits_.height * logits_.width * logits_.channels));
  }

  // The class of a photo.
  std::string operator()(const std::string& path) {
    const Picture picture = read_ppm(path);
    const signbit_photo photo{
        sizeof photo, picture.pixels.data(), picture.height, picture.width, 3, 0};
    check(signbit_fit_photo(model_, 0, &photo, pixels_.data(), pixels_.size()));
    const signbit_array input{pixels_.data(), pixels_.size(), SIGNBIT_UINT8};
    const signbit_array output{scores_.data(), scores_.size() * sizeof(float), SIGNBIT_FLOAT32};
    check(signbit_run(context_.get(), 1, &input, 1, &output, 1));
    const auto best = std::max_element(scores_.begin(), scores_.end()) - scores_.begin();
    check(signbit_probabilities(model_, 0, 1, scores_.data(), scores_.data()));
    if (scores_[static_cast<size_t>(best)] < logits_.least_probability) return "none of these";
    const char* const name = signbit_class_name(model_, 0, static_cast<size_t>(best));
    return name == nullptr ? "class " + std::to_string(best) : name;
  }

 private:
  signbit_model* model_;
  Context context_;
  signbit_tensor image_{sizeof(signbit_tensor), nullptr, SIGNBIT_IMAGE, 0, 0, 0, 0, 1, 0};
  signbit_tensor logits_ = image_;
  std::vector<uint8_t> pixels_;
  std::vector<float> scores_;
};

}  // namespace

int main(int count, char** arguments) try {
  if (count < 3) {
    std::cerr << "usage: classify_many MODEL PHOTO.ppm ...\n";
    return 2;
  }
  const Model model = load(arguments[1]);
  const std::vector<std::string> paths(arguments + 2, arguments + count);
  std::vector<std::string> answers(paths.size());
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  const auto work = [&](Classifier& classify) {
    for (size_t i = next++; i < paths.size(); i = next++) {
      try {
        answers[i] = classify(paths[i]);
      } catch (const std::exception& error) {
        answers[i] = error.what();
        failed = true;
      }
    }
  };
  std::vector<Classifier> classifiers;
  while (classifiers.size() < std::max(1u, std::thread::hardware_concurrency())) {
    classifiers.emplace_back(model.get());
  }
  std::vector<std::thread> threads;
  for (Classifier& classify : classifiers) threads.emplace_back(work, std::ref(classify));
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < paths.size(); ++i) std::cout << paths[i] << ": " << answers[i] << "\n";
  return failed ? 1 : 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
