// Files as the system has them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sbnn {

// The whole of a file, whose path is UTF-8; returns the system's reason why not, else "".
std::string read_file(const char* path, std::vector<uint8_t>* bytes);

}  // namespace sbnn
