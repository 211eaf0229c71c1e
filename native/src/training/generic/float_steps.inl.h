// Float32 steps out of the engine's vocabulary `Vec`: what all of Steps needs but the sizes of its
// register tiles and signs(), which gives -1 in the lanes whose bit is set and else +1.

struct FloatSteps {
  static constexpr const char* kIsa = Vec::kIsa;
  static constexpr int kLanes = Vec::kFloatLanes;
  static constexpr int kUnitValues = 1;

  using Sums = typename Vec::Floats;
  using Units = typename Vec::Floats;

  static Sums none() { return Vec::set(0.0f); }
  static Units load_units(const uint8_t* p) { return Vec::load(reinterpret_cast<const float*>(p)); }
  static Units broadcast(const uint8_t* p) {
    float x;
    __builtin_memcpy(&x, p, sizeof x);
    return Vec::set(x);
  }
  static Sums add(Sums sum, Units x, Units w) { return Vec::fma(x, w, sum); }
  static Sums plus(Sums a, Sums b) { return Vec::add(a, b); }
  static Sums load(const float* p) { return Vec::load(p); }
  static Sums load_first(const float* p, int count) {
    return Vec::load_lanes(p, 0, (1u << count) - 1);
  }
  static void store(float* p, Sums v) { Vec::store(p, v); }
  static void store_first(float* p, Sums v, int count) { Vec::store_first(p, v, count); }
};
