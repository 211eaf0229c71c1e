// Binary dots over the vocabulary `Vec` and its dot_windows; see BinaryDotArgs for the arithmetic.

struct StoreDots {
  struct Sink {
    int32_t* dots;
    int64_t step;
    int64_t c;

    void take(int pixel, const int32_t* base, typename Vec::Totals differing) const {
      Vec::store_dots(dots + pixel * step, base + c, differing);
    }
  };

  const BinaryDotArgs& args;

  Sink of(int64_t filter) const {
    return {args.dots + filter, args.dots_step, args.first_filter + filter};
  }
};

void binary_dot(const BinaryDotArgs& args) { dot_windows(args, StoreDots{args}); }

void max_dots(const MaxDotsArgs& args) {
  for (int64_t c = 0; c < args.channels; c += Vec::kFloatLanes) {
    const int32_t* row = args.rows + c;
    typename Vec::Ints best = Vec::load_ints(args.fold ? args.result + c : row);
    for (int r = 0; r < args.count; ++r) {
      best = Vec::larger_int(best, Vec::load_ints(row + r * args.step));
    }
    Vec::store_ints(args.result + c, best);
  }
}
