// Values of tables: f32, f16 and bf16, 16 bytes at a time.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <stdint.h>
#include <string.h>

__device__ inline float widen(float value) { return value; }
__device__ inline float widen(__half value) { return __half2float(value); }
__device__ inline float widen(__nv_bfloat16 value) { return __bfloat162float(value); }

template <typename T> __device__ T narrow(float value);
template <> __device__ inline float narrow<float>(float value) { return value; }
template <> __device__ inline __half narrow<__half>(float value) { return __float2half_rn(value); }
template <> __device__ inline __nv_bfloat16 narrow<__nv_bfloat16>(float value) { return __float2bfloat16_rn(value); }

// So many values that lie together.
template <typename T, int lanes> struct alignas(sizeof(T) * lanes) Pack {
  T lane[lanes];
};

// 16 bytes of values. Tables begin at multiples of that.
template <typename T> using Unit = Pack<T, 16 / sizeof(T)>;

// For what is not read again soon.
template <typename T> __device__ inline void store_streaming(Unit<T> *to, const Unit<T> &value) {
  uint4 bits;
  memcpy(&bits, &value, sizeof bits);
  __stcs(reinterpret_cast<uint4 *>(to), bits);
}
