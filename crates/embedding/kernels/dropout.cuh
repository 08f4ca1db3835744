// Values left out at random: the definition is in src/dropout.rs, and both give the same mask. It is computed where it is needed, and never stored.
#pragma once
#include <stdint.h>

struct Dropout {
  uint64_t key;
  // Below it, a value is left out. 0 leaves out none.
  uint32_t threshold;
  // What the others are multiplied by.
  float factor;
};

__device__ inline uint64_t mix64(uint64_t word) {
  word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9u;
  word = (word ^ word >> 27) * 0x94D049BB133111EBu;
  return word ^ word >> 31;
}

__device__ inline uint32_t mix32(uint32_t word) {
  word = (word ^ word >> 16) * 0x85EBCA6Bu;
  word = (word ^ word >> 13) * 0xC2B2AE35u;
  return word ^ word >> 16;
}

// What the values of one row are multiplied by.
struct Mask {
  const Dropout dropout;
  const uint64_t words;

  __device__ Mask(const Dropout dropout, uint32_t row)
      : dropout(dropout), words(dropout.threshold == 0 ? 0 : mix64(dropout.key + ((uint64_t)row + 1) * 0x9E3779B97F4A7C15u)) {}

  __device__ float apply(float value, uint32_t column) const {
    if (dropout.threshold == 0) return value;
    const uint32_t hash = mix32(mix32((uint32_t)words + column * 0x9E3779B9u) ^ (uint32_t)(words >> 32));
    return __fmul_rn(value, hash >= dropout.threshold ? dropout.factor : 0.0f);
  }
};
