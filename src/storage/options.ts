// Options of stores as they come in: typed from a program, as texts from a command line. Checked by a zod schema, all faults
// reported together. One rule: a value never enters a message or a fact, for it may be a secret.
import { z } from 'zod'
import { AlluviumError } from '../errors.js'

/** A text that is not empty. */
export function textField(): z.ZodType<string> {
  return z.string({ error: 'must be a text' }).min(1, { error: 'must not be empty' })
}

/** `true` or `false`, as such or spelled out. */
export function flagField(): z.ZodType<boolean> {
  return z.union([z.boolean(), z.stringbool({ truthy: ['true'], falsy: ['false'] })], { error: 'must be true or false' })
}

/** A whole number within bounds, as such or spelled out. */
export function countField(least: number, most: number): z.ZodType<number> {
  const error = `must be a whole number from ${least} to ${most}`
  const digits = z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number)
  return z.union([z.number(), digits], { error }).pipe(z.int({ error }).min(least, { error }).max(most, { error }))
}

/** One of a few words. */
export function wordField(words: readonly string[]): z.ZodType<string> {
  return z.enum(words as [string, ...string[]], { error: `must be ${words.join(' or ')}` })
}

/** The names of a schema's options. */
export function optionNames(schema: z.ZodObject): string[] {
  return Object.keys(schema.shape)
}

/**
 * Checks options against a strict schema. Options that are `undefined` count as absent.
 *
 * @param store - Whose options they are, for the message: "S3".
 * @param relations - Faults between options, given those that are there by name.
 * @throws AlluviumError `INVALID_OPTIONS` with every fault; an unknown option names the nearest there is. Never a value.
 */
export function checkOptions<T>(
  schema: z.ZodObject,
  given: Readonly<Record<string, unknown>>,
  store: string,
  relations: (has: (name: string) => boolean) => readonly string[] = () => [],
): T {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new TypeError('storage options are an object')
  // No prototype: an option called __proto__ is an unknown option like any other.
  const present = Object.entries(given).filter(([, value]) => value !== undefined)
  const names = optionNames(schema)
  const unknown = present.map(([name]) => name).filter((name) => !names.includes(name))
  const known = Object.fromEntries(present.filter(([name]) => names.includes(name)))
  const parsed = schema.safeParse(known)
  const faults = [
    ...unknown.map((name) => unknownOption(name, names)),
    ...(parsed.success
      ? []
      : parsed.error.issues.map(({ path, message }) => (path.length === 0 ? message : `${String(path[0])} ${message}`))),
    ...relations((name) => known[name] !== undefined),
  ]
  if (faults.length === 0) return parsed.data as T
  const bad = [
    ...new Set([...unknown, ...(parsed.error?.issues ?? []).flatMap(({ path }) => (path.length === 0 ? [] : [String(path[0])]))]),
  ]
  throw new AlluviumError('INVALID_OPTIONS', `storage options of ${store}: ${faults.join('; ')}`, { options: bad })
}

function unknownOption(name: string, names: readonly string[]): string {
  const near = nearestName(name, names)
  const shown = JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name)
  return `there is no option ${shown}${near === undefined ? `, only ${names.join(', ')}` : `; did you mean ${near}?`}`
}

/** The name closest to what was typed, if any is close. */
export function nearestName(typed: string, names: readonly string[]): string | undefined {
  if (typed.length > 100) return undefined
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(typed.length / 3)) + 1
  for (const name of names) {
    const each = editDistance(typed.toLowerCase(), name.toLowerCase())
    if (each < bestDistance) [best, bestDistance] = [name, each]
  }
  return best
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length] as number
}
