/* Says what is on a photo: classify MODEL PHOTO.ppm
 *
 * The photo is a binary PPM (P6) of any size; most programs that show pictures can write one. */
#include <signbit.h>
#include <stdio.h>
#include <stdlib.h>

#define SHOWN 3

/* The pixels of a binary PPM with values of 0 to 255; NULL where it cannot be read. */
static uint8_t* read_ppm(const char* path, long* height, long* width) {
  FILE* file = fopen(path, "rb");
  uint8_t* pixels = NULL;
  int most = 0;
  if (file == NULL) return NULL;
  if (fscanf(file, "P6 %ld %ld %d", width, height, &most) == 3 && most == 255 && *width > 0 &&
      *height > 0 && *width < 65536 && *height < 65536) {
    const size_t bytes = (size_t)*width * (size_t)*height * 3;
    fgetc(file); /* one space ends the head */
    pixels = malloc(bytes);
    if (pixels != NULL && fread(pixels, 1, bytes, file) != bytes) {
      free(pixels);
      pixels = NULL;
    }
  }
  fclose(file);
  return pixels;
}

/* The class with the largest score behind class `last` in order of scores; -1 where none is left.
 * Of equal scores the first comes first. */
static int64_t next_best(const float* scores, int64_t count, int64_t last) {
  int64_t best = -1, i;
  for (i = 0; i < count; ++i) {
    const int is_behind =
        last < 0 || scores[i] < scores[last] || (scores[i] == scores[last] && i > last);
    if (is_behind && (best < 0 || scores[i] > scores[best])) best = i;
  }
  return best;
}

/* The likeliest classes, and whether even the first is too unlikely to be named. */
static void print_classes(const signbit_model* model, const float* scores,
                          const float* probabilities, int64_t count, float least) {
  int64_t best = -1;
  int shown;
  for (shown = 0; shown < SHOWN && shown < count; ++shown) {
    const char* name;
    best = next_best(scores, count, best);
    if (shown == 0 && probabilities[best] < least) printf("none of these\n");
    name = signbit_class_name(model, 0, (size_t)best);
    printf("%5.1f %%  ", 100 * probabilities[best]);
    if (name == NULL) {
      printf("class %ld\n", (long)best);
    } else {
      printf("%s\n", name);
    }
  }
}

/* What went wrong in signbit. */
static int failed(const char* path) {
  fprintf(stderr, "%s: %s\n", path, signbit_error_text());
  return 1;
}

/* Runs a model on pixels of any size. */
static int classify(signbit_model* model, const char* path, const signbit_photo* photo) {
  signbit_tensor image = {.size = sizeof image}, logits = {.size = sizeof logits};
  signbit_context* context = NULL;
  uint8_t* pixels = NULL;
  float *scores = NULL, *probabilities = NULL;
  int status = 1;
  if (signbit_input(model, 0, &image) || signbit_output(model, 0, &logits)) return failed(path);
  {
    const size_t inputs = (size_t)(image.height * image.width * image.channels);
    const size_t outputs = (size_t)(logits.height * logits.width * logits.channels);
    signbit_array input = {NULL, inputs, SIGNBIT_UINT8};
    signbit_array output = {NULL, outputs * sizeof(float), SIGNBIT_FLOAT32};
    input.data = pixels = malloc(inputs);
    output.data = scores = malloc(outputs * sizeof(float));
    probabilities = malloc(outputs * sizeof(float));
    if (pixels == NULL || scores == NULL || probabilities == NULL) {
      fprintf(stderr, "not enough memory\n");
    } else if (signbit_fit_photo(model, 0, photo, pixels, inputs) ||
               signbit_context_create(model, &context) ||
               signbit_run(context, 1, &input, 1, &output, 1) ||
               signbit_probabilities(model, 0, 1, scores, probabilities)) {
      failed(path);
    } else {
      print_classes(model, scores, probabilities, (int64_t)outputs, logits.least_probability);
      status = 0;
    }
  }
  signbit_context_free(context);
  free(probabilities);
  free(scores);
  free(pixels);
  return status;
}

int main(int count, char** arguments) {
  signbit_model* model = NULL;
  signbit_photo photo = {.size = sizeof photo};
  long height = 0, width = 0;
  int status = 1;
  if (count != 3) {
    fprintf(stderr, "usage: classify MODEL PHOTO.ppm\n");
    return 2;
  }
  photo.pixels = read_ppm(arguments[2], &height, &width);
  photo.height = height;
  photo.width = width;
  photo.channels = 3;
  if (photo.pixels == NULL) {
    fprintf(stderr, "%s: no binary PPM (P6) of 8 bits\n", arguments[2]);
  } else if (signbit_load_file(arguments[1], NULL, &model)) {
    failed(arguments[1]);
  } else {
    status = classify(model, arguments[2], &photo);
  }
  signbit_model_free(model);
  free((void*)photo.pixels);
  return status;
}
