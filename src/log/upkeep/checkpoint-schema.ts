// The columns of checkpoint files (PROTOCOL.md, "Checkpoint Schema"), by what a table has and wants. Every field may be
// null, as readers expect. Columns that no row would fill are left out: readers take a missing column for null.
import { jsonObject } from '../../json.js'
import {
  type DataType,
  type Field,
  parseColumns,
  physicalStruct,
  type StructType,
  statsLeaves,
  type TablePropertyMap,
  tableProperties,
} from '../../schema/index.js'
import type { Metadata, Protocol } from '../actions.js'
import { columnMappingMode } from '../features.js'

/** What the file columns of a checkpoint hold. */
export interface CheckpointShape {
  /** `add.stats`. */
  readonly jsonStats: boolean
  /** `add.stats_parsed`, undefined where it is not wanted. */
  readonly parsedStats: StructType | undefined
  /** `add.partitionValues_parsed`. */
  readonly parsedPartitions: StructType | undefined
  /** Whether any file has a deletion vector. */
  readonly hasVectors: boolean
  /** Whether any file has tags, row ids or a clustering provider. */
  readonly hasExtras: boolean
}

const VECTOR = 'struct<storageType:string,pathOrInlineDv:string,offset:int,sizeInBytes:int,cardinality:bigint>'
const EXTRAS = 'tags map<string,string>, baseRowId bigint, defaultRowCommitVersion bigint, clusteringProvider string'
// A column of nulls costs time for every row, so that what only tombstones have is there only with them.
const NO_REMOVE = 'remove struct<path:string,deletionTimestamp:bigint,dataChange:boolean>'
const REMOVE = `remove struct<path:string,deletionTimestamp:bigint,dataChange:boolean,extendedFileMetadata:boolean,partitionValues:map<string,string>,size:bigint,deletionVector:${VECTOR},baseRowId:bigint,defaultRowCommitVersion:bigint>`
const OTHERS = [
  'txn struct<appId:string,version:bigint,lastUpdated:bigint>',
  'metaData struct<id:string,name:string,description:string,format:struct<provider:string,options:map<string,string>>,schemaString:string,partitionColumns:array<string>,configuration:map<string,string>,createdTime:bigint>',
  'protocol struct<minReaderVersion:int,minWriterVersion:int,readerFeatures:array<string>,writerFeatures:array<string>>',
  'domainMetadata struct<domain:string,configuration:string,removed:boolean>',
]
const V2_OTHERS = [
  'checkpointMetadata struct<version:bigint,tags:map<string,string>>',
  'sidecar struct<path:string,sizeInBytes:bigint,modificationTime:bigint,tags:map<string,string>>',
]

/** What the checkpoints of a table hold, by its properties. */
export function checkpointShape(
  protocol: Protocol,
  metadata: Metadata,
  schema: StructType,
  has: { readonly hasVectors: boolean; readonly hasExtras: boolean },
): CheckpointShape {
  const properties = tableProperties(metadata.configuration)
  const { checkpointWriteStatsAsJson: jsonStats, checkpointWriteStatsAsStruct: asStruct } = properties
  if (!asStruct) return { jsonStats, parsedStats: undefined, parsedPartitions: undefined, ...has }
  const mapped = columnMappingMode(protocol, metadata) !== 'none'
  const columns = mapped ? physicalStruct(schema) : schema
  const partitionColumns = metadata.partitionColumns.map((name) => {
    const at = schema.fields.findIndex((field) => field.name === name)
    return columns.fields[at]?.name ?? name
  })
  const partitions = columns.fields.filter((field) => partitionColumns.includes(field.name))
  return {
    jsonStats,
    parsedStats: statsType(schema, columns, metadata.partitionColumns, metadata.configuration),
    parsedPartitions: partitions.length === 0 ? undefined : structOf(partitions.map(({ name, dataType }) => nullable(name, dataType))),
    ...has,
  }
}

/** The columns of a file with adds or removes alone: a sidecar. */
export function sidecarColumns(shape: CheckpointShape, tombstones: boolean): StructType {
  return structOf([addField(shape), ...parseColumns(tombstones ? REMOVE : NO_REMOVE).fields])
}

/** The columns of a classic checkpoint; those of the second kind (`v2`) have two more. */
export function classicColumns(shape: CheckpointShape, v2: boolean, tombstones: boolean): StructType {
  const others = parseColumns([...OTHERS, ...(v2 ? V2_OTHERS : [])].join(', ')).fields
  return structOf([others[0] as Field, addField(shape), ...parseColumns(tombstones ? REMOVE : NO_REMOVE).fields, ...others.slice(1)])
}

function addField(shape: CheckpointShape): Field {
  const { fields } = parseColumns(
    [
      'path string',
      'partitionValues map<string,string>',
      'size bigint',
      'modificationTime bigint',
      'dataChange boolean',
      ...(shape.jsonStats ? ['stats string'] : []),
    ].join(', '),
  )
  const rare = [
    ...(shape.hasVectors ? parseColumns(`deletionVector ${VECTOR}`).fields : []),
    ...(shape.hasExtras ? parseColumns(EXTRAS).fields : []),
  ]
  const parsed = [
    ...(shape.parsedPartitions === undefined ? [] : [nullable('partitionValues_parsed', shape.parsedPartitions)]),
    ...(shape.parsedStats === undefined ? [] : [nullable('stats_parsed', shape.parsedStats)]),
  ]
  return nullable('add', structOf([...fields, ...rare, ...parsed]))
}

// numRecords, the bounds of columns that have some, and the null counts of all that have statistics.
function statsType(
  schema: StructType,
  physical: StructType,
  partitionColumns: readonly string[],
  configuration: TablePropertyMap,
): StructType {
  const wanted = new Set(statsLeaves(schema, partitionColumns, configuration).map(({ path }) => JSON.stringify(path)))
  const pick = (keep: (type: DataType) => DataType | undefined): StructType => pickLeaves(schema, physical, [], wanted, keep)
  const bounds = pick((type) => (hasBounds(type) ? type : undefined))
  const nullCount = pick((type) => (type.type === 'void' ? undefined : { type: 'long' }))
  return structOf([
    nullable('numRecords', { type: 'long' }),
    ...(bounds.fields.length === 0 ? [] : [nullable('minValues', bounds), nullable('maxValues', bounds)]),
    ...(nullCount.fields.length === 0 ? [] : [nullable('nullCount', nullCount)]),
    nullable('tightBounds', { type: 'boolean' }),
  ])
}

function pickLeaves(
  logical: StructType,
  physical: StructType,
  path: readonly string[],
  wanted: ReadonlySet<string>,
  keep: (type: DataType) => DataType | undefined,
): StructType {
  const fields: Field[] = []
  for (const [n, field] of logical.fields.entries()) {
    const { name, dataType } = physical.fields[n] as Field
    const place = [...path, field.name]
    if (field.dataType.type === 'struct') {
      const inner = pickLeaves(field.dataType, dataType as StructType, place, wanted, keep)
      if (inner.fields.length > 0) fields.push(nullable(name, inner))
      continue
    }
    const type = wanted.has(JSON.stringify(place)) ? keep(dataType) : undefined
    if (type !== undefined) fields.push(nullable(name, type))
  }
  return structOf(fields)
}

// Types whose values have an order that statistics keep.
function hasBounds(type: DataType): boolean {
  return ['byte', 'short', 'integer', 'long', 'float', 'double', 'decimal', 'date', 'timestamp', 'timestamp_ntz', 'string'].includes(
    type.type,
  )
}

function nullable(name: string, dataType: DataType): Field {
  return { name, dataType, nullable: true, metadata: jsonObject() }
}

function structOf(fields: readonly Field[]): StructType {
  return { type: 'struct', fields: [...fields] }
}
