// Files are found by paths in UTF-8, are read whole, and a reason is given where they cannot be.

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "check.h"
#include "cpu/system/files.h"

namespace {

namespace fs = std::filesystem;

std::string unlike_any_code_page() { return "files \u00e9\u03a9\u4e2d \U0001f600.sbnn"; }

void test_names_and_bytes() {
  const std::string name = unlike_any_code_page();
  constexpr char kText[] = "line\nline\r\n\x1a\0 end";  // what text files would change
  const std::string text(kText, sizeof kText - 1);
  std::ofstream(fs::u8path(name), std::ios::binary) << text;
  std::vector<uint8_t> bytes;
  CHECK(sbnn::read_file(name.c_str(), &bytes).empty());
  CHECK(std::string(bytes.begin(), bytes.end()) == text);
  std::ofstream(fs::u8path(name), std::ios::binary).flush();
  CHECK(sbnn::read_file(name.c_str(), &bytes).empty());
  CHECK(bytes.empty());
  fs::remove(fs::u8path(name));
  CHECK(sbnn::read_file(name.c_str(), &bytes) == "No such file or directory");
}

void test_reasons() {
  std::vector<uint8_t> bytes;
  CHECK(!sbnn::read_file(".", &bytes).empty());
  CHECK(!sbnn::read_file("", &bytes).empty());
  CHECK(!sbnn::read_file("\xff\xfe is no UTF-8", &bytes).empty());
}

}  // namespace

int main() {
  test_names_and_bytes();
  test_reasons();
  return test::finish();
}
