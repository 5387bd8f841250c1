// From a column builder to the cell that reads its values.
import {
  BinaryBuilder,
  BoolBuilder,
  type ColumnBuilder,
  DateBuilder,
  DecimalBuilder,
  FloatBuilder,
  Int64Builder,
  IntBuilder,
  ListBuilder,
  MapBuilder,
  StructBuilder,
  TimestampBuilder,
  Utf8Builder,
} from '../arrow/index.js'
import type { Cell, CellOptions } from './cell.js'
import { ListCell, MapCell, StructCell } from './nested-cells.js'
import { DecimalCell, FloatCell, IntCell, LongCell } from './number-cells.js'
import { ObjectReader } from './object-reader.js'
import { BinaryCell, BoolCell, DateCell, StringCell, TimestampCell, VoidCell } from './scalar-cells.js'

/** The cell that appends to `builder`. */
export function createCell(builder: ColumnBuilder, options: CellOptions): Cell {
  // A timestamp builder is a long builder too, so it comes first.
  if (builder instanceof TimestampBuilder) return new TimestampCell(builder, options)
  if (builder instanceof Int64Builder) return new LongCell(builder)
  if (builder instanceof IntBuilder) return new IntCell(builder)
  if (builder instanceof FloatBuilder) return new FloatCell(builder)
  if (builder instanceof DecimalBuilder) return new DecimalCell(builder)
  if (builder instanceof BoolBuilder) return new BoolCell(builder)
  if (builder instanceof Utf8Builder) return new StringCell(builder, options)
  if (builder instanceof BinaryBuilder) return new BinaryCell(builder)
  if (builder instanceof DateBuilder) return new DateCell(builder)
  if (builder instanceof ListBuilder) return new ListCell(builder, createCell(builder.element, options))
  if (builder instanceof MapBuilder) return new MapCell(builder, createCell(builder.key, options), createCell(builder.value, options))
  if (builder instanceof StructBuilder) return new StructCell(builder, createObjectReader(builder.children, builder.path, options))
  return new VoidCell(builder)
}

/** The reader of objects whose members are `builders`, one for each. */
export function createObjectReader(builders: readonly ColumnBuilder[], path: string, options: CellOptions): ObjectReader {
  return new ObjectReader(
    builders.map((builder) => builder.field.name),
    builders.map((builder) => createCell(builder, options)),
    path,
    options,
  )
}
