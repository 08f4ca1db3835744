import { callNative } from '../errors.ts'
import { native } from '../native.ts'
import type { NonSharedFloat32Array } from '../non-shared.ts'
import { integerIn } from '../validate.ts'

/** More heads than any model has. */
const mostHeads = 2 ** 20

/**
 * The slopes of attention with linear biases (Press et al., "Train short, test long", 2022): the score of head `h` between a query and a
 * key that is `n` positions before it is made smaller by `n * slopes[h]`. They are `2 ** (-8 / heads)` and its powers; where `heads` is no
 * power of two, in the order of the paper's code, which is also that of BLOOM.
 */
export const alibiSlopes = (heads: number): NonSharedFloat32Array =>
  callNative(() => native().alibiSlopes(integerIn('heads', heads, 1, mostHeads)))
