// Rows of a table over the threads of a grid. The threads of a block lie in rows (y) and along a row (x), so that no place has to be divided by the length
// of a row; blocks lie in rows (x) and, where there are few of these, along a row (y). At most 2^31 rows: a thread's next row is then a number of 32 bits too.
#pragma once
#include <stdint.h>

#define EACH_ROW(ROW, ROWS) \
  for (uint32_t ROW = blockIdx.x * blockDim.y + threadIdx.y; ROW < ROWS; ROW += gridDim.x * blockDim.y)

// The parts of a row that are a thread's.
#define EACH_PART(PART, PARTS) \
  for (uint32_t PART = blockIdx.y * blockDim.x + threadIdx.x; PART < PARTS; PART += gridDim.y * blockDim.x)

// The same for parts that are so many at a time: a thread asks for all of them before it waits for the first. They are blockDim.x apart.
#define TOGETHER 2
#define EACH_PARTS(FIRST, PARTS)                                                               \
  for (uint32_t FIRST = blockIdx.y * blockDim.x * TOGETHER + threadIdx.x; FIRST < PARTS;        \
       FIRST += gridDim.y * blockDim.x * TOGETHER)

// Those that a row has.
template <typename Part>
__device__ inline void load_parts(const Part *row, uint32_t first, uint32_t count, Part (&parts)[TOGETHER]) {
#pragma unroll
  for (int index = 0; index < TOGETHER; index++) {
    const uint32_t part = first + index * blockDim.x;
    if (part < count) parts[index] = row[part];
  }
}
