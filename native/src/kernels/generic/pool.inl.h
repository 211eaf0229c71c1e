// Pools over the vocabulary `Vec`: vectors of channels walk the taps, several side by side, as each
// is one chain of operations. Of reals the order of taps matters, (row, column).

constexpr int kPoolVectors = 4;

// Calls run(Count<vectors>(), first channel) for all channels.
template <typename Run>
inline void for_channels(const PoolArgs& args, Run run) {
  constexpr int kWide = kPoolVectors * Vec::kFloatLanes;
  int64_t c = 0;
  for (; c + kWide <= args.channels; c += kWide) run(Count<kPoolVectors>(), c);
  for (; c < args.channels; c += Vec::kFloatLanes) run(Count<1>(), c);
}

// What maxima are taken of.
struct RealOrder {
  static constexpr bool kAnyOrder = false;
  using Vector = typename Vec::Floats;
  static Vector load(const float* p) { return Vec::load(p); }
  static void store(float* p, Vector v) { Vec::store(p, v); }
  // `b` unless `a` is larger, NaN being larger than nothing.
  static Vector larger(Vector a, Vector b) { return Vec::larger(a, b); }
};

struct IntOrder {
  static constexpr bool kAnyOrder = true;
  using Vector = typename Vec::Ints;
  static Vector load(const float* p) { return Vec::load_ints(reinterpret_cast<const int32_t*>(p)); }
  static void store(float* p, Vector v) { Vec::store_ints(reinterpret_cast<int32_t*>(p), v); }
  static Vector larger(Vector a, Vector b) { return Vec::larger_int(a, b); }
};

// V vectors of channels from channel c on; kTurned: with args.order.
template <typename Order, bool kTurned, int V>
struct MaxTile {
  using Vector = typename Order::Vector;
  static constexpr int kLanes = Vec::kFloatLanes;

  const PoolArgs& args;
  int64_t c;
  typename Vec::Ints order[V];

  MaxTile(const PoolArgs& pool, int64_t channel) : args(pool), c(channel) {
    if constexpr (kTurned) {
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) {
        order[v] = Vec::load_ints(reinterpret_cast<const int32_t*>(args.order) + c + v * kLanes);
      }
    }
  }

  [[gnu::always_inline]] Vector turn(Vector x, int v) const {
    if constexpr (kTurned) x = Vec::flip_bits(x, order[v]);
    return x;
  }

  [[gnu::always_inline]] void load(const float* tap, Vector (&best)[V]) const {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) best[v] = turn(Order::load(tap + v * kLanes), v);
  }

  [[gnu::always_inline]] void fold(const float* tap, Vector (&best)[V]) const {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      best[v] = Order::larger(turn(Order::load(tap + v * kLanes), v), best[v]);
    }
  }

  [[gnu::always_inline]] void store(int64_t window, const Vector (&best)[V]) const {
    float* const result = args.result + window * args.result_step + c;
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) Order::store(result + v * kLanes, turn(best[v], v));
  }

  // Tap by tap in (row, column) order.
  void each_window() const {
    for (int64_t window = 0; window < args.windows; ++window) {
      const float* const first = args.first + window * args.window_step + c;
      Vector best[V];
      load(first, best);
      for (int64_t row = 0; row < args.rows; ++row) {
        const float* tap = first + row * args.row_step;
        for (int64_t column = row == 0; column < args.columns; ++column) {
          fold(tap + column * args.column_step, best);
        }
      }
      store(window, best);
    }
  }

  [[gnu::always_inline]] void fold_column(const float* tap, Vector (&best)[V]) const {
    for (int64_t row = 1; row < args.rows; ++row) fold(tap + row * args.row_step, best);
  }

  // Of windows that share a column with the next one: its maximum is computed once. Only where
  // the order of taps does not matter.
  void by_columns() const {
    const int64_t last = (args.columns - 1) * args.column_step;
    Vector shared[V];
    load(args.first + c, shared);
    fold_column(args.first + c, shared);
    for (int64_t window = 0; window < args.windows; ++window) {
      const float* const first = args.first + window * args.window_step + c;
      Vector best[V];
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) best[v] = shared[v];
      for (int64_t column = 1; column + 1 < args.columns; ++column) {
        const float* const tap = first + column * args.column_step;
        fold(tap, best);
        fold_column(tap, best);
      }
      load(first + last, shared);
      fold_column(first + last, shared);
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) best[v] = Order::larger(shared[v], best[v]);
      store(window, best);
    }
  }
};

template <typename Order, bool kTurned>
inline void max_windows(const PoolArgs& args) {
  for_channels(args, [&](auto vectors, int64_t c) {
    const MaxTile<Order, kTurned, decltype(vectors)::value> tile(args, c);
    const int64_t shared = args.columns * args.column_step - args.window_step;
    if (Order::kAnyOrder && args.windows > 1 && shared == args.column_step && args.columns > 1) {
      tile.by_columns();
    } else {
      tile.each_window();
    }
  });
}

void max_pool(const PoolArgs& args) {
  if (args.order == nullptr) {
    max_windows<RealOrder, false>(args);
  } else {
    max_windows<RealOrder, true>(args);
  }
}

void max_sums(const PoolArgs& args) {
  if (args.order == nullptr) {
    max_windows<IntOrder, false>(args);
  } else {
    max_windows<IntOrder, true>(args);
  }
}

template <int V>
inline void average_channels(const PoolArgs& args, int64_t c) {
  const typename Vec::Floats divisor = Vec::set(args.divisor);
  for (int64_t window = 0; window < args.windows; ++window) {
    typename Vec::Floats sum[V];
    for (int v = 0; v < V; ++v) sum[v] = Vec::set(0.0f);
    for (int64_t row = 0; row < args.rows; ++row) {
      const float* tap = args.first + window * args.window_step + row * args.row_step + c;
      for (int64_t column = 0; column < args.columns; ++column, tap += args.column_step) {
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) {
          sum[v] = Vec::add(sum[v], Vec::load(tap + v * Vec::kFloatLanes));
        }
      }
    }
    float* const result = args.result + window * args.result_step + c;
    for (int v = 0; v < V; ++v) {
      Vec::store(result + v * Vec::kFloatLanes, Vec::divide(sum[v], divisor));
    }
  }
}

void avg_pool(const PoolArgs& args) {
  for_channels(
      args, [&](auto vectors, int64_t c) { average_channels<decltype(vectors)::value>(args, c); });
}
