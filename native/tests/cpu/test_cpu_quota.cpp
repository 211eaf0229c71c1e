// Limits of control groups, read from files as the kernel writes them, and from damaged ones.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "check.h"
#include "cpu/cpu_quota.h"

namespace {

namespace fs = std::filesystem;

// A file tree of its own, with a version 2 hierarchy mounted at /groups and a version 1 at /old.
class Machine {
 public:
  Machine() {
    std::string name = (fs::temp_directory_path() / "signbit-XXXXXX").string();
    CHECK(mkdtemp(name.data()) != nullptr);
    root_ = name;
  }
  ~Machine() { fs::remove_all(root_); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ + path).substr(0, (root_ + path).rfind('/')));
    std::ofstream(root_ + path) << text;
  }
  void groups(const std::string& text) const { write("/proc/self/cgroup", text); }
  void mounts(const std::string& mounted2, const std::string& mounted1 = "/") const {
    write("/proc/self/mountinfo",
          "22 1 0:20 / /proc rw - proc proc rw\n31 23 0:28 " + mounted2 +
              " /groups rw,relatime shared:9 - cgroup2 cgroup2 rw\n32 23 0:29 " + mounted1 +
              " /old rw,relatime - cgroup cgroup rw,cpu,cpuacct\n");
  }
  int cores() const { return sbnn::quota_cores(root_); }

 private:
  std::string root_;
};

void test_version_2() {
  const Machine machine;
  machine.groups("0::/a/b\n");
  machine.mounts("/");
  CHECK(machine.cores() == 0);  // the controller is off
  machine.write("/groups/a/b/cpu.max", "max 100000\n");
  CHECK(machine.cores() == 0);
  machine.write("/groups/a/b/cpu.max", "400000 100000\n");
  CHECK(machine.cores() == 4);
  machine.write("/groups/a/cpu.max", "150000 100000\n");  // rounded up
  CHECK(machine.cores() == 2);
  machine.write("/groups/cpu.max", "1000 100000\n");
  CHECK(machine.cores() == 1);
  machine.write("/groups/a/b/c/cpu.max", "100 100000\n");  // below: not ours
  machine.write("/groups/cpu.max", "max 100000\n");
  CHECK(machine.cores() == 2);
}

void test_version_1() {
  const Machine machine;
  machine.groups("9:name=systemd:/x\n2:cpuset:/y\n1:cpu,cpuacct:/a/b\n0::/\n");
  machine.mounts("/");
  machine.write("/old/a/b/cpu.cfs_period_us", "50000\n");
  CHECK(machine.cores() == 0);
  machine.write("/old/a/b/cpu.cfs_quota_us", "-1\n");
  CHECK(machine.cores() == 0);
  machine.write("/old/a/b/cpu.cfs_quota_us", "125000\n");
  CHECK(machine.cores() == 3);
  machine.write("/groups/cpu.max", "200000 100000\n");  // both versions: the least
  CHECK(machine.cores() == 2);
}

// In a container the group itself may be what is mounted, or the path may lead out of the mount.
void test_containers() {
  const Machine machine;
  machine.groups("0::/docker/1/job\n");
  machine.mounts("/docker/1");
  machine.write("/groups/job/cpu.max", "300000 100000\n");
  CHECK(machine.cores() == 3);
  machine.write("/groups/cpu.max", "200000 100000\n");
  CHECK(machine.cores() == 2);
  machine.groups("0::/docker/1\n");
  machine.write("/groups/job/cpu.max", "100000 100000\n");
  CHECK(machine.cores() == 2);
  machine.groups("0::/docker/12\n");  // another group whose name begins alike
  CHECK(machine.cores() == 2);
  machine.groups("0::/../../elsewhere\n");
  CHECK(machine.cores() == 2);
  machine.groups("0::/docker/1\n");
  machine.write("/proc/self/mountinfo", "31 23 0:28 / /with\\040blank rw - cgroup2 cgroup2 rw\n");
  machine.write("/with blank/docker/1/cpu.max", "500000 100000\n");
  CHECK(machine.cores() == 5);
}

void test_damaged_text() {
  CHECK(sbnn::quota_cores("/does/not/exist") == 0);
  const Machine machine;
  machine.mounts("/");
  for (const char* groups : {"", "\n\n", "0", "0:", "0::", ":::::", "0::a", "x:cpu:/", "1:cpu"}) {
    machine.groups(groups);
    CHECK(machine.cores() == 0);
  }
  machine.groups("0::/\n");
  for (const char* limit : {"", " ", "100000", "100000 ", " 100000", "-5 100000", "100000 -5",
                            "0 100000", "100000 0", "1e5 100000", "max max", "100000 100000 1",
                            "99999999999999999999999 100000", "100000\n100000", "\n"}) {
    machine.write("/groups/cpu.max", limit);
    CHECK(machine.cores() == 0);
  }
  machine.write("/groups/cpu.max", "9223372036854775807 1\n");
  CHECK(machine.cores() > 1 << 20);
  for (const char* mounts :
       {"", " - ", "- cgroup2 x y", "1 2 3 / - cgroup2 a b", "1 2 3 / /groups rw - cgroup2",
        "1 2 3 / /groups rw cgroup2 cgroup2 rw", "1 2 3 / \\7\\ rw - cgroup2 c rw"}) {
    machine.write("/proc/self/mountinfo", mounts);
    CHECK(machine.cores() == 0);
  }
}

}  // namespace

int main() {
  test_version_2();
  test_version_1();
  test_containers();
  test_damaged_text();
  CHECK(sbnn::quota_cores() >= 0);  // whatever this machine says
  return test::finish();
}
