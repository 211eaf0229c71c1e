/* signbit: runs a compiled binary network (an .sbnn file) in a C or C++ program.
 *
 * One model may be called from any number of threads at once, each with a context of its own. The
 * same file gives the same bits on every processor, instruction set and number of threads.
 *
 *     signbit_model* model = NULL;
 *     signbit_context* context = NULL;
 *     if (signbit_load_file("model.sbnn", NULL, &model) != SIGNBIT_OK ||
 *         signbit_context_create(model, &context) != SIGNBIT_OK) {
 *       fprintf(stderr, "%s\n", signbit_error_text());
 *     }
 *
 * Every function that can fail returns a signbit_status. It then has changed nothing that its
 * arguments point to, and signbit_error_text() says what was wrong, where, and what would be right.
 * Nothing prints, exits or throws. A null pointer where one is not said to be allowed is
 * SIGNBIT_INPUT. Text is UTF-8; it belongs to the model and lives as long as it.
 *
 * Compatibility: SIGNBIT_API_VERSION counts additions. A program that was compiled with one version
 * runs with any library of a later version and the same SIGNBIT_ABI_VERSION. Structs that begin
 * with their size can grow at their end.
 */
#ifndef SIGNBIT_H
#define SIGNBIT_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && defined(SIGNBIT_SHARED)
#ifdef SIGNBIT_BUILDING
#define SIGNBIT_API __declspec(dllexport)
#else
#define SIGNBIT_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define SIGNBIT_API __attribute__((visibility("default")))
#else
#define SIGNBIT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define SIGNBIT_ABI_VERSION 1
#define SIGNBIT_API_VERSION 3

/* What a function returns. */
typedef enum signbit_status {
  SIGNBIT_OK = 0,
  SIGNBIT_MODEL_FILE = 1,    /* the file is missing, truncated, malformed or contradicts itself */
  SIGNBIT_MODEL_VERSION = 2, /* the file has a newer format than this library reads */
  SIGNBIT_INPUT = 3,         /* an argument is wrong: its message names it */
  SIGNBIT_ISA = 4,           /* the instruction set is unknown, or this machine lacks it */
  SIGNBIT_MEMORY = 5,        /* not enough memory */
  SIGNBIT_CANCELLED = 6      /* signbit_cancel() or options.is_cancelled ended the call */
} signbit_status;

/* What an input takes and an output gives. All values of one sample lie in the order height, width,
 * channel; samples follow each other. */
typedef enum signbit_kind {
  SIGNBIT_IMAGE = 0, /* an input: uint8 pixels of 0 to 255, or float32 in the same units */
  SIGNBIT_REALS = 1, /* an input or output: float32 */
  SIGNBIT_SIGNS = 2  /* an output: int8, each -1 or +1 */
} signbit_kind;

typedef enum signbit_type {
  SIGNBIT_UINT8 = 0,
  SIGNBIT_INT8 = 1,
  SIGNBIT_FLOAT32 = 2,
  SIGNBIT_INT32 = 3
} signbit_type;

/* A loaded model. It does not change. */
typedef struct signbit_model signbit_model;

/* What one call at a time works in. */
typedef struct signbit_context signbit_context;

/* --- versions and errors ---------------------------------------------------------------------- */
/* The library's release, such as "0.1.0". */
SIGNBIT_API const char* signbit_version(void);

/* SIGNBIT_ABI_VERSION and SIGNBIT_API_VERSION of the library, which may be newer than the header's.
 * A program cannot use it where the first differs or the second is smaller. */
SIGNBIT_API int32_t signbit_abi_version(void);
SIGNBIT_API int32_t signbit_api_version(void);

/* What the last failed call of this thread had to say: one line without a newline, "" where none
 * has failed. It stays until the next failed call of the thread. */
SIGNBIT_API const char* signbit_error_text(void);

/* The instruction sets that can run here: signbit_isa(0) is the best, the last one is "scalar"; in
 * WebAssembly there is one, "wasm" or "scalar". NULL from signbit_isa_count() on. */
SIGNBIT_API size_t signbit_isa_count(void);
SIGNBIT_API const char* signbit_isa(size_t index);

/* The cores that this thread may use, but no more than the process's control groups (a container's
 * quota) allow: what options.threads is where it is 0. */
SIGNBIT_API int32_t signbit_available_threads(void);

/* --- memory ----------------------------------------------------------------------------------- */
/* Where the large buffers come from: constants as the kernels read them, tensors, scratch. Small
 * bookkeeping comes from operator new. Both functions may be called by several threads at once. */
typedef struct signbit_allocator {
  size_t size; /* sizeof(signbit_allocator) */
  void* user;  /* handed to both functions */
  /* `bytes` bytes at a multiple of `alignment`, a power of two; NULL where there are none. */
  void* (*allocate)(void* user, size_t bytes, size_t alignment);
  void (*release)(void* user, void* memory, size_t bytes);
} signbit_allocator;

/* Sets the process's allocator; NULL is the library's own. SIGNBIT_INPUT once a model has been
 * loaded: memory goes back to where it came from. */
SIGNBIT_API signbit_status signbit_set_allocator(const signbit_allocator* allocator);

/* --- models ----------------------------------------------------------------------------------- */
typedef struct signbit_options {
  size_t size; /* sizeof(signbit_options) */
  /* Threads of one call, at most; a call uses no more than pay. 0: as many cores as the process may
   * use. 1 starts none. */
  int32_t threads;
  /* One of signbit_isa(). NULL: the environment's SIGNBIT_ISA, else the best. */
  const char* isa;
  /* Height and width of the image, for a file that was compiled with --any-size. 0: the file's. */
  int64_t height, width;
  /* What a file may ask for before anything is allocated: bytes of one call on one thread, and
   * multiply-adds of a sample. 0: 4 GiB and 10^12. */
  int64_t max_bytes, max_operations;
  /* Asked with `user` some times a second by the thread of a long call: other than 0 ends the call
   * as SIGNBIT_CANCELLED. NULL: only signbit_cancel() does. */
  int32_t (*is_cancelled)(void* user);
  void* user;
} signbit_options;

/* Loads a model from a file, or from memory that may be freed afterwards. options: NULL for the
 * defaults. A file from a stranger is safe to load: it is data, checked before it is used. */
SIGNBIT_API signbit_status signbit_load_file(const char* path, const signbit_options* options,
                                             signbit_model** model);
SIGNBIT_API signbit_status signbit_load_memory(const void* data, size_t bytes,
                                               const signbit_options* options,
                                               signbit_model** model);

/* Frees a model, once no context of it is left. NULL is allowed. */
SIGNBIT_API void signbit_model_free(signbit_model* model);

/* The instruction set in use, and the most threads of a call. */
SIGNBIT_API const char* signbit_model_isa(const signbit_model* model);
SIGNBIT_API int32_t signbit_model_threads(const signbit_model* model);

/* The graph as JSON text (docs/format.md). */
SIGNBIT_API const char* signbit_model_json(const signbit_model* model);

/* An input or an output. */
typedef struct signbit_tensor {
  size_t size; /* sizeof(signbit_tensor), filled in by the caller */
  const char* name;
  signbit_kind kind;
  int64_t height, width, channels; /* of one sample */
  size_t classes;                  /* names that an output has for its channels: channels, or 0 */
  /* Of an output: what its scores are divided by before their softmax, and the least probability at
   * which a class is named; 1 and 0 where the file does not say. See signbit_probabilities(). */
  float temperature, least_probability;
} signbit_tensor;

SIGNBIT_API size_t signbit_input_count(const signbit_model* model);
SIGNBIT_API size_t signbit_output_count(const signbit_model* model);
SIGNBIT_API signbit_status signbit_input(const signbit_model* model, size_t index,
                                         signbit_tensor* tensor);
SIGNBIT_API signbit_status signbit_output(const signbit_model* model, size_t index,
                                          signbit_tensor* tensor);

/* The name of one class of an output; NULL where there is none. It comes from the file: escape it
 * where you show it. */
SIGNBIT_API const char* signbit_class_name(const signbit_model* model, size_t output, size_t index);

/* Makes probabilities of an output's scores, the softmax of score / temperature. Both arrays have
 * `samples` x channels values, and may be one; SIGNBIT_INPUT for an output that is no vector of
 * reals. Where a sample's largest is below least_probability, its answer is "none of these". */
SIGNBIT_API signbit_status signbit_probabilities(const signbit_model* model, size_t output,
                                                 int64_t samples, const float* scores,
                                                 float* probabilities);

/* What a model takes. */
typedef struct signbit_sizes {
  size_t size;            /* sizeof(signbit_sizes), filled in by the caller */
  int64_t constant_bytes; /* the weights and all else that is constant, as the kernels read it */
  int64_t tensor_bytes;   /* the tensors of one sample */
  int64_t scratch_bytes;  /* what one thread works in */
  int64_t operations;     /* multiply-adds, and values read or changed otherwise, of one sample */
  int64_t most_samples;   /* of a call: its results take options.max_bytes at most */
} signbit_sizes;

SIGNBIT_API signbit_status signbit_model_sizes(const signbit_model* model, signbit_sizes* sizes);

/* SIGNBIT_INPUT where a call cannot have so many samples; asked before results have memory. */
SIGNBIT_API signbit_status signbit_check_samples(const signbit_model* model, int64_t samples);

/* --- photographs ------------------------------------------------------------------------------ */
/* Decoded pixels of any size. */
typedef struct signbit_photo {
  size_t size; /* sizeof(signbit_photo) */
  const uint8_t* pixels;
  int64_t height, width;
  int64_t channels;  /* 1 gray, 3 RGB, 4 RGB and a value that is left out */
  int64_t row_bytes; /* from a row to the next; 0: rows follow each other */
} signbit_photo;

/* Makes a photo an input, as the file says: it is scaled, its centre cut out or bars put beside it,
 * gray and colour become what the network reads. The pixels are those that training saw. `bytes` is
 * the size of `pixels`: height × width × channels of the input. SIGNBIT_INPUT where the file does
 * not say how and the photo has another size than the input. */
SIGNBIT_API signbit_status signbit_fit_photo(const signbit_model* model, size_t input,
                                             const signbit_photo* photo, uint8_t* pixels,
                                             size_t bytes);

/* --- running ---------------------------------------------------------------------------------- */
SIGNBIT_API signbit_status signbit_context_create(signbit_model* model, signbit_context** context);

/* Frees a context that no call uses. NULL is allowed. */
SIGNBIT_API void signbit_context_free(signbit_context* context);

/* A batch of one input or output. */
typedef struct signbit_array {
  void* data; /* an input's is only read */
  size_t bytes;
  signbit_type type;
} signbit_array;

/* Runs `samples` samples: an array for each input and each output of the model, in its order, of
 * samples × height × width × channels values. Sizes and types are checked. A context runs one call
 * at a time: SIGNBIT_INPUT where another is under way. After a failure what is in the outputs is
 * not said. */
SIGNBIT_API signbit_status signbit_run(signbit_context* context, int64_t samples,
                                       const signbit_array* inputs, size_t input_count,
                                       const signbit_array* outputs, size_t output_count);

/* Ends the call that the context is in, of any kind, from another thread or a signal handler; it
 * returns SIGNBIT_CANCELLED within milliseconds. Does nothing where none is under way. */
SIGNBIT_API void signbit_cancel(signbit_context* context);

/* --- inside a model --------------------------------------------------------------------------- */
/* The tensors of the graph by number: the inputs, then what each node writes. SIGNBIT_SIGNS are
 * those between nodes, too. `name` is an input's, else ""; `classes` is 0. */
SIGNBIT_API size_t signbit_tensor_count(const signbit_model* model);
SIGNBIT_API signbit_status signbit_graph_tensor(const signbit_model* model, size_t number,
                                                signbit_tensor* tensor);

/* A node of the graph, in the order in which they run. */
typedef struct signbit_node {
  size_t size; /* sizeof(signbit_node), filled in by the caller */
  const char* name;
  const char* op;
  const char* kernel; /* what computes it, for people to read */
  int64_t bytes;      /* of constants, as the kernel reads them */
  int64_t macs;       /* multiply-adds of one sample, binary or real */
  /* Of the integer sums that a convolution of signs, or of pixels with int16 weights, has before it
   * pools; else 0. */
  int64_t sums_height, sums_width, sums_channels;
} signbit_node;

SIGNBIT_API size_t signbit_node_count(const signbit_model* model);
SIGNBIT_API signbit_status signbit_graph_node(const signbit_model* model, size_t number,
                                              signbit_node* node);

/* The time of a node. */
typedef struct signbit_time {
  double milliseconds; /* of one sample, the median */
  int32_t threads;     /* that it ran on */
  /* The most multiply-adds of the node's kind, in 10^9 a second, that the cores it ran on can do,
   * measured in registers; 0 but of convolutions of signs and of float32. For signs it is that of
   * one xor, count and add per word, and a kernel that counts several words at once may exceed it.
   */
  double limit;
} signbit_time;

/* Times each node over `runs` passes: over samples as signbit_run() takes them, or over one of
 * zeros where `samples` is 0; `inputs` may be NULL then. A pool and the node before it may run in
 * turns; each has the time of its own. `time_count` is signbit_node_count(). */
SIGNBIT_API signbit_status signbit_time_nodes(signbit_context* context, int64_t samples,
                                              const signbit_array* inputs, size_t input_count,
                                              int32_t runs, signbit_time* times, size_t time_count);

/* Samples of a tensor of the graph. Here signs are uint8: 1 is -1, and 0 is +1. */
typedef struct signbit_value {
  size_t number;   /* the tensor's; or with is_sums a node's */
  int32_t is_sums; /* other than 0, in a fetch: int32, a node's sums; see signbit_node */
  signbit_array array;
} signbit_value;

/* Runs the nodes that the fetches need, and no other, given the feeds. A tensor that is fed is not
 * computed. An input cannot be fetched. */
SIGNBIT_API signbit_status signbit_run_nodes(signbit_context* context, int64_t samples,
                                             const signbit_value* feeds, size_t feed_count,
                                             const signbit_value* fetches, size_t fetch_count);

#ifdef __cplusplus
}
#endif

#endif /* SIGNBIT_H */
