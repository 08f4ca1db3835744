// out[i, :] = dropout(scale * token[ids[i], :] + types[type_ids[i], :] + position[position_ids[i], :])
//
// One pass over the output: `wide` 16 bytes at a time, where rows are a multiple of that, else `narrow`, a value at a time. `length` is that of a row in these parts.
// Sums are rounded once, to nearest even.
#include "dropout.cuh"
#include "rows.cuh"
#include "tables.cuh"

template <typename T>
__device__ void lookup_wide(const Tables<T> tables, const Dropout dropout, T *out, uint32_t rows, uint32_t units) {
  constexpr int lanes = Unit<T>::count;
  EACH_ROW(row, rows) {
    const Starts start = tables.starts(row, units);
    const Mask mask(dropout, row);
    EACH_PART(unit, units) {
      const Unit<T> token = load_cached<T>(tables.token, start.token + unit);
      float sums[lanes];
#pragma unroll
      for (int lane = 0; lane < lanes; lane++) sums[lane] = __fmul_rn(tables.scale, widen(token.lanes[lane]));
      if (tables.types != nullptr) {
        const Unit<T> type = load_cached<T>(tables.types, start.type + unit);
#pragma unroll
        for (int lane = 0; lane < lanes; lane++) sums[lane] = __fadd_rn(sums[lane], widen(type.lanes[lane]));
      }
      if (tables.position != nullptr) {
        const Unit<T> place = load_cached<T>(tables.position, start.position + unit);
#pragma unroll
        for (int lane = 0; lane < lanes; lane++) sums[lane] = __fadd_rn(sums[lane], widen(place.lanes[lane]));
      }
      Unit<T> value;
#pragma unroll
      for (int lane = 0; lane < lanes; lane++) value.lanes[lane] = narrow<T>(mask.apply(sums[lane], unit * lanes + lane));
      // Nobody here reads it again, while rows of the tables are.
      store_streaming<T>(out, (uint64_t)row * units + unit, value);
    }
  }
}

template <typename T>
__device__ void lookup_narrow(const Tables<T> tables, const Dropout dropout, T *out, uint32_t rows, uint32_t dimensions) {
  EACH_ROW(row, rows) {
    const Starts start = tables.starts(row, dimensions);
    const Mask mask(dropout, row);
    EACH_PART(at, dimensions) {
      out[(uint64_t)row * dimensions + at] = narrow<T>(mask.apply(tables.sum(start, at), at));
    }
  }
}

#define LOOKUP(WIDTH, NAME, T)                                                                                              \
  extern "C" __global__ void lookup_##WIDTH##_##NAME(const T *token, const T *types, const T *position,                     \
                                                     const uint32_t *ids, const uint32_t *type_ids,                         \
                                                     const uint32_t *position_ids, uint32_t context, uint32_t offset,       \
                                                     float scale, T *out, uint32_t rows, uint32_t length,                   \
                                                     uint64_t dropout_key, uint32_t dropout_threshold,                      \
                                                     float dropout_factor) {                                                \
    const Tables<T> tables = {token, types, position, ids, type_ids, position_ids, context, offset, scale};                 \
    lookup_##WIDTH<T>(tables, {dropout_key, dropout_threshold, dropout_factor}, out, rows, length);                         \
  }

LOOKUP(wide, f32, float)
LOOKUP(wide, f16, __half)
LOOKUP(wide, bf16, __nv_bfloat16)
LOOKUP(narrow, f32, float)
LOOKUP(narrow, f16, __half)
LOOKUP(narrow, bf16, __nv_bfloat16)
