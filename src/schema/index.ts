// The surface of this folder: Delta's types, their texts, and what a table's schema and properties mean.
export * from './builder.js'
export { type CheckSchemaOptions, checkTableSchema, unwritableTypes } from './check-schema.js'
export {
  assignColumnMapping,
  type ColumnMappingMode,
  checkColumnMapping,
  columnId,
  idPath,
  isFullyMapped,
  physicalName,
  physicalPath,
  physicalStruct,
} from './column-mapping.js'
export { formatColumns, parseColumns, parseType } from './ddl.js'
export * from './decimal.js'
export * from './fields.js'
export * from './java-double.js'
export * from './partition-values.js'
export * from './paths.js'
export * from './properties.js'
export type { ParquetCodec, PropertyValues } from './property-list.js'
export { formatSchema, MAX_TYPE_DEPTH, parseSchema, typeToJson } from './schema-json.js'
export * from './time.js'
export { isWidening, unsupportedTypeChanges, wasFloat } from './type-changes.js'
export { formatPath, isValidDecimal, MAX_DECIMAL_PRECISION, parsePath, typeName, typeOfName } from './type-names.js'
export type * from './types.js'
export { type RowOfZod, schemaFromZod } from './zod.js'
