// Layer normalisation of the sums of tables, forward and backward: the formulas of src/cpu/norm.rs, rounded at the same places and with sums in the same order.
//
// A row is the work of LANES threads, a warp: thread `lane` has the values at lane, lane + LANES, …, as partial sums on the CPU have. What these threads
// come to goes from one to the other in registers. A row is read once: its sums are kept in registers, all of a row of up to LANES * KEPT values; what is beyond is
// added up again where it is needed. Values are asked for BATCH at a time: one after the other, each would be waited for.
#include "dropout.cuh"
#include "rows.cuh"
#include "tables.cuh"

#define LANES 32
#define KEPT 48
// The backward pass needs more registers for other things.
#define KEPT_BACKWARD 24
#define BATCH 8

// The sum of `value` over the threads of a row: pairs that are 16 apart, then 8, 4, 2 and 1.
__device__ inline float sum_of_lanes(float value) {
#pragma unroll
  for (int apart = LANES / 2; apart > 0; apart /= 2) value = __fadd_rn(value, __shfl_xor_sync(0xFFFFFFFFu, value, apart));
  return value;
}

// Which value of a row is number `index` of this thread's.
__device__ inline uint32_t place_of(uint32_t index) { return threadIdx.x + index * LANES; }

// This thread's values of a row from number `first` on, as far as there are `dimensions`.
template <typename T>
__device__ inline void load(const T *row, uint32_t first, uint32_t dimensions, T (&values)[BATCH]) {
#pragma unroll
  for (int index = 0; index < BATCH; index++) {
    const uint32_t at = place_of(first + index);
    values[index] = at < dimensions ? row[at] : T(0.0f);
  }
}

// The values of a thread, of a row of `dimensions`.
template <typename T, int count> struct Row {
  const Tables<T> &tables;
  const Starts start;
  const uint32_t dimensions;
  float kept[count];

  __device__ Row(const Tables<T> &tables, uint32_t row, uint32_t dimensions)
      : tables(tables), start(tables.starts(row, dimensions)), dimensions(dimensions) {
#pragma unroll
    for (int first = 0; first < count; first += BATCH) {
      float sums[BATCH] = {};
      if (first * LANES < dimensions) add_up(first, sums);
#pragma unroll
      for (int index = 0; index < BATCH; index++) kept[first + index] = sums[index];
    }
  }

  // The values from number `first` on.
  __device__ void add_up(uint32_t first, float (&sums)[BATCH]) const {
    T token[BATCH], type[BATCH], place[BATCH];
    load(tables.token + start.token, first, dimensions, token);
    if (tables.types != nullptr) load(tables.types + start.type, first, dimensions, type);
    if (tables.position != nullptr) load(tables.position + start.position, first, dimensions, place);
#pragma unroll
    for (int index = 0; index < BATCH; index++) sums[index] = tables.add_up(token[index], type[index], place[index]);
  }

  // Does `work(values, first)` with all of them, from number `first` on so many at a time.
  template <typename Work> __device__ void batches(Work work) const {
#pragma unroll
    for (int first = 0; first < count; first += BATCH) {
      if (first * LANES >= dimensions) return;
      float values[BATCH];
#pragma unroll
      for (int index = 0; index < BATCH; index++) values[index] = kept[first + index];
      work(values, first);
    }
    for (uint32_t first = count; first * LANES < dimensions; first += BATCH) {
      float values[BATCH];
      add_up(first, values);
      work(values, first);
    }
  }

  // The mean over the row of `term(value)`.
  template <typename Term> __device__ float mean(Term term) const {
    float sum = 0.0f;
    batches([&](const float (&values)[BATCH], uint32_t first) {
#pragma unroll
      for (int index = 0; index < BATCH; index++)
        if (place_of(first + index) < dimensions) sum = __fadd_rn(sum, term(values[index]));
    });
    return __fdiv_rn(sum_of_lanes(sum), (float)dimensions);
  }
};

// What is taken out of a row.
struct Stats {
  float mean, factor;

  template <typename T, int count> __device__ Stats(const Row<T, count> &row, float epsilon) {
    mean = row.mean([](float value) { return value; });
    const float variance = row.mean([this](float value) {
      const float apart = __fsub_rn(value, mean);
      return __fmul_rn(apart, apart);
    });
    factor = __fdiv_rn(1.0f, __fsqrt_rn(__fadd_rn(variance, epsilon)));
  }

  // Those that were taken out before.
  __device__ Stats(float2 kept) : mean(kept.x), factor(kept.y) {}

  __device__ float normal(float value) const { return __fmul_rn(__fsub_rn(value, mean), factor); }
};

// out[i, :] = dropout(normal(sum[i, :]) * weight + bias)
template <typename T>
__device__ void norm(const Tables<T> tables, const T *weight, const T *bias, T *out, uint32_t rows, uint32_t dimensions,
                     float epsilon, const Dropout dropout) {
  EACH_ROW(row, rows) {
    const Row<T, KEPT> sums(tables, row, dimensions);
    const Stats stats(sums, epsilon);
    const Mask mask(dropout, row);
    T *const out_row = out + (uint64_t)row * dimensions;
    sums.batches([&](const float (&values)[BATCH], uint32_t first) {
      T weights[BATCH], biases[BATCH];
      load(weight, first, dimensions, weights);
      load(bias, first, dimensions, biases);
#pragma unroll
      for (int index = 0; index < BATCH; index++) {
        const uint32_t at = place_of(first + index);
        const float result = __fadd_rn(__fmul_rn(stats.normal(values[index]), widen(weights[index])), widen(biases[index]));
        if (at < dimensions) out_row[at] = narrow<T>(mask.apply(result, at));
      }
    });
  }
}

// With g = dropout(grad[i, :]), n = normal(sum[i, :]) and w = g * weight: of_sum[i, :] = factor * (w - mean(w) - n * mean(w * n)). What was taken out of row i goes to stats[i].
template <typename T, typename Grad>
__device__ void norm_backward(const Tables<T> tables, const T *weight, const Grad *grad, float *of_sum, float2 *stats_of_rows, uint32_t rows,
                              uint32_t dimensions, float epsilon, const Dropout dropout) {
  EACH_ROW(row, rows) {
    const Row<T, KEPT_BACKWARD> sums(tables, row, dimensions);
    const Stats stats(sums, epsilon);
    const Mask mask(dropout, row);
    const uint64_t start = (uint64_t)row * dimensions;
    // The weighted gradients from number `first` on.
    const auto weighted = [&](uint32_t first, float (&values)[BATCH]) {
      Grad grads[BATCH];
      T weights[BATCH];
      load(grad + start, first, dimensions, grads);
      load(weight, first, dimensions, weights);
#pragma unroll
      for (int index = 0; index < BATCH; index++)
        values[index] = __fmul_rn(mask.apply(widen(grads[index]), place_of(first + index)), widen(weights[index]));
    };
    float all = 0.0f, along = 0.0f;
    sums.batches([&](const float (&values)[BATCH], uint32_t first) {
      float grads[BATCH];
      weighted(first, grads);
#pragma unroll
      for (int index = 0; index < BATCH; index++) {
        if (place_of(first + index) >= dimensions) break;
        all = __fadd_rn(all, grads[index]);
        along = __fadd_rn(along, __fmul_rn(grads[index], stats.normal(values[index])));
      }
    });
    all = __fdiv_rn(sum_of_lanes(all), (float)dimensions), along = __fdiv_rn(sum_of_lanes(along), (float)dimensions);
    sums.batches([&](const float (&values)[BATCH], uint32_t first) {
      float grads[BATCH];
      weighted(first, grads);
#pragma unroll
      for (int index = 0; index < BATCH; index++) {
        const uint32_t at = place_of(first + index);
        const float apart = __fsub_rn(__fsub_rn(grads[index], all), __fmul_rn(stats.normal(values[index]), along));
        if (at < dimensions) of_sum[start + at] = __fmul_rn(stats.factor, apart);
      }
    });
    if (threadIdx.x == 0) stats_of_rows[row] = make_float2(stats.mean, stats.factor);
  }
}

// Rows that are asked for before the first of them is added.
#define AHEAD_OF_SUM 4

// What the gradients of weight and bias are sums of: of_weight[s, :] is the sum of g * n, of_bias[s, :] that of g, over the `length` rows of segment `s`, in order.
// Rows are looked up again: to keep n for all would take as long to write, and longer to read. `lanes` values are a part of a row.
template <typename T, typename Grad, int lanes>
__device__ void norm_sums(const Tables<T> tables, const float2 *stats_of_rows, const Grad *grad, float *of_weight, float *of_bias, uint32_t rows,
                          uint32_t length, uint32_t segments, uint32_t parts, const Dropout dropout) {
  using Values = Pack<T, lanes>;
  using Grads = Pack<Grad, lanes>;
  const auto part_of = [](const T *table, uint64_t at) { return reinterpret_cast<const Values *>(table)[at]; };
  EACH_ROW(segment, segments) {
    const uint32_t start = segment * length, end = min(rows, start + length);
    EACH_PART(part, parts) {
      Pack<float, lanes> weight_sum = {}, bias_sum = {};
      for (uint32_t first = start; first < end; first += AHEAD_OF_SUM) {
        Values token[AHEAD_OF_SUM], type[AHEAD_OF_SUM], place[AHEAD_OF_SUM];
        Grads grads[AHEAD_OF_SUM];
        float2 stats[AHEAD_OF_SUM];
#pragma unroll
        for (int index = 0; index < AHEAD_OF_SUM; index++) {
          // The last row again where there are no more.
          const uint32_t row = min(first + index, end - 1);
          const Starts starts = tables.starts(row, parts);
          token[index] = part_of(tables.token, starts.token + part);
          if (tables.types != nullptr) type[index] = part_of(tables.types, starts.type + part);
          if (tables.position != nullptr) place[index] = part_of(tables.position, starts.position + part);
          grads[index] = reinterpret_cast<const Grads *>(grad)[(uint64_t)row * parts + part];
          stats[index] = stats_of_rows[row];
        }
#pragma unroll
        for (int index = 0; index < AHEAD_OF_SUM; index++) {
          if (first + index >= end) break;
          const Mask mask(dropout, first + index);
#pragma unroll
          for (int lane = 0; lane < lanes; lane++) {
            const float sum = tables.add_up(token[index].lane[lane], type[index].lane[lane], place[index].lane[lane]);
            const float given = mask.apply(widen(grads[index].lane[lane]), part * lanes + lane);
            weight_sum.lane[lane] = __fadd_rn(weight_sum.lane[lane], __fmul_rn(given, Stats(stats[index]).normal(sum)));
            bias_sum.lane[lane] = __fadd_rn(bias_sum.lane[lane], given);
          }
        }
      }
      reinterpret_cast<Pack<float, lanes> *>(of_weight)[(uint64_t)segment * parts + part] = weight_sum;
      reinterpret_cast<Pack<float, lanes> *>(of_bias)[(uint64_t)segment * parts + part] = bias_sum;
    }
  }
}

#define TABLES(T) \
  const T *token, const T *types, const T *position, const uint32_t *ids, const uint32_t *type_ids, const uint32_t *position_ids, uint32_t context, uint32_t offset, float scale
#define DROPOUT uint64_t dropout_key, uint32_t dropout_threshold, float dropout_factor

#define NORM(NAME, T)                                                                                                                      \
  extern "C" __global__ void __launch_bounds__(128, 4) norm_##NAME(TABLES(T), const T *weight, const T *bias, T *out, uint32_t rows,       \
                                                                   uint32_t dimensions, float epsilon, DROPOUT) {                          \
    const Tables<T> tables = {token, types, position, ids, type_ids, position_ids, context, offset, scale};                                \
    norm<T>(tables, weight, bias, out, rows, dimensions, epsilon, {dropout_key, dropout_threshold, dropout_factor});                       \
  }

#define NORM_BACKWARD(GRAD_NAME, Grad, NAME, T)                                                                                            \
  extern "C" __global__ void __launch_bounds__(128, 3) norm_backward_##GRAD_NAME##_##NAME(                                                 \
      TABLES(T), const T *weight, const Grad *grad, float *of_sum, float2 *stats, uint32_t rows, uint32_t dimensions, float epsilon,        \
      DROPOUT) {                                                                                                                           \
    const Tables<T> tables = {token, types, position, ids, type_ids, position_ids, context, offset, scale};                                \
    norm_backward<T, Grad>(tables, weight, grad, of_sum, stats, rows, dimensions, epsilon,                                                 \
                           {dropout_key, dropout_threshold, dropout_factor});                                                              \
  }

#define NORM_SUMS(WIDTH, LANES_OF_PART, GRAD_NAME, Grad, NAME, T)                                                                          \
  extern "C" __global__ void norm_sums_##GRAD_NAME##_##WIDTH##_##NAME(TABLES(T), const float2 *stats, const Grad *grad, float *of_weight,  \
                                                                      float *of_bias, uint32_t rows, uint32_t segment, uint32_t segments,  \
                                                                      uint32_t length, DROPOUT) {                                          \
    const Tables<T> tables = {token, types, position, ids, type_ids, position_ids, context, offset, scale};                                \
    norm_sums<T, Grad, LANES_OF_PART>(tables, stats, grad, of_weight, of_bias, rows, segment, segments, length,                            \
                                      {dropout_key, dropout_threshold, dropout_factor});                                                   \
  }

#define OF_GRADS(GRAD_NAME, Grad, NAME, T)            \
  NORM_BACKWARD(GRAD_NAME, Grad, NAME, T)             \
  NORM_SUMS(wide, 4, GRAD_NAME, Grad, NAME, T)        \
  NORM_SUMS(narrow, 1, GRAD_NAME, Grad, NAME, T)

#define NORMS(NAME, T)                    \
  NORM(NAME, T)                           \
  OF_GRADS(f32, float, NAME, T)           \
  OF_GRADS(f16, __half, NAME, T)          \
  OF_GRADS(bf16, __nv_bfloat16, NAME, T)

NORMS(f32, float)
NORMS(f16, __half)
NORMS(bf16, __nv_bfloat16)
