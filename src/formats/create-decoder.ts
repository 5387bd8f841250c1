// The decoder of a text format.
import { AlluviumError } from '../errors.js'
import type { StructType } from '../schema/types.js'
import { CsvDecoder } from './csv.js'
import type { Decoder, DecoderOptions } from './decoder.js'
import type { InputFormat } from './format.js'
import { JsonDecoder } from './json-array.js'
import { NdjsonDecoder } from './ndjson.js'

/**
 * A decoder that turns the bytes of an input into batches of `schema`.
 * Records that do not fit are faults in the batches, never exceptions, and never change the schema.
 * @throws AlluviumError `INVALID_OPTIONS` for Parquet and Arrow input, which are opened with `openInput`;
 * `UNSUPPORTED_FEATURE` where the schema has a type that cannot be written. `push` throws `SCHEMA_MISMATCH` where a CSV
 * header does not fit the schema.
 *
 * @example
 * const decoder = createDecoder('ndjson', parseColumns('id long not null, name string'))
 * const batches = [...decoder.push(encodeUtf8('{"id":1,"name":"kim"}\n{"id":"x"}\n')), ...decoder.end()]
 * // one batch: 1 row, 2 records, 1 fault { line: 2, column: 'id', value: '"x"', problem: 'not a number' }
 */
export function createDecoder(format: InputFormat, schema: StructType, options: DecoderOptions = {}): Decoder {
  switch (format) {
    case 'ndjson':
      return new NdjsonDecoder(schema, options)
    case 'json':
      return new JsonDecoder(schema, options)
    case 'csv':
      return new CsvDecoder(schema, options)
    default:
      throw new AlluviumError('INVALID_OPTIONS', `${format} input is no text: open it with openInput`, {
        format,
      })
  }
}
