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
#define AHEAD 4

struct Sums {
  float *sums, *parts;
  uint32_t known;

  __device__ float *row(uint32_t target, uint32_t dimensions) const {
    return (target & PART ? parts : sums) + (uint64_t)(target & ~PART) * dimensions;
  }
  // PART makes a target greater than every number of a sum.
  __device__ bool is_known(uint32_t target) const { return target < known; }
};

// Values that lie together, and are a part of a row.
#define LANES 4

// Adds `count` rows from number `k` of the order on: all are asked for before the first is added.
template <int count, typename T>
__device__ inline void add_rows(float4 (&sums)[TOGETHER], const Pack<T, LANES> *values, const uint32_t *order, uint32_t k, uint32_t first,
                                uint32_t parts, float scale, const Dropout dropout) {
  uint32_t rows[count];
  Pack<T, LANES> read[count][TOGETHER];
#pragma unroll
  for (int index = 0; index < count; index++) rows[index] = order == nullptr ? k + index : __ldg(order + k + index);
#pragma unroll
  for (int index = 0; index < count; index++) load_parts(values + (uint64_t)rows[index] * parts, first, parts, read[index]);
#pragma unroll
  for (int index = 0; index < count; index++) {
    const Mask mask(dropout, rows[index]);
#pragma unroll
    for (int part = 0; part < TOGETHER; part++) {
      const uint32_t column = (first + part * blockDim.x) * LANES;
      const auto &lane = read[index][part].lane;
      const auto add = [&](float &sum, int at) { sum = __fadd_rn(sum, __fmul_rn(scale, mask.apply(widen(lane[at]), column + at))); };
      add(sums[part].x, 0), add(sums[part].y, 1), add(sums[part].z, 2), add(sums[part].w, 3);
    }
  }
}

template <typename T>
__device__ void sum_wide(const T *values, const uint32_t *order, const uint32_t *starts, const uint32_t *targets, const Sums sums,
                         uint32_t segments, uint32_t parts, float scale, const Dropout dropout) {
  const auto *const packs = reinterpret_cast<const Pack<T, LANES> *>(values);
  EACH_ROW(segment, segments) {
    const uint32_t start = __ldg(starts + segment), end = __ldg(starts + segment + 1), target = __ldg(targets + segment);
    float4 *const row = reinterpret_cast<float4 *>(sums.row(target, parts * LANES));
    EACH_PARTS(first, parts) {
      float4 of_parts[TOGETHER] = {};
      if (sums.is_known(target)) load_parts(row, first, parts, of_parts);
      uint32_t k = start;
      for (; k + AHEAD <= end; k += AHEAD) add_rows<AHEAD>(of_parts, packs, order, k, first, parts, scale, dropout);
      for (; k < end; k++) add_rows<1>(of_parts, packs, order, k, first, parts, scale, dropout);
#pragma unroll
      for (int index = 0; index < TOGETHER; index++)
        if (first + index * blockDim.x < parts) row[first + index * blockDim.x] = of_parts[index];
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

#define SEGMENT_SUM(WIDTH, NAME, T)                                                                                                                 \
  extern "C" __global__ void __launch_bounds__(256, 3) segment_sum_##WIDTH##_##NAME(const T *values, const uint32_t *order, const uint32_t *starts, \
                                                          const uint32_t *targets, float *sums, float *parts, uint32_t known,                       \
                                                          uint32_t segments, uint32_t length, float scale,                                          \
                                                          uint64_t dropout_key, uint32_t dropout_threshold,                                         \
                                                          float dropout_factor) {                                                                   \
    sum_##WIDTH<T>(values, order, starts, targets, {sums, parts, known}, segments, length, scale,                                                   \
                   {dropout_key, dropout_threshold, dropout_factor});                                                                               \
  }

SEGMENT_SUM(wide, f32, float)
SEGMENT_SUM(wide, f16, __half)
SEGMENT_SUM(wide, bf16, __nv_bfloat16)
SEGMENT_SUM(narrow, f32, float)
SEGMENT_SUM(narrow, f16, __half)
SEGMENT_SUM(narrow, bf16, __nv_bfloat16)
