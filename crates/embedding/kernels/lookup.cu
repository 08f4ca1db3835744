// out[i, :] = dropout(scale * token[ids[i], :] + types[type_ids[i], :] + position[position_ids[i], :])
//
// One pass over the output: `wide` 16 bytes at a time, where rows are a multiple of that, else `narrow`, a value at a time. `length` is that of a row in these parts.
// Sums are rounded once, to nearest even.
#include "dropout.cuh"
#include "rows.cuh"
#include "tables.cuh"

template <typename T>
__device__ void lookup_wide(const Tables<T> tables, const Dropout dropout, T *out, uint32_t rows, uint32_t units) {
  constexpr int lanes = sizeof(Unit<T>) / sizeof(T);
  const auto units_of = [](const T *table) { return reinterpret_cast<const Unit<T> *>(table); };
  EACH_ROW(row, rows) {
    const Starts start = tables.starts(row, units);
    const Mask mask(dropout, row);
    EACH_PARTS(first, units) {
      Unit<T> token[TOGETHER], type[TOGETHER], place[TOGETHER];
      load_parts(units_of(tables.token) + start.token, first, units, token);
      if (tables.types != nullptr) load_parts(units_of(tables.types) + start.type, first, units, type);
      if (tables.position != nullptr) load_parts(units_of(tables.position) + start.position, first, units, place);
#pragma unroll
      for (int index = 0; index < TOGETHER; index++) {
        const uint32_t unit = first + index * blockDim.x;
        if (unit >= units) break;
        Unit<T> value;
#pragma unroll
        for (int lane = 0; lane < lanes; lane++) {
          const float sum = tables.add_up(token[index].lane[lane], type[index].lane[lane], place[index].lane[lane]);
          value.lane[lane] = narrow<T>(mask.apply(sum, unit * lanes + lane));
        }
        // Nobody here reads it again, while rows of the tables are.
        store_streaming<T>(reinterpret_cast<Unit<T> *>(out) + (uint64_t)row * units + unit, value);
      }
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

#define LOOKUP(WIDTH, NAME, T)                                                                                                    \
  extern "C" __global__ void __launch_bounds__(256, 3) lookup_##WIDTH##_##NAME(const T *token, const T *types, const T *position, \
                                                     const uint32_t *ids, const uint32_t *type_ids,                               \
                                                     const uint32_t *position_ids, uint32_t context, uint32_t offset,             \
                                                     float scale, T *out, uint32_t rows, uint32_t length,                         \
                                                     uint64_t dropout_key, uint32_t dropout_threshold,                            \
                                                     float dropout_factor) {                                                      \
    const Tables<T> tables = {token, types, position, ids, type_ids, position_ids, context, offset, scale};                       \
    lookup_##WIDTH<T>(tables, {dropout_key, dropout_threshold, dropout_factor}, out, rows, length);                               \
  }

LOOKUP(wide, f32, float)
LOOKUP(wide, f16, __half)
LOOKUP(wide, bf16, __nv_bfloat16)
LOOKUP(narrow, f32, float)
LOOKUP(narrow, f16, __half)
LOOKUP(narrow, bf16, __nv_bfloat16)
