// Tables whose rows are added up: scale * token[ids[i], :] + types[type_ids[i], :] + position[position_ids[i], :], in f32 and in this order, as on the CPU.
//
// All rows exist: the host has checked them, and that `context` is not 0. Tables that are not there are null; without `type_ids` all are row 0, without
// `position_ids` they are offset + i % context.
#pragma once
#include "values.cuh"

// Where the rows of a place start, in parts of a row.
struct Starts {
  uint64_t token, type, position;
};

template <typename T> struct Tables {
  const T *token, *types, *position;
  const uint32_t *ids, *type_ids, *position_ids;
  uint32_t context, offset;
  float scale;

  __device__ Starts starts(uint32_t row, uint32_t length) const {
    const uint32_t type = type_ids == nullptr ? 0 : __ldg(type_ids + row);
    const uint32_t place = position_ids == nullptr ? offset + row % context : __ldg(position_ids + row);
    return {(uint64_t)__ldg(ids + row) * length, (uint64_t)type * length, (uint64_t)place * length};
  }

  // The sum of a value of each; those of tables that are not there are not looked at.
  __device__ float add_up(const T &of_token, const T &of_type, const T &of_position) const {
    float sum = __fmul_rn(scale, widen(of_token));
    if (types != nullptr) sum = __fadd_rn(sum, widen(of_type));
    if (position != nullptr) sum = __fadd_rn(sum, widen(of_position));
    return sum;
  }

  // Value `at` of the row whose starts, in values, these are.
  __device__ float sum(const Starts &start, uint32_t at) const {
    const T of_type = types == nullptr ? T(0.0f) : types[start.type + at];
    const T of_position = position == nullptr ? T(0.0f) : position[start.position + at];
    return add_up(token[start.token + at], of_type, of_position);
  }
};
