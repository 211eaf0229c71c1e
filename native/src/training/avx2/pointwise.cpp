#include "training/pointwise.h"

#include "kernels/avx2/vector.h"

namespace sbnn {
namespace {

struct TrainingVec : Vec {
  static Floats load_shorts(const int16_t* p) {
    const __m128i shorts = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(shorts));
  }
  static void store_shorts(int16_t* p, Floats v) {
    const __m256i ints = _mm256_cvtps_epi32(v);
    _mm_storeu_si128(
        reinterpret_cast<__m128i*>(p),
        _mm_packs_epi32(_mm256_castsi256_si128(ints), _mm256_extracti128_si256(ints, 1)));
  }
};

namespace passes {
using Vec = TrainingVec;
#include "training/generic/pointwise_table.inl.h"
}  // namespace passes

}  // namespace

const PointwiseTable kAvx2Pointwise = passes::make_pointwise();

}  // namespace sbnn
