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
 *
 * JSON: longs and decimals are numbers or strings of any length, exact; `float` and `double` take any number, and
 * `"NaN"`, `"Infinity"`, `"-Infinity"`; `timestamp` is ISO 8601 with a zone, `timestamp_ntz` without, `date` `YYYY-MM-DD`;
 * `binary` is base64; maps are objects or arrays of pairs. A missing member is null. Faults: a member that the schema
 * lacks, a key that stands twice in an object or map, null where NOT NULL is, bytes that are no UTF-8, half a surrogate
 * pair, nesting beyond 256 levels in values that are skipped.
 * NDJSON has one object a line; a record's ordinal is its line number less one, blank lines included. `json` is an array
 * of objects, or objects one after the other; the ordinal is the index. What is wrong with the array itself (a comma too
 * many, an end too early) is a fault with an empty `raw` and takes no ordinal.
 * CSV has a header that names columns of the schema; quotes and line ends as in RFC 4180 (or bare line feeds); an empty
 * field without quotes is null, `""` the empty text; arrays, maps and structs are JSON text; spaces around values other
 * than strings are skipped; empty lines are skipped, but in a file of one column they are null. Ordinals count the records
 * after the header, empty lines included.
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
