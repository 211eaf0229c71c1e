// Real convolution over the vocabulary `Vec`: vectors of filters, P pixels side by side, one chain
// of fused multiply-adds an output.

template <int V, int P>
inline void sum_tile(const RealConvArgs& args, const float* weights, int pixel, int64_t filter) {
  const float* windows[P];
  typename Vec::Floats sums[P][V];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
    windows[p] = args.windows[pixel + p];
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) sums[p][v] = Vec::set(0.0f);
  }
  for (int segment = 0; segment < args.segments; ++segment) {
    const int64_t begin = args.offsets[segment];
    for (int64_t tap = begin; tap < begin + args.segment_length; ++tap) {
      typename Vec::Floats weight[V];
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) weight[v] = Vec::load(weights + v * Vec::kFloatLanes);
      weights += V * Vec::kFloatLanes;
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) {
        const typename Vec::Floats x = Vec::set(windows[p][tap]);
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) sums[p][v] = Vec::fma(x, weight[v], sums[p][v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
    float* result = args.sums + (pixel + p) * args.sums_step + filter;
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) Vec::store(result + v * Vec::kFloatLanes, sums[p][v]);
  }
}

template <int V, int P>
inline void sum_tile_of(int pixels, const RealConvArgs& args, const float* weights, int pixel,
                        int64_t filter) {
  if (pixels == P) {
    sum_tile<V, P>(args, weights, pixel, filter);
  } else if constexpr (P > 1) {
    sum_tile_of<V, P - 1>(pixels, args, weights, pixel, filter);
  }
}

template <int V>
inline void sum_filters(const RealConvArgs& args, const float* weights, int64_t filter) {
  constexpr int kPixels = Vec::kSumPixels / V < 12 ? Vec::kSumPixels / V : 12;
  const int tiles = (args.pixels + kPixels - 1) / kPixels;
  for (int tile = 0; tile < tiles; ++tile) {
    const int begin = args.pixels * tile / tiles;
    const int end = args.pixels * (tile + 1) / tiles;
    sum_tile_of<V, kPixels>(end - begin, args, weights, begin, filter);
  }
}

void real_conv(const RealConvArgs& args) {
  const float* weights = args.weights;
  int vectors = (args.filters + Vec::kFloatLanes - 1) / Vec::kFloatLanes;
  int64_t filter = 0;
  while (vectors > 0) {
    const int tile = tile_vectors(vectors, Vec::kTileVectors);
    if (tile == 4) {
      sum_filters<4>(args, weights, filter);
    } else if (tile == 2) {
      sum_filters<2>(args, weights, filter);
    } else {
      sum_filters<1>(args, weights, filter);
    }
    weights += args.segments * args.segment_length * tile * Vec::kFloatLanes;
    filter += tile * Vec::kFloatLanes;
    vectors -= tile;
  }
}
