// Layer normalisation of the sums of tables, forward and backward: the formulas of src/cpu/norm.rs, rounded at the same places and with sums in the same order.
//
// A row is the work of LANES threads, half a warp: thread `lane` has the values at lane, lane + LANES, …, as partial sums on the CPU have. What these threads
// come to goes from one to the other in registers. A row is read once: its sums are kept in registers, all of a row of up to LANES * KEPT values; what is beyond is
// added up again where it is needed.
#include "dropout.cuh"
#include "rows.cuh"
#include "tables.cuh"

#define LANES 16
#define KEPT 64

// The sum of `value` over the threads of a row: pairs that are 8 apart, then 4, 2 and 1.
__device__ inline float sum_of_lanes(float value) {
  const uint32_t own_half = 0xFFFFu << (threadIdx.y % 2 * LANES);
#pragma unroll
  for (int apart = LANES / 2; apart > 0; apart /= 2) value = __fadd_rn(value, __shfl_xor_sync(own_half, value, apart));
  return value;
}

// The values of a thread, of a row of `dimensions`.
template <typename T> struct Row {
  const Tables<T> &tables;
  const Starts start;
  const uint32_t dimensions;
  float kept[KEPT];

  __device__ Row(const Tables<T> &tables, uint32_t row, uint32_t dimensions)
      : tables(tables), start(tables.starts(row, dimensions)), dimensions(dimensions) {
#pragma unroll
    for (int index = 0; index < KEPT; index++) {
      const uint32_t at = threadIdx.x + index * LANES;
      kept[index] = at < dimensions ? tables.sum(start, at) : 0.0f;
    }
  }

  // Does `work(value, at)` with each.
  template <typename Work> __device__ void each(Work work) const {
#pragma unroll
    for (int index = 0; index < KEPT; index++) {
      const uint32_t at = threadIdx.x + index * LANES;
      if (at < dimensions) work(kept[index], at);
    }
    for (uint32_t at = threadIdx.x + KEPT * LANES; at < dimensions; at += LANES) work(tables.sum(start, at), at);
  }

  // The mean over the row of `term(value, at)`.
  template <typename Term> __device__ float mean(Term term) const {
    float sum = 0.0f;
    each([&](float value, uint32_t at) { sum = __fadd_rn(sum, term(value, at)); });
    return __fdiv_rn(sum_of_lanes(sum), (float)dimensions);
  }
};

// What is taken out of a row.
struct Stats {
  float mean, factor;

  template <typename T> __device__ Stats(const Row<T> &row, float epsilon) {
    mean = row.mean([](float value, uint32_t) { return value; });
    const float variance = row.mean([this](float value, uint32_t) {
      const float apart = __fsub_rn(value, mean);
      return __fmul_rn(apart, apart);
    });
    factor = __fdiv_rn(1.0f, __fsqrt_rn(__fadd_rn(variance, epsilon)));
  }

  __device__ float normal(float value) const { return __fmul_rn(__fsub_rn(value, mean), factor); }
};

// out[i, :] = dropout(normal(sum[i, :]) * weight + bias)
template <typename T>
__device__ void norm(const Tables<T> tables, const T *weight, const T *bias, T *out, uint32_t rows, uint32_t dimensions,
                     float epsilon, const Dropout dropout) {
  EACH_ROW(row, rows) {
    const Row<T> sums(tables, row, dimensions);
    const Stats stats(sums, epsilon);
    const Mask mask(dropout, row);
    sums.each([&](float value, uint32_t at) {
      const float result = __fadd_rn(__fmul_rn(stats.normal(value), widen(weight[at])), widen(bias[at]));
      out[(uint64_t)row * dimensions + at] = narrow<T>(mask.apply(result, at));
    });
  }
}

// With g = dropout(grad[i, :]), n = normal(sum[i, :]) and w = g * weight: of_sum[i, :] = factor * (w - mean(w) - n * mean(w * n)), and of_weight[i, :] = g * n, whose
// sum over the rows is the gradient of the weight.
template <typename T, typename Grad>
__device__ void norm_backward(const Tables<T> tables, const T *weight, const Grad *grad, float *of_sum, float *of_weight, uint32_t rows,
                              uint32_t dimensions, float epsilon, const Dropout dropout) {
  EACH_ROW(row, rows) {
    const Row<T> sums(tables, row, dimensions);
    const Stats stats(sums, epsilon);
    const Mask mask(dropout, row);
    const uint64_t first = (uint64_t)row * dimensions;
    const auto given = [&](uint32_t at) { return mask.apply(widen(grad[first + at]), at); };
    const auto weighted = [&](uint32_t at) { return __fmul_rn(given(at), widen(weight[at])); };
    const float mean = sums.mean([&](float, uint32_t at) { return weighted(at); });
    const float along = sums.mean([&](float value, uint32_t at) { return __fmul_rn(weighted(at), stats.normal(value)); });
    sums.each([&](float value, uint32_t at) {
      const float normal = stats.normal(value);
      of_weight[first + at] = __fmul_rn(given(at), normal);
      of_sum[first + at] = __fmul_rn(stats.factor, __fsub_rn(__fsub_rn(weighted(at), mean), __fmul_rn(normal, along)));
    });
  }
}

#define NORM(NAME, T)                                                                                                                 \
  extern "C" __global__ void norm_##NAME(const T *token, const T *types, const T *position, const uint32_t *ids,                      \
                                         const uint32_t *type_ids, const uint32_t *position_ids, uint32_t context, uint32_t offset,   \
                                         float scale, const T *weight, const T *bias, T *out, uint32_t rows, uint32_t dimensions,     \
                                         float epsilon, uint64_t dropout_key, uint32_t dropout_threshold, float dropout_factor) {     \
    const Tables<T> tables = {token, types, position, ids, type_ids, position_ids, context, offset, scale};                           \
    norm<T>(tables, weight, bias, out, rows, dimensions, epsilon, {dropout_key, dropout_threshold, dropout_factor});                  \
  }

#define NORM_BACKWARD(GRAD_NAME, Grad, NAME, T)                                                                                      \
  extern "C" __global__ void norm_backward_##GRAD_NAME##_##NAME(                                                                     \
      const T *token, const T *types, const T *position, const uint32_t *ids, const uint32_t *type_ids,                              \
      const uint32_t *position_ids, uint32_t context, uint32_t offset, float scale, const T *weight, const Grad *grad,               \
      float *of_sum, float *of_weight, uint32_t rows, uint32_t dimensions, float epsilon, uint64_t dropout_key,                      \
      uint32_t dropout_threshold, float dropout_factor) {                                                                            \
    const Tables<T> tables = {token, types, position, ids, type_ids, position_ids, context, offset, scale};                          \
    norm_backward<T, Grad>(tables, weight, grad, of_sum, of_weight, rows, dimensions, epsilon,                                       \
                           {dropout_key, dropout_threshold, dropout_factor});                                                        \
  }

#define NORMS(NAME, T)                  \
  NORM(NAME, T)                         \
  NORM_BACKWARD(f32, float, NAME, T)    \
  NORM_BACKWARD(f16, __half, NAME, T)   \
  NORM_BACKWARD(bf16, __nv_bfloat16, NAME, T)

NORMS(f32, float)
NORMS(f16, __half)
NORMS(bf16, __nv_bfloat16)
