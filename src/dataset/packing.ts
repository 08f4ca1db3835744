import { NumberSet } from './number-set.ts'

/** Pieces that go into one window, by their numbers, in the order in which they were put there. */
export type Bin = readonly number[]

/**
 * Puts pieces of these sizes, each from 1 to `capacity`, into bins: the largest first, equal ones in their order, each into the bin that
 * is left with the least room (best fit), of equally full ones the last one touched. A new bin is opened when it fits nowhere. For many
 * pieces there are at most 11/9 times as many bins as with the best possible way (Johnson et al. 1974).
 *
 * Bins wait by the room that they have left; the least room that is enough is found in a {@link NumberSet}, in few steps.
 */
export const bestFitDecreasing = (sizes: ArrayLike<number>, capacity: number): Bin[] => {
  const bins: number[][] = []
  // Sparse: there are as many rooms as places of a window, and few bins.
  const byRoom: number[][] = []
  const rooms = new NumberSet(capacity)
  const put = (bin: number, room: number): void => {
    if (room === 0) return
    ;(byRoom[room] ??= []).push(bin)
    rooms.add(room)
  }
  for (const piece of decreasing(sizes, capacity)) {
    const size = sizes[piece] as number
    const room = rooms.firstFrom(size)
    if (room < 0) {
      bins.push([piece])
      put(bins.length - 1, capacity - size)
      continue
    }
    const waiting = byRoom[room] as number[]
    const bin = waiting.pop() as number
    if (waiting.length === 0) rooms.delete(room)
    ;(bins[bin] as number[]).push(piece)
    put(bin, room - size)
  }
  return bins
}

/**
 * Puts pieces of these sizes, each from 1 to `capacity`, into bins: the largest first, equal ones in their order, each into the first bin
 * that has room for it. There are at most 11/9 times as many bins, and 6/9 of one, as with the best possible way (Dósa 2007).
 *
 * The first bin with enough room is found from the top of a tree that knows the most room of each half of the bins.
 */
export const firstFitDecreasing = (sizes: ArrayLike<number>, capacity: number): Bin[] => {
  const bins: number[][] = []
  const leaves = 2 ** Math.ceil(Math.log2(Math.max(1, sizes.length)))
  // Bins that are not open yet have all of their room, so the first that fits may be a new one.
  const most = new Float64Array(2 * leaves).fill(capacity)
  for (const piece of decreasing(sizes, capacity)) {
    const size = sizes[piece] as number
    let node = 1
    while (node < leaves) node = (most[2 * node] as number) >= size ? 2 * node : 2 * node + 1
    const bin = node - leaves
    if (bin === bins.length) bins.push([])
    ;(bins[bin] as number[]).push(piece)
    most[node] = (most[node] as number) - size
    for (node >>= 1; node > 0; node >>= 1) most[node] = Math.max(most[2 * node] as number, most[2 * node + 1] as number)
  }
  return bins
}

/** The numbers of the pieces, the largest first, equal ones in their order: by counting, 16 bits of the size at a time. */
const decreasing = (sizes: ArrayLike<number>, capacity: number): Uint32Array => {
  let order = new Uint32Array(sizes.length)
  for (let piece = 0; piece < order.length; piece++) order[piece] = piece
  for (let shift = 0; shift < 32 && capacity >>> shift > 0; shift += 16) order = byDigit(order, sizes, capacity, shift)
  return order
}

/** Pieces ordered by 16 bits of what their sizes leave of `capacity`; equal ones stay as they are. */
const byDigit = (
  order: Uint32Array<ArrayBuffer>,
  sizes: ArrayLike<number>,
  capacity: number,
  shift: number,
): Uint32Array<ArrayBuffer> => {
  const starts = new Uint32Array(Math.min(capacity, 0xffff) + 2)
  for (let piece = 0; piece < order.length; piece++) {
    const place = (((capacity - (sizes[piece] as number)) >>> shift) & 0xffff) + 1
    starts[place] = (starts[place] as number) + 1
  }
  for (let place = 1; place < starts.length; place++)
    starts[place] = (starts[place] as number) + (starts[place - 1] as number)
  const sorted = new Uint32Array(order.length)
  for (let index = 0; index < order.length; index++) {
    const piece = order[index] as number
    const place = ((capacity - (sizes[piece] as number)) >>> shift) & 0xffff
    sorted[starts[place] as number] = piece
    starts[place] = (starts[place] as number) + 1
  }
  return sorted
}
