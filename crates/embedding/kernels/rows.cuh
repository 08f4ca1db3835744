// Rows of a table over the threads of a grid: the threads of a block lie in rows (y) and along a row (x), so that no place has to be divided by the length
// of a row. At most 2^31 rows: a thread's next row is then a number of 32 bits too.
#pragma once
#include <stdint.h>

#define EACH_ROW(ROW, ROWS) \
  for (uint32_t ROW = blockIdx.x * blockDim.y + threadIdx.y; ROW < ROWS; ROW += gridDim.x * blockDim.y)
