/** How many insertions, deletions, substitutions and swaps of neighbours turn `a` into `b` (Damerau, 1964; optimal string alignment). */
const distance = (a: string, b: string): number => {
  let [beforeLast, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, column) => column)]
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const [left, up, diagonal] = [current[column - 1], last[column], last[column - 1]] as [number, number, number]
      let cost = Math.min(left + 1, up + 1, diagonal + (a[row - 1] === b[column - 1] ? 0 : 1))
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] as number) + 1)
      }
      current.push(cost)
    }
    ;[beforeLast, last] = [last, current]
  }
  return last[b.length] as number
}

/** Those of `names` that somebody who wrote `name` may have meant, the nearest first, at most three. */
export const nearNames = (name: string, names: Iterable<string>): string[] => {
  const wanted = name.slice(0, 64).toLowerCase()
  return (
    [...new Set(names)]
      .map((candidate) => {
        const known = candidate.toLowerCase()
        const contained = wanted.length > 2 && (known.includes(wanted) || wanted.includes(known))
        return { candidate, steps: contained ? 1 : distance(wanted, known) }
      })
      // With as many steps as letters, nothing of the name is left.
      .filter(({ steps }) => steps <= Math.max(2, wanted.length / 3) && steps < wanted.length)
      .sort((a, b) => a.steps - b.steps)
      .slice(0, 3)
      .map(({ candidate }) => candidate)
  )
}

/** `; did you mean 'a' or 'b'?`, or a full stop when no name is near. */
export const didYouMean = (name: string, names: Iterable<string>): string => {
  const near = nearNames(name, names).map((candidate) => `'${candidate}'`)
  return near.length === 0 ? '.' : `; did you mean ${near.join(' or ')}?`
}
