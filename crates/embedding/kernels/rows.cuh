// Rows of a table over the threads of a grid. The threads of a block lie in rows (y) and along a row (x), so that no place has to be divided by the length
// of a row; blocks lie in rows (x) and, where there are few of these, along a row (y). At most 2^31 rows: a thread's next row is then a number of 32 bits too.
#pragma once
#include <stdint.h>

#define EACH_ROW(ROW, ROWS) \
  for (uint32_t ROW = blockIdx.x * blockDim.y + threadIdx.y; ROW < ROWS; ROW += gridDim.x * blockDim.y)

// The parts of a row that are a thread's.
#define EACH_PART(PART, PARTS) \
  for (uint32_t PART = blockIdx.y * blockDim.x + threadIdx.x; PART < PARTS; PART += gridDim.y * blockDim.x)
