// A QEMU plugin that prints how many instructions a program executed, in all.
//
// Debian has QEMU's plugin interface, but no header for it: what is used of it is declared here. A
// block of translated code adds its length whenever it is entered.
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define EXPORTED __attribute__((visibility("default")))

typedef uint64_t PluginId;
struct qemu_plugin_tb;
typedef void (*OnTranslation)(PluginId, struct qemu_plugin_tb*);
typedef void (*OnExit)(PluginId, void*);
enum { kAddU64 = 0 };  // QEMU_PLUGIN_INLINE_ADD_U64

extern void qemu_plugin_register_vcpu_tb_trans_cb(PluginId, OnTranslation);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb*, int, void*, uint64_t);
extern void qemu_plugin_register_atexit_cb(PluginId, OnExit, void*);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);
extern void qemu_plugin_outs(const char*);

EXPORTED int qemu_plugin_version = 1;

static uint64_t executed;

static void translated(PluginId id, struct qemu_plugin_tb* block) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_inline(block, kAddU64, &executed,
                                           qemu_plugin_tb_n_insns(block));
}

static void report(PluginId id, void* data) {
  (void)id;
  (void)data;
  char line[64];
  snprintf(line, sizeof line, "instructions %" PRIu64 "\n", executed);
  qemu_plugin_outs(line);
}

EXPORTED int qemu_plugin_install(PluginId id, const void* info, int argc, char** argv) {
  (void)info;
  (void)argc;
  (void)argv;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, report, NULL);
  return 0;
}
