// What kernels use of CUDA, for a C++ compiler: one thread after the other, or by turns where they meet, and every rounding where the device has it.
#pragma once
#include "warp.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <vector_functions.h>

struct Place {
  unsigned x, y, z;
};
inline thread_local Place threadIdx, blockIdx, blockDim, gridDim;

// How many threads a block has at most, and how many blocks there are to be at a time: nothing here.
#define __launch_bounds__(...)

using std::min;
template <typename T> inline T __ldg(const T *from) { return *from; }
inline float __shfl_xor_sync(unsigned among, float value, unsigned apart) { return Warp::current->exchange(among, value, apart); }
inline void __stcs(uint4 *to, uint4 value) { std::memcpy(to, &value, sizeof value); }
inline int __float_as_int(float value) {
  int bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// Compiled with -ffp-contract=off: nothing is fused.
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fsqrt_rn(float a) { return std::sqrt(a); }
