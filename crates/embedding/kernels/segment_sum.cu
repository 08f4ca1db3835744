// sum(targets[s])[:] += scale * dropout(values[order[k], :]), for k from starts[s] up to starts[s + 1], in this order
//
// The backward pass of a lookup: `order` holds the places of the output by the id that stands there, a segment for each id. What is added up, and in which order,
// is decided by the host, so that the result depends on nothing else; there are no atomic operations. A segment of an id that is everywhere is cut
// into several, whose sums begin at 0 and go to `parts`, where the target has PART in it; a second pass, without `order`, adds these up. No two segments have one target.
// Sums from number `known` on begin at 0 too: nothing was written there yet.
#include "dropout.cuh"
#include "rows.cuh"
#include "values.cuh"

#define PART 0x80000000u
// Rows that are asked for before the first of them is added: one after the other, each would be waited for.
#define AHEAD 8

struct Sums {
  float *sums, *parts;
  uint32_t known;

  __device__ float *row(uint32_t target, uint32_t dimensions) const {
    return (target & PART ? parts : sums) + (uint64_t)(target & ~PART) * dimensions;
  }
  // PART makes a target greater than every number of a sum.
  __device__ bool is_known(uint32_t target) const { return target < known; }
};

template <typename T>
__device__ void sum_wide(const T *values, const uint32_t *order, const uint32_t *starts, const uint32_t *targets, const Sums sums,
                         uint32_t segments, uint32_t units, float scale, const Dropout dropout) {
  constexpr int lanes = Unit<T>::count;
  EACH_ROW(segment, segments) {
    const uint32_t start = starts[segment], end = starts[segment + 1], target = targets[segment];
    float *const row_sum = sums.row(target, units * lanes);
    EACH_PART(unit, units) {
      float4 *const to = reinterpret_cast<float4 *>(row_sum + (uint64_t)unit * lanes);
      float sum[lanes] = {};
      if (sums.is_known(target)) {
#pragma unroll
        for (int quad = 0; quad < lanes / 4; quad++) {
          const float4 before = to[quad];
          sum[4 * quad] = before.x, sum[4 * quad + 1] = before.y, sum[4 * quad + 2] = before.z, sum[4 * quad + 3] = before.w;
        }
      }
      for (uint32_t first = start; first < end; first += AHEAD) {
        uint32_t rows[AHEAD];
        Unit<T> read[AHEAD];
#pragma unroll
        for (int index = 0; index < AHEAD; index++) {
          if (first + index >= end) break;
          rows[index] = order == nullptr ? first + index : order[first + index];
          read[index] = load_cached<T>(values, (uint64_t)rows[index] * units + unit);
        }
#pragma unroll
        for (int index = 0; index < AHEAD; index++) {
          if (first + index >= end) break;
          const Mask mask(dropout, rows[index]);
#pragma unroll
          for (int lane = 0; lane < lanes; lane++)
            sum[lane] = __fadd_rn(sum[lane], __fmul_rn(scale, mask.apply(widen(read[index].lanes[lane]), unit * lanes + lane)));
        }
      }
#pragma unroll
      for (int quad = 0; quad < lanes / 4; quad++)
        to[quad] = make_float4(sum[4 * quad], sum[4 * quad + 1], sum[4 * quad + 2], sum[4 * quad + 3]);
    }
  }
}

template <typename T>
__device__ void sum_narrow(const T *values, const uint32_t *order, const uint32_t *starts, const uint32_t *targets, const Sums sums,
                           uint32_t segments, uint32_t dimensions, float scale, const Dropout dropout) {
  EACH_ROW(segment, segments) {
    const uint32_t start = starts[segment], end = starts[segment + 1], target = targets[segment];
    float *const to = sums.row(target, dimensions);
    EACH_PART(at, dimensions) {
      float sum = sums.is_known(target) ? to[at] : 0.0f;
      for (uint32_t k = start; k < end; k++) {
        const uint32_t row = order == nullptr ? k : order[k];
        const float value = Mask(dropout, row).apply(widen(values[(uint64_t)row * dimensions + at]), at);
        sum = __fadd_rn(sum, __fmul_rn(scale, value));
      }
      to[at] = sum;
    }
  }
}

#define SEGMENT_SUM(WIDTH, NAME, T)                                                                                           \
  extern "C" __global__ void segment_sum_##WIDTH##_##NAME(const T *values, const uint32_t *order, const uint32_t *starts,     \
                                                          const uint32_t *targets, float *sums, float *parts, uint32_t known, \
                                                          uint32_t segments, uint32_t length, float scale,                    \
                                                          uint64_t dropout_key, uint32_t dropout_threshold,                   \
                                                          float dropout_factor) {                                             \
    sum_##WIDTH<T>(values, order, starts, targets, {sums, parts, known}, segments, length, scale,                             \
                   {dropout_key, dropout_threshold, dropout_factor});                                                         \
  }

SEGMENT_SUM(wide, f32, float)
SEGMENT_SUM(wide, f16, __half)
SEGMENT_SUM(wide, bf16, __nv_bfloat16)
SEGMENT_SUM(narrow, f32, float)
SEGMENT_SUM(narrow, f16, __half)
SEGMENT_SUM(narrow, bf16, __nv_bfloat16)
