// Values of tables: f32, f16 and bf16, 16 bytes at a time.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <stdint.h>

__device__ inline float widen(float value) { return value; }
__device__ inline float widen(__half value) { return __half2float(value); }
__device__ inline float widen(__nv_bfloat16 value) { return __bfloat162float(value); }

template <typename T> __device__ T narrow(float value);
template <> __device__ inline float narrow<float>(float value) { return value; }
template <> __device__ inline __half narrow<__half>(float value) { return __float2half_rn(value); }
template <> __device__ inline __nv_bfloat16 narrow<__nv_bfloat16>(float value) { return __float2bfloat16_rn(value); }

// 16 bytes of values.
template <typename T> union Unit {
  static constexpr int count = 16 / sizeof(T);
  uint4 bits;
  T lanes[count];
  __device__ Unit() {}
};

// Tables begin at multiples of 16 bytes.
template <typename T> __device__ inline Unit<T> load_cached(const T *table, uint64_t unit) {
  Unit<T> value;
  value.bits = __ldg(reinterpret_cast<const uint4 *>(table) + unit);
  return value;
}

template <typename T> __device__ inline void store_streaming(T *out, uint64_t unit, const Unit<T> &value) {
  __stcs(reinterpret_cast<uint4 *>(out) + unit, value.bits);
}
