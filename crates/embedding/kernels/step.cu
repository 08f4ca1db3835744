// Steps of the optimisers, row by row: the formulas of src/cpu/step.rs, rounded at the same places.
//
// With `ids`, row ids[i] has gradient i, and no other row changes; without, every row does, by gradient slots[i], or by 0 where that is NONE. Moments of a row lie
// together: [rows, moments, dimensions]. `wide` is four values at a time, where rows are a multiple of that, else `narrow`, one.
#include "rows.cuh"
#include "values.cuh"

#define NONE 0xFFFFFFFFu

// What a moment becomes: a part of the way to what is new, by the share `rate` from the old, or where that is negative, if only -0, by -rate back from the new.
__device__ inline float toward(float rate, float old, float fresh) {
  return __fadd_rn(__float_as_int(rate) < 0 ? fresh : old, __fmul_rn(rate, __fsub_rn(fresh, old)));
}

struct AdamW {
  static constexpr int moments = 2;
  float decay, first_rate, second_rate, epsilon, step_size, second_correction;

  __device__ float apply(float value, float (&moment)[2], float grad) const {
    moment[0] = toward(first_rate, moment[0], grad);
    moment[1] = toward(second_rate, moment[1], __fmul_rn(grad, grad));
    const float divisor = __fadd_rn(__fdiv_rn(__fsqrt_rn(moment[1]), second_correction), epsilon);
    return __fsub_rn(__fmul_rn(value, decay), __fmul_rn(step_size, __fdiv_rn(moment[0], divisor)));
  }
};

struct Sgd {
  static constexpr int moments = 0;
  float learning_rate, weight_decay;

  __device__ float direction(float value, float grad) const { return __fadd_rn(grad, __fmul_rn(weight_decay, value)); }

  __device__ float apply(float value, float (&)[1], float grad) const {
    return __fsub_rn(value, __fmul_rn(learning_rate, direction(value, grad)));
  }
};

struct Momentum {
  static constexpr int moments = 1;
  Sgd sgd;
  float momentum;
  bool nesterov;

  __device__ float apply(float value, float (&moment)[1], float grad) const {
    const float direction = sgd.direction(value, grad);
    moment[0] = __fadd_rn(__fmul_rn(momentum, moment[0]), direction);
    const float along = nesterov ? __fadd_rn(direction, __fmul_rn(momentum, moment[0])) : moment[0];
    return __fsub_rn(value, __fmul_rn(sgd.learning_rate, along));
  }
};

template <typename T, int lanes, typename Rule>
__device__ void step(const Rule rule, T *table, float *all_moments, const float *grads, const uint32_t *ids, const uint32_t *slots,
                     uint32_t count, uint32_t length) {
  constexpr int kept = Rule::moments, room = kept == 0 ? 1 : kept;
  EACH_ROW(entry, count) {
    const uint32_t row = ids == nullptr ? entry : ids[entry], grad_row = ids == nullptr ? slots[entry] : entry;
    Pack<T, lanes> *const values = reinterpret_cast<Pack<T, lanes> *>(table) + (uint64_t)row * length;
    Pack<float, lanes> *const moments = reinterpret_cast<Pack<float, lanes> *>(all_moments) + (uint64_t)row * kept * length;
    const Pack<float, lanes> *const row_grads = reinterpret_cast<const Pack<float, lanes> *>(grads) + (uint64_t)grad_row * length;
    EACH_PART(at, length) {
      Pack<float, lanes> grad = {}, moment[room] = {};
      if (grad_row != NONE) grad = row_grads[at];
      Pack<T, lanes> value = values[at];
#pragma unroll
      for (int index = 0; index < kept; index++) moment[index] = moments[(uint64_t)index * length + at];
#pragma unroll
      for (int lane = 0; lane < lanes; lane++) {
        float own[room] = {};
#pragma unroll
        for (int index = 0; index < kept; index++) own[index] = moment[index].lane[lane];
        value.lane[lane] = narrow<T>(rule.apply(widen(value.lane[lane]), own, grad.lane[lane]));
#pragma unroll
        for (int index = 0; index < kept; index++) moment[index].lane[lane] = own[index];
      }
      values[at] = value;
#pragma unroll
      for (int index = 0; index < kept; index++) moments[(uint64_t)index * length + at] = moment[index];
    }
  }
}

#define STEPS(WIDTH, LANES, NAME, T)                                                                                                   \
  extern "C" __global__ void adam_w_##WIDTH##_##NAME(T *table, float *moments, const float *grads, const uint32_t *ids,                \
                                                     const uint32_t *slots, uint32_t count, uint32_t length, float decay,              \
                                                     float first_rate, float second_rate, float epsilon, float step_size,              \
                                                     float second_correction) {                                                        \
    const AdamW rule = {decay, first_rate, second_rate, epsilon, step_size, second_correction};                                        \
    step<T, LANES>(rule, table, moments, grads, ids, slots, count, length);                                                            \
  }                                                                                                                                    \
  extern "C" __global__ void sgd_##WIDTH##_##NAME(T *table, float *moments, const float *grads, const uint32_t *ids,                   \
                                                  const uint32_t *slots, uint32_t count, uint32_t length, float learning_rate,         \
                                                  float weight_decay) {                                                                \
    step<T, LANES>(Sgd{learning_rate, weight_decay}, table, moments, grads, ids, slots, count, length);                                \
  }                                                                                                                                    \
  extern "C" __global__ void momentum_##WIDTH##_##NAME(T *table, float *moments, const float *grads, const uint32_t *ids,              \
                                                       const uint32_t *slots, uint32_t count, uint32_t length, float learning_rate,    \
                                                       float weight_decay, float momentum, uint32_t nesterov) {                        \
    const Momentum rule = {{learning_rate, weight_decay}, momentum, nesterov != 0};                                                    \
    step<T, LANES>(rule, table, moments, grads, ids, slots, count, length);                                                            \
  }

STEPS(wide, 4, f32, float)
STEPS(wide, 4, f16, __half)
STEPS(wide, 4, bf16, __nv_bfloat16)
STEPS(narrow, 1, f32, float)
STEPS(narrow, 1, f16, __half)
STEPS(narrow, 1, bf16, __nv_bfloat16)
