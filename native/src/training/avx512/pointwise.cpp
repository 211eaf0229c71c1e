#include "training/pointwise.h"

#include "kernels/avx512/common.h"

namespace sbnn {
namespace {

struct TrainingVec : Avx512 {
  static Floats load_shorts(const int16_t* p) {
    const __m256i shorts = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(shorts));
  }
  static void store_shorts(int16_t* p, Floats v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(v)));
  }
};

namespace passes {
using Vec = TrainingVec;
#include "training/generic/pointwise_table.inl.h"
}  // namespace passes

}  // namespace

const PointwiseTable kAvx512Pointwise = passes::make_pointwise();

}  // namespace sbnn
