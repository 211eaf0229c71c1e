// What becomes of dots before an epilogue that has only one scale and shift, over the vocabulary
// `Vec`; see AdjustDotsArgs for the arithmetic.

void adjust_dots(const AdjustDotsArgs& shared) {
  const AdjustDotsArgs args = shared;  // a copy that no store can alias
  for (int64_t pixel = 0; pixel < args.pixels; ++pixel) {
    int32_t* const values = args.values + pixel * args.value_step;
    const float* shift = args.shift;
    if (args.rows != nullptr) shift += args.rows[pixel] - args.first_row;
    const typename Vec::Floats map = Vec::set(args.map == nullptr ? 1.0f : args.map[pixel]);
    const typename Vec::Floats sum =
        Vec::set(args.sums == nullptr ? 0.0f : args.sums[pixel * args.sums_step]);
    for (int64_t c = 0; c < args.filters; c += Vec::kFloatLanes) {
      typename Vec::Floats v = Vec::to_floats(Vec::load_ints(values + c));
      if (args.map != nullptr) v = Vec::multiply(v, map);
      if (args.scale != nullptr) v = Vec::fma(v, Vec::load(args.scale + c), Vec::load(shift + c));
      if (args.sums != nullptr) v = Vec::fma(sum, Vec::load(args.sums_scale + c), v);
      Vec::store(reinterpret_cast<float*>(values + c), v);
    }
  }
}
