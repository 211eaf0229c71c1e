#include "cpu/system/files.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#if defined(_WIN32)
#include <windows.h>
#endif

namespace sbnn {
namespace {

#if defined(_WIN32)

// The C library's own functions take paths in the code page of the machine.
std::FILE* open_file(const char* path) {
  const int count = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, nullptr, 0);
  std::wstring wide(static_cast<size_t>(count), L'\0');
  if (count == 0) {
    errno = EILSEQ;
    return nullptr;
  }
  MultiByteToWideChar(CP_UTF8, 0, path, -1, wide.data(), count);
  return _wfopen(wide.c_str(), L"rb");
}

int64_t position(std::FILE* file) { return _ftelli64(file); }

#else

std::FILE* open_file(const char* path) { return std::fopen(path, "rb"); }

int64_t position(std::FILE* file) { return std::ftell(file); }

#endif

}  // namespace

std::string read_file(const char* path, std::vector<uint8_t>* bytes) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(open_file(path), std::fclose);
  if (file == nullptr || std::fseek(file.get(), 0, SEEK_END) != 0) return std::strerror(errno);
  const int64_t size = position(file.get());
  if (size < 0 || std::fseek(file.get(), 0, SEEK_SET) != 0) return std::strerror(errno);
  if (size == INT64_MAX) return std::strerror(EISDIR);  // what seeking in a folder yields
  bytes->resize(static_cast<size_t>(size));
  bytes->resize(std::fread(bytes->data(), 1, bytes->size(), file.get()));
  return std::ferror(file.get()) != 0 ? std::strerror(errno) : "";
}

}  // namespace sbnn
