// The cells of the matrix as the schedules showed them, held against Spark's table and the list of what is explained.
import { EXPLANATIONS, explanationsOf, SWAPPED } from './disagreements.js'
import type { Exploration } from './explore.js'
import type { Verdict } from './judge.js'
import { OPERATIONS, type OperationName } from './operations.js'
import { sparkVerdict } from './spark.js'
import { parseVariant, type Variant, variantName } from './variant.js'

export interface MatrixReport {
  readonly cells: number
  readonly disagreements: number
  /** Unexplained disagreements, stale explanations, cells that are now this and now that. */
  readonly faults: readonly string[]
  /** Cells by the name that explains them. */
  readonly explained: Readonly<Record<string, number>>
}

/** Verdicts by variant and cell. Plain data, so that it travels between processes. */
export type Verdicts = Record<string, Record<string, readonly string[]>>

export class Matrix {
  readonly #verdicts = new Map<string, Map<string, Set<string>>>()
  readonly #swapped = new Set<string>()

  add(variant: Variant, { cells, swaps }: Pick<Exploration, 'cells' | 'swaps'>): void {
    for (const [cell, verdicts] of cells) for (const verdict of verdicts) this.#put(variantName(variant), cell, verdict)
    for (const cell of swaps) this.#swapped.add(cell)
  }

  merge(verdicts: Verdicts, swaps: readonly string[]): void {
    for (const [variant, cells] of Object.entries(verdicts))
      for (const [cell, all] of Object.entries(cells)) for (const verdict of all) this.#put(variant, cell, verdict)
    for (const cell of swaps) this.#swapped.add(cell)
  }

  get verdicts(): Verdicts {
    return Object.fromEntries(
      [...this.#verdicts].map(([variant, cells]) => [variant, Object.fromEntries([...cells].map(([cell, all]) => [cell, [...all]]))]),
    )
  }

  get swaps(): string[] {
    return [...this.#swapped].sort()
  }

  /** @param whole every cell of these variants was reached, so that what is explained and not seen is stale */
  report(whole: boolean): MatrixReport {
    const faults: string[] = []
    const explained: Record<string, number> = {}
    const seen = new Set<string>()
    let cells = 0
    let disagreements = 0
    for (const [name, verdicts] of this.#verdicts) {
      const variant = parseVariant(name)
      for (const [cell, all] of verdicts) {
        cells++
        const [current, winner] = cell.split('|') as [OperationName, OperationName]
        if (all.size > 1) faults.push(`${name}: ${current} after ${winner} is now ${[...all].join(', now ')}`)
        const [verdict] = all as Set<Verdict>
        const why = explanationsOf(variant, current, winner)
        if (verdict === sparkVerdict(variant, current, winner)) {
          for (const each of why) faults.push(`${name}: ${current} after ${winner} is as in Spark, though ${each.name} says otherwise`)
          continue
        }
        disagreements++
        if (why.length !== 1)
          faults.push(`${name}: ${current} after ${winner} is ${verdict}, other than in Spark, explained ${why.length} times`)
        for (const each of why) explained[each.name] = (explained[each.name] ?? 0) + 1
        seen.add(shapeOf(variant, cell))
      }
    }
    if (whole) faults.push(...staleExplanations(seen), ...this.#staleSwaps())
    faults.push(...this.#unexplainedSwaps())
    return { cells, disagreements, faults, explained }
  }

  /** The grid of one variant, `.` where both may commit. */
  grid(variant: Variant): string[] {
    const verdicts = this.#verdicts.get(variantName(variant))
    return OPERATIONS.map((current) => {
      const marks = OPERATIONS.map((winner) => {
        const verdict = verdicts?.get(`${current}|${winner}`)
        return verdict === undefined ? '?' : verdict.has('ok') ? '.' : 'x'
      })
      return `${current.padEnd(11)} ${marks.join('')}`
    })
  }

  #put(variant: string, cell: string, verdict: string): void {
    let cells = this.#verdicts.get(variant)
    if (cells === undefined) this.#verdicts.set(variant, (cells = new Map()))
    const known = cells.get(cell)
    if (known === undefined) cells.set(cell, new Set([verdict]))
    else known.add(verdict)
  }

  #unexplainedSwaps(): string[] {
    const known = new Set(SWAPPED.flatMap(({ currents, winners }) => currents.flatMap((one) => winners.map((other) => `${one}|${other}`))))
    return this.swaps
      .filter((cell) => !known.has(cell))
      .map((cell) => `${cell}: the table is as if the later one had been first, unexplained`)
  }

  #staleSwaps(): string[] {
    return SWAPPED.flatMap(({ name, currents, winners }) =>
      currents
        .flatMap((one) => winners.map((other) => `${one}|${other}`))
        .filter((cell) => !this.#swapped.has(cell))
        .map((cell) => `${name} says of ${cell} what is not so`),
    )
  }
}

function shapeOf({ isolation, layout, relation }: Pick<Variant, 'isolation' | 'layout' | 'relation'>, cell: string): string {
  return `${isolation}/${layout}/${relation} ${cell}`
}

function staleExplanations(seen: ReadonlySet<string>): string[] {
  const stale: string[] = []
  for (const { name, isolations, layouts, relations, currents, winners } of EXPLANATIONS)
    for (const isolation of isolations)
      for (const layout of layouts)
        for (const relation of relations)
          for (const current of currents)
            for (const winner of winners) {
              const shape = shapeOf({ isolation, layout, relation }, `${current}|${winner}`)
              if (!seen.has(shape)) stale.push(`${name} explains ${shape}, which is as in Spark`)
            }
  return stale
}
