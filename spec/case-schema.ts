// What a case is: a table, steps on it through an engine's adapter, and what each step must answer. Cases are data; this
// schema is strict, so that a misspelt expectation is an error and not a case that always passes.
import { z } from 'zod'

/** A JSON value of a canonical row (see README.md, "Canonical values"). */
export type CanonicalValue = string | number | boolean | null | readonly CanonicalValue[] | { readonly [name: string]: CanonicalValue }
export type CanonicalRow = { readonly [column: string]: CanonicalValue }

const canonicalValue: z.ZodType<CanonicalValue> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(canonicalValue), z.record(z.string(), canonicalValue)]),
)
const canonicalRow: z.ZodType<CanonicalRow> = z.record(z.string(), canonicalValue)
const version: z.ZodNumber = z.number().int().nonnegative()
const time: z.ZodString = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$/)

const expectError = z.strictObject({
  error: z.strictObject({
    /** Any of these; compared only with engines whose adapter says that it gives codes. */
    codes: z.array(z.string().regex(/^[A-Z_]+$/)).min(1),
    /** Texts that the message must hold: the feature in the way, the missing file. Compared as codes are. */
    names: z.array(z.string().min(1)).optional(),
  }),
})
const expectRows = z.strictObject({ rows: z.array(canonicalRow) })
/** Tolerance is optional: right rows or an error, never wrong rows. */
const expectRowsOrError = z.strictObject({ rowsOrError: z.array(canonicalRow) })
const expectCount = z.strictObject({ count: version })
const readExpectation = z.union([expectRows, expectError, expectRowsOrError, expectCount])

const readStep = z.strictObject({
  op: z.literal('read'),
  version: version.optional(),
  timestamp: time.optional(),
  where: z.string().min(1).optional(),
  columns: z.array(z.string()).min(1).optional(),
  /** With `_row_id` and `_row_commit_version`. */
  rowIds: z.literal(true).optional(),
  /** Folders (from the table's own) whose files the log may name by absolute paths. */
  allowedPaths: z.array(z.string().min(1)).min(1).optional(),
  expect: readExpectation,
})
const changesStep = z.strictObject({
  op: z.literal('changes'),
  from: version,
  to: version,
  expect: z.union([expectRows, expectError, expectRowsOrError]),
})

const written = { expect: expectError.optional() }
const createStep = z.strictObject({
  op: z.literal('create'),
  schema: z.looseObject({ type: z.literal('struct'), fields: z.array(z.unknown()).min(1) }),
  partitionBy: z.array(z.string()).optional(),
  properties: z.record(z.string(), z.string()).optional(),
  ...written,
})
const rowsOfStep = {
  rows: z.array(canonicalRow),
  txn: z.strictObject({ appId: z.string().min(1), version }).optional(),
  ...written,
}
const appendStep = z.strictObject({ op: z.literal('append'), ...rowsOfStep })
const overwriteStep = z.strictObject({ op: z.literal('overwrite'), ...rowsOfStep })
const setPropertiesStep = z.strictObject({
  op: z.literal('setProperties'),
  set: z.record(z.string(), z.string()),
  unset: z.array(z.string()).optional(),
  ...written,
})

export const stepSchema: z.ZodType<Step> = z.discriminatedUnion('op', [
  readStep,
  changesStep,
  createStep,
  appendStep,
  overwriteStep,
  setPropertiesStep,
])
export type Step =
  | z.infer<typeof readStep>
  | z.infer<typeof changesStep>
  | z.infer<typeof createStep>
  | z.infer<typeof appendStep>
  | z.infer<typeof overwriteStep>
  | z.infer<typeof setPropertiesStep>

export interface Case {
  readonly id: string
  /** What it promises. */
  readonly title: string
  /** The heading of the protocol it comes from. */
  readonly section: string
  /** Invariants of invariants.md that it holds. */
  readonly invariants: readonly string[]
  /** A folder below tables/; without one the steps make the table. */
  readonly table?: string | undefined
  /** The table's folder within that one, where there is more in it than the table. */
  readonly folder?: string | undefined
  /** Times that the files of commits 0, 1, … get in the copy that is read. */
  readonly commitTimes?: readonly string[] | undefined
  /** What was written is read by a second engine too: every read after the last write, and those of a version. */
  readonly secondEngine?: boolean | undefined
  readonly steps: readonly Step[]
}

export const caseSchema: z.ZodType<Case> = z.strictObject({
  id: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
  title: z.string().min(10),
  section: z.string().min(3),
  invariants: z.array(z.string().regex(/^[A-Z]\d+$/)),
  table: z
    .string()
    .regex(/^[a-z0-9-]+\/[a-z0-9-]+$/)
    .optional(),
  folder: z
    .string()
    .regex(/^[a-z0-9-]+$/)
    .optional(),
  commitTimes: z.array(time).min(1).optional(),
  secondEngine: z.boolean().optional(),
  steps: z.array(stepSchema).min(1),
})

export const catalogueSchema: z.ZodType<Catalogue> = z.record(
  z.string(),
  z.strictObject({
    engine: z.string(),
    script: z.string(),
    shows: z.string(),
    base: z.string().optional(),
    without: z.array(z.string()).optional(),
    placeholders: z.boolean().optional(),
  }),
)
/** Where every table comes from, by its folder. */
export type Catalogue = Readonly<Record<string, CatalogueEntry>>

export interface CatalogueEntry {
  /** What made it, with its version. */
  readonly engine: string
  readonly script: string
  readonly shows: string
  /** The table it was made from: its folder holds only the files that differ. */
  readonly base?: string | undefined
  /** Files of `base` that it does not have. */
  readonly without?: readonly string[] | undefined
  /** Its log has placeholders for its own place. */
  readonly placeholders?: boolean | undefined
}
