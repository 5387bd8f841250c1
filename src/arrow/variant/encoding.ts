// The numbers of the variant binary encoding (apache/parquet-format, VariantEncoding.md), for reading and for writing.

/** The low two bits of a value's first byte. */
export const PRIMITIVE = 0
export const SHORT_STRING = 1
export const OBJECT = 2
export const ARRAY = 3

/** Ids of primitive types: the high six bits of a primitive's first byte. */
export const NULL = 0
export const TRUE = 1
export const FALSE = 2
export const INT8 = 3
export const INT16 = 4
export const INT32 = 5
export const INT64 = 6
export const DOUBLE = 7
export const DECIMAL4 = 8
export const DECIMAL8 = 9
export const DECIMAL16 = 10
export const DATE = 11
export const TIMESTAMP = 12
export const TIMESTAMP_NTZ = 13
export const FLOAT = 14
export const BINARY = 15
export const STRING = 16
export const TIME = 17
export const TIMESTAMP_NANOS = 18
export const TIMESTAMP_NTZ_NANOS = 19
export const UUID = 20

/** Bytes after the first one of a primitive, by its id; those with -1 begin with their length in 4 bytes. */
export const PRIMITIVE_BYTES: readonly number[] = [0, 0, 0, 1, 2, 4, 8, 8, 5, 9, 17, 4, 8, 8, 4, -1, -1, 8, 8, 8, 16]

export const MAX_SHORT_STRING = 63
