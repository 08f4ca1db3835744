/** The least number from `from` on for which `holds`, if it does for all above one; `to` where for none below that. */
export const leastOf = (from: number, to: number, holds: (number: number) => boolean): number => {
  let [low, high] = [from, to]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}
