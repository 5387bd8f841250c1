// Input forms: bytes of NDJSON, JSON, CSV, Parquet and Arrow into batches of a table's schema, and schemas from samples.
export { type ColumnarInput, type ColumnarOptions, openInput } from './columnar-input.js'
export { createDecoder } from './create-decoder.js'
export type { Decoder, DecoderOptions } from './decoder.js'
export type { InputFault } from './faults.js'
export { detectDelimiter, detectFormat, type InputFormat } from './format.js'
export { type InferOptions, type InferredSchema, inferSchema } from './infer.js'
export type { BatchLimits, DecodedBatch } from './record-batches.js'
