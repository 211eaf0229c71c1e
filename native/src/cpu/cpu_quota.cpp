#include "cpu/cpu_quota.h"

#include <algorithm>
#include <charconv>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string_view>
#include <vector>

namespace sbnn {
namespace {

constexpr size_t kMaxBytes = 1 << 20;  // of a file; the kernel's are far smaller

std::string read_text(const std::string& path) {
  std::string text;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "r"),
                                                             std::fclose);
  char part[4096];
  size_t count = 1;
  while (file != nullptr && count > 0 && text.size() < kMaxBytes) {
    count = std::fread(part, 1, sizeof part, file.get());
    text.append(part, count);
  }
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// A positive whole number and nothing else; 0 for any other text, "max" and "-1" among them.
int64_t positive(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  return read.ec == std::errc() && read.ptr == end && value > 0 ? value : 0;
}

int cores_of(int64_t quota, int64_t period) {
  if (quota == 0 || period == 0) return 0;
  return static_cast<int>(std::min<int64_t>((quota - 1) / period + 1, INT_MAX));
}

// The limit of one group alone.
int group_cores(const std::string& folder, bool version2) {
  if (!version2) {
    return cores_of(positive(read_text(folder + "/cpu.cfs_quota_us")),
                    positive(read_text(folder + "/cpu.cfs_period_us")));
  }
  const std::string text = read_text(folder + "/cpu.max");
  const std::vector<std::string_view> fields = split(text, ' ');
  return fields.size() == 2 ? cores_of(positive(fields[0]), positive(fields[1])) : 0;
}

// mountinfo writes blanks and backslashes as three octal digits.
std::string unescaped(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    int code = 0;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 4, code, 8).ptr ==
            text.data() + i + 4) {
      result += static_cast<char>(code);
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

bool lists(std::string_view names, std::string_view name) {
  const std::vector<std::string_view> all = split(names, ',');
  return std::find(all.begin(), all.end(), name) != all.end();
}

// The process's group of a version, as its path in the hierarchy; false where there is none.
bool own_group(const std::string& groups, bool version2, std::string* path) {
  for (const std::string_view line : split(groups, '\n')) {  // number:controllers:path
    const size_t first = line.find(':');
    const size_t second = first == line.npos ? first : line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    if (version2 ? !(line.substr(0, first) == "0" && controllers.empty())
                 : !lists(controllers, "cpu")) {
      continue;
    }
    *path = line.substr(second + 1);
    return true;
  }
  return false;
}

// The least limit from the process's group up to where its hierarchy is mounted.
int hierarchy_cores(const std::string& root, const std::string& groups, const std::string& mounts,
                    bool version2) {
  std::string path;
  if (!own_group(groups, version2, &path)) return 0;
  int least = 0;
  for (const std::string_view line : split(mounts, '\n')) {
    // id parent device root mount_point options … - type source super_options
    const size_t dash = line.find(" - ");
    if (dash == line.npos) continue;
    const std::vector<std::string_view> left = split(line.substr(0, dash), ' ');
    const std::vector<std::string_view> right = split(line.substr(dash + 3), ' ');
    if (left.size() < 5 || right.size() < 3) continue;
    if (version2 ? right[0] != "cgroup2" : !(right[0] == "cgroup" && lists(right[2], "cpu"))) {
      continue;
    }
    const std::string mounted = unescaped(left[3]);
    const std::string folder = root + unescaped(left[4]);
    // What is mounted may be a group itself. A path that leaves it ("/../…") shows that the process
    // sees no group of its own below.
    std::string below = mounted == "/" ? path : "";
    if (path.compare(0, mounted.size() + 1, mounted + "/") == 0)
      below = path.substr(mounted.size());
    if ((below + "/").find("/../") != below.npos) below.clear();
    while (true) {
      const int cores = group_cores(folder + below, version2);
      if (cores > 0) least = least == 0 ? cores : std::min(least, cores);
      const size_t slash = below.rfind('/');
      if (below.empty() || slash == below.npos) break;
      below.resize(slash);
    }
  }
  return least;
}

}  // namespace

int quota_cores(const std::string& root) {
  const std::string groups = read_text(root + "/proc/self/cgroup");
  const std::string mounts = read_text(root + "/proc/self/mountinfo");
  const int version2 = hierarchy_cores(root, groups, mounts, true);
  const int version1 = hierarchy_cores(root, groups, mounts, false);
  if (version1 == 0 || version2 == 0) return std::max(version1, version2);
  return std::min(version1, version2);
}

}  // namespace sbnn
