// From a Delta field to the builder that grows its column.
import { formatJson, jsonObject } from '../json.js'
import type { DataType, Field, UnknownType } from '../schema/index.js'
import type { BuilderInit } from './base-builder.js'
import { BoolBuilder, NullBuilder } from './bit-builders.js'
import { BinaryBuilder, Utf8Builder } from './bytes-builders.js'
import type { BuildSettings, ColumnBuilder } from './column-builder.js'
import { DecimalBuilder } from './decimal-builder.js'
import { ListBuilder, MapBuilder, StructBuilder } from './nested-builders.js'
import { FloatBuilder, Int64Builder, IntBuilder } from './number-builders.js'
import { DateBuilder, TimestampBuilder } from './time-builders.js'
import { unsupportedType } from './types.js'

export interface ColumnBuilderOptions {
  /** Cells to make room for at first. */
  readonly capacityRows?: number
  /** The dotted path in faults, when the field lies inside another; default its name. */
  readonly path?: string
  /** Shared by all builders of a batch. */
  readonly settings?: BuildSettings
}

/**
 * The builder of a field: IntBuilder, Int64Builder, FloatBuilder, BoolBuilder, Utf8Builder, BinaryBuilder, DateBuilder,
 * TimestampBuilder (both timestamps), DecimalBuilder, ListBuilder, MapBuilder, StructBuilder or NullBuilder (void).
 * @throws AlluviumError `UNSUPPORTED_FEATURE` for variant and unknown types.
 */
export function createColumnBuilder(field: Field, options: ColumnBuilderOptions = {}): ColumnBuilder {
  const settings = options.settings ?? { ignoreUnknown: false }
  return build({ field, path: options.path ?? field.name, capacityRows: options.capacityRows ?? 64 }, settings)
}

function build(init: BuilderInit, settings: BuildSettings): ColumnBuilder {
  const type = init.field.dataType
  const part = (name: string, dataType: DataType, nullable: boolean): ColumnBuilder =>
    build(
      { field: { name, dataType, nullable, metadata: jsonObject() }, path: `${init.path}.${name}`, capacityRows: init.capacityRows },
      settings,
    )
  switch (type.type) {
    case 'byte':
    case 'short':
    case 'integer':
      return new IntBuilder(init)
    case 'long':
      return new Int64Builder(init)
    case 'float':
    case 'double':
      return new FloatBuilder(init)
    case 'boolean':
      return new BoolBuilder(init)
    case 'string':
      return new Utf8Builder(init)
    case 'binary':
      return new BinaryBuilder(init)
    case 'date':
      return new DateBuilder(init)
    case 'timestamp':
    case 'timestamp_ntz':
      return new TimestampBuilder(init)
    case 'decimal':
      return new DecimalBuilder(init)
    case 'void':
      return new NullBuilder(init)
    case 'array':
      return new ListBuilder(init, part('element', type.elementType, type.containsNull))
    case 'map':
      return new MapBuilder(init, part('key', type.keyType, false), part('value', type.valueType, type.valueContainsNull))
    case 'struct': {
      const children = type.fields.map((field) =>
        build({ field, path: `${init.path}.${field.name}`, capacityRows: init.capacityRows }, settings),
      )
      return new StructBuilder(init, children, settings)
    }
    case 'variant':
    case 'unknown':
      throw unsupportedType(type.type === 'unknown' ? formatJson((type as UnknownType).json) : 'variant', init.path)
  }
}
