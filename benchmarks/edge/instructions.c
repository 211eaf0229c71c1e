// A QEMU plugin that prints how many instructions a program executed: with the argument `symbols`
// a line for each symbol that was reached, then a line for all.
//
// Debian has QEMU's plugin interface, but no header for it: what is used of it is declared here. A
// block of translated code adds its length whenever it is entered.
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

typedef uint64_t PluginId;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*OnTranslation)(PluginId, struct qemu_plugin_tb*);
typedef void (*OnExit)(PluginId, void*);
enum { kAddU64 = 0 };  // QEMU_PLUGIN_INLINE_ADD_U64

extern void qemu_plugin_register_vcpu_tb_trans_cb(PluginId, OnTranslation);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb*, int, void*, uint64_t);
extern void qemu_plugin_register_atexit_cb(PluginId, OnExit, void*);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);
extern struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb*, size_t);
extern const char* qemu_plugin_insn_symbol(const struct qemu_plugin_insn*);
extern void qemu_plugin_outs(const char*);

EXPORTED int qemu_plugin_version = 1;

static uint64_t executed;

enum { kSymbols = 4096, kNameBytes = 128 };
static struct {
  char name[kNameBytes];
  uint64_t executed;
} by_symbol[kSymbols];
static int by_symbols;

// The counter of a symbol; the last one is shared by all that find no room.
static uint64_t* counter_of(const char* symbol) {
  int i = 0;
  while (i < kSymbols - 1 && by_symbol[i].name[0] &&
         strncmp(by_symbol[i].name, symbol, kNameBytes - 1) != 0) {
    ++i;
  }
  if (!by_symbol[i].name[0]) strncpy(by_symbol[i].name, symbol, kNameBytes - 1);
  return &by_symbol[i].executed;
}

static void translated(PluginId id, struct qemu_plugin_tb* block) {
  (void)id;
  const size_t count = qemu_plugin_tb_n_insns(block);
  qemu_plugin_register_vcpu_tb_exec_inline(block, kAddU64, &executed, count);
  if (!by_symbols) return;
  const char* symbol = qemu_plugin_insn_symbol(qemu_plugin_tb_get_insn(block, 0));
  uint64_t* counter = counter_of(symbol && *symbol ? symbol : "?");
  qemu_plugin_register_vcpu_tb_exec_inline(block, kAddU64, counter, count);
}

static void report(PluginId id, void* data) {
  (void)id;
  (void)data;
  char line[kNameBytes + 32];
  for (int i = 0; i < kSymbols && by_symbol[i].name[0]; ++i) {
    snprintf(line, sizeof line, "%.*s %" PRIu64 "\n", kNameBytes, by_symbol[i].name,
             by_symbol[i].executed);
    qemu_plugin_outs(line);
  }
  snprintf(line, sizeof line, "instructions %" PRIu64 "\n", executed);
  qemu_plugin_outs(line);
}

EXPORTED int qemu_plugin_install(PluginId id, const void* info, int argc, char** argv) {
  (void)info;
  for (int i = 0; i < argc; ++i) by_symbols |= strcmp(argv[i], "symbols=on") == 0;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, report, NULL);
  return 0;
}
