// out[s, :] = scale * (sum of values[order[k], :] for k from starts[s] up to starts[s + 1])
//
// The backward pass of a lookup: `order` holds the places of the output by the id that stands there, a segment for each id. What is added up, and in which order,
// is decided by the host, so that the result depends on nothing else; there are no atomic operations. An id that is everywhere is cut into several
// segments, whose sums are added up by a second pass, without `order`.
#include "rows.cuh"
#include "values.cuh"

template <typename T>
__device__ void sum_wide(const T *values, const uint32_t *order, const uint32_t *starts, float *out, uint32_t segments, uint32_t units, float scale) {
  constexpr int lanes = Unit<T>::count;
  EACH_ROW(segment, segments) {
    const uint32_t start = starts[segment], end = starts[segment + 1];
    for (uint32_t unit = threadIdx.x; unit < units; unit += blockDim.x) {
      float sums[lanes] = {};
      for (uint32_t k = start; k < end; k++) {
        const uint32_t row = order == nullptr ? k : order[k];
        const Unit<T> value = load_cached<T>(values, (uint64_t)row * units + unit);
#pragma unroll
        for (int lane = 0; lane < lanes; lane++) sums[lane] += widen(value.lanes[lane]);
      }
      float4 *to = reinterpret_cast<float4 *>(out + ((uint64_t)segment * units + unit) * lanes);
#pragma unroll
      for (int lane = 0; lane < lanes; lane += 4) {
        to[lane / 4] = make_float4(scale * sums[lane], scale * sums[lane + 1], scale * sums[lane + 2], scale * sums[lane + 3]);
      }
    }
  }
}

template <typename T>
__device__ void sum_narrow(const T *values, const uint32_t *order, const uint32_t *starts, float *out, uint32_t segments, uint32_t dimensions,
                           float scale) {
  EACH_ROW(segment, segments) {
    const uint32_t start = starts[segment], end = starts[segment + 1];
    for (uint32_t at = threadIdx.x; at < dimensions; at += blockDim.x) {
      float sum = 0;
      for (uint32_t k = start; k < end; k++) {
        const uint32_t row = order == nullptr ? k : order[k];
        sum += widen(values[(uint64_t)row * dimensions + at]);
      }
      out[(uint64_t)segment * dimensions + at] = scale * sum;
    }
  }
}

#define SEGMENT_SUM(WIDTH, NAME, T)                                                                                                      \
  extern "C" __global__ void segment_sum_##WIDTH##_##NAME(const T *values, const uint32_t *order, const uint32_t *starts, float *out, \
                                                          uint32_t segments, uint32_t length, float scale) {                             \
    sum_##WIDTH<T>(values, order, starts, out, segments, length, scale);                                                                  \
  }

SEGMENT_SUM(wide, f32, float)
SEGMENT_SUM(wide, f16, __half)
SEGMENT_SUM(wide, bf16, __nv_bfloat16)
SEGMENT_SUM(narrow, f32, float)
SEGMENT_SUM(narrow, f16, __half)
SEGMENT_SUM(narrow, bf16, __nv_bfloat16)
