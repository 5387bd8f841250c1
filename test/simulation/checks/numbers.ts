// Rows as sets of numbers.

/** Whether both have the same numbers, in any order. */
export function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false
  const left = Float64Array.from(a).sort()
  const right = Float64Array.from(b).sort()
  return left.every((value, i) => value === right[i])
}

/** The first number that comes again. */
export function twice(rows: readonly number[]): number | undefined {
  const seen = new Set<number>()
  return rows.find((id) => seen.size === seen.add(id).size)
}
