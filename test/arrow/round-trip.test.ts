// Rows into columns and back, through every way a column can be cut, gathered, joined and sent. Random nested schemas,
// names that objects inherit, nulls at every depth, values at the edges of their types.
import { type RecordBatch, Table, tableFromIPC, tableToIPC } from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BatchBuilder,
  concatBatches,
  conformBatch,
  fromArrowSchema,
  maskToIndices,
  project,
  rowsOf,
  take,
  toArrowSchema,
} from '../../src/arrow/index.js'
import type { StructType } from '../../src/schema/index.js'
import { anySample, type Sample, show } from './rows-arbitrary.js'

const runs = { numRuns: 150 }
const micros = { timestamps: 'micros' } as const

function build(sample: Sample): RecordBatch {
  const builder = new BatchBuilder(sample.struct)
  expect(builder.appendRows(sample.rows)).toEqual([])
  return builder.finish()
}

function shown(batch: RecordBatch, struct: StructType): string[] {
  return rowsOf(batch, struct, micros).map(show)
}

const cutSample = anySample(40).chain((sample) =>
  fc.tuple(fc.constant(sample), fc.nat(sample.rows.length), fc.nat(sample.rows.length)).map(([chosen, a, b]) => ({
    sample: chosen,
    from: Math.min(a, b),
    to: Math.max(a, b),
  })),
)

describe('rows -> batch -> rows', () => {
  test('every row comes back as it went in', () => {
    fc.assert(
      fc.property(anySample(40), (sample) => {
        expect(shown(build(sample), sample.struct)).toEqual(sample.expected.map(show))
      }),
      runs,
    )
  })

  test('rows appended one call at a time make the same batch as rows appended at once', () => {
    fc.assert(
      fc.property(anySample(20), (sample) => {
        const builder = new BatchBuilder(sample.struct, { capacityRows: 1 })
        for (const row of sample.rows) expect(builder.appendRows([row])).toEqual([])
        expect(builder.rowCount).toBe(sample.rows.length)
        expect(shown(builder.finish(), sample.struct)).toEqual(sample.expected.map(show))
      }),
      runs,
    )
  })

  test('a builder is empty and usable again after finish', () => {
    fc.assert(
      fc.property(anySample(20), (sample) => {
        const builder = new BatchBuilder(sample.struct)
        builder.appendRows(sample.rows)
        const first = builder.finish()
        builder.appendRows([...sample.rows].reverse())
        const second = builder.finish()
        expect(shown(first, sample.struct)).toEqual(sample.expected.map(show))
        expect(shown(second, sample.struct)).toEqual(sample.expected.map(show).reverse())
      }),
      { numRuns: 60 },
    )
  })

  test('truncating drops exactly the rows from there on', () => {
    fc.assert(
      fc.property(cutSample, ({ sample, from }) => {
        const builder = new BatchBuilder(sample.struct)
        builder.appendRows(sample.rows)
        builder.truncate(from)
        builder.appendRows(sample.rows)
        expect(shown(builder.finish(), sample.struct)).toEqual([...sample.expected.slice(0, from), ...sample.expected].map(show))
      }),
      runs,
    )
  })
})

describe('slices, gathers and joins', () => {
  test('a slice of a batch has the rows of the slice', () => {
    fc.assert(
      fc.property(cutSample, ({ sample, from, to }) => {
        expect(shown(build(sample).slice(from, to), sample.struct)).toEqual(sample.expected.slice(from, to).map(show))
      }),
      runs,
    )
  })

  test('take is array indexing, on slices and on slices of slices too', () => {
    fc.assert(
      fc.property(cutSample, fc.array(fc.nat(1000), { maxLength: 60 }), ({ sample, from, to }, picks) => {
        const slice = build(sample).slice(from, to)
        const rows = sample.expected.slice(from, to)
        const indices = rows.length === 0 ? [] : picks.map((pick) => pick % rows.length)
        const taken = take(slice, Int32Array.from(indices))
        expect(shown(taken, sample.struct)).toEqual(indices.map((i) => show(rows[i])))
        const middle = taken.slice(indices.length >> 2, indices.length)
        expect(shown(take(middle, Uint32Array.from(middle.numRows > 0 ? [middle.numRows - 1, 0] : [])), sample.struct)).toEqual(
          middle.numRows > 0 ? [show(rows[indices.at(-1) as number]), show(rows[indices[indices.length >> 2] as number])] : [],
        )
      }),
      runs,
    )
  })

  test('concatenated slices have the rows of all, in order', () => {
    fc.assert(
      fc.property(cutSample, ({ sample, from, to }) => {
        const batch = build(sample)
        const parts = [batch.slice(from, to), batch, batch.slice(0, from), batch.slice(to, to)]
        const joined = concatBatches(parts)
        const rows = [...sample.expected.slice(from, to), ...sample.expected, ...sample.expected.slice(0, from)]
        expect(shown(joined, sample.struct)).toEqual(rows.map(show))
      }),
      runs,
    )
  })

  test('projected columns are the named ones, in the order named', () => {
    fc.assert(
      fc.property(cutSample, ({ sample, from, to }) => {
        const fields = [...sample.struct.fields].reverse().slice(0, 2)
        const projected = project(
          build(sample).slice(from, to),
          fields.map((field) => field.name),
        )
        const rows = rowsOf(projected, { type: 'struct', fields }, micros)
        const expected = sample.expected.slice(from, to) as Record<string, unknown>[]
        expect(rows.map((row) => fields.map((field) => show(row[field.name])))).toEqual(
          expected.map((row) => fields.map((field) => show(row[field.name]))),
        )
      }),
      runs,
    )
  })

  test('a mask becomes the indices of its non-zero bytes', () => {
    expect(Array.from(maskToIndices(Uint8Array.of(0, 1, 0, 255, 1)))).toEqual([1, 3, 4])
    expect(maskToIndices(new Uint8Array(0)).length).toBe(0)
  })

  test('an index that is no row of the batch is refused', () => {
    const builder = new BatchBuilder({ type: 'struct', fields: [] })
    builder.appendRows([{}, {}])
    const batch = builder.finish()
    expect(batch.numRows).toBe(2)
    expect(() => take(batch, Int32Array.of(2))).toThrow(RangeError)
    expect(() => take(batch, Int32Array.of(-1))).toThrow(RangeError)
    expect(take(batch, Int32Array.of(1, 1, 1)).numRows).toBe(3)
  })
})

describe('other forms of the same columns', () => {
  test('a conforming batch conforms without a copy of any buffer', () => {
    fc.assert(
      fc.property(cutSample, ({ sample, from, to }) => {
        const slice = build(sample).slice(from, to)
        const conformed = conformBatch(slice, sample.struct)
        expect(shown(conformed, sample.struct)).toEqual(sample.expected.slice(from, to).map(show))
        slice.data.children.forEach((child, i) => {
          expect(conformed.data.children[i]?.values).toBe(child.values)
        })
      }),
      runs,
    )
  })

  test('batches survive the Arrow stream format, which other libraries read', () => {
    fc.assert(
      fc.property(cutSample, ({ sample, from, to }) => {
        // apache-arrow cannot write a slice without rows.
        if (from === to) return
        const table = tableFromIPC(tableToIPC(new Table([build(sample).slice(from, to)])))
        expect(table.batches.flatMap((batch) => shown(batch, sample.struct))).toEqual(sample.expected.slice(from, to).map(show))
      }),
      runs,
    )
  })

  test('a schema comes back from its Arrow form', () => {
    fc.assert(
      fc.property(anySample(0), ({ struct }) => {
        expect(fromArrowSchema(toArrowSchema(struct))).toEqual(struct)
      }),
      runs,
    )
  })
})
