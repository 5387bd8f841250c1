// The actions of the protocol as objects (PROTOCOL.md, "Actions"). Objects are for the few actions somebody looks at:
// the state of a table is columns (table-state.ts), never one of these per file.
// Pure types; parse and format live in commit-json.ts.
import type { JsonObject, JsonValue } from '../json.js'

/** Fields that this library does not know, kept so that they survive being written again. */
export interface Unknown {
  readonly unknown?: JsonObject
}

export interface DeletionVectorDescriptor extends Unknown {
  /** `u`: file relative to the table, `i`: inline, `p`: absolute path. */
  readonly storageType: string
  readonly pathOrInlineDv: string
  readonly offset?: number
  readonly sizeInBytes: number
  readonly cardinality: number
}

/** Partition values by column name (physical names under column mapping), in the text form of the protocol. */
export type PartitionValues = Readonly<Record<string, string | null>>
export type Tags = Readonly<Record<string, string | null>>

export interface AddFile extends Unknown {
  readonly kind: 'add'
  /** As it stands in the log: URI-encoded, relative to the table or absolute. */
  readonly path: string
  readonly partitionValues: PartitionValues
  readonly size: number
  readonly modificationTime: number
  readonly dataChange: boolean
  /** JSON text, as written. */
  readonly stats?: string
  readonly tags?: Tags
  readonly deletionVector?: DeletionVectorDescriptor
  readonly baseRowId?: number | bigint
  readonly defaultRowCommitVersion?: number | bigint
  readonly clusteringProvider?: string
}

export interface RemoveFile extends Unknown {
  readonly kind: 'remove'
  readonly path: string
  readonly deletionTimestamp?: number
  readonly dataChange: boolean
  readonly extendedFileMetadata?: boolean
  readonly partitionValues?: PartitionValues
  readonly size?: number
  readonly stats?: string
  readonly tags?: Tags
  readonly deletionVector?: DeletionVectorDescriptor
  readonly baseRowId?: number | bigint
  readonly defaultRowCommitVersion?: number | bigint
}

export interface CdcFile extends Unknown {
  readonly kind: 'cdc'
  readonly path: string
  readonly partitionValues: PartitionValues
  readonly size: number
  readonly dataChange: boolean
  readonly tags?: Tags
}

export interface Metadata extends Unknown {
  readonly kind: 'metaData'
  readonly id: string
  readonly name?: string
  readonly description?: string
  readonly format: { readonly provider: string; readonly options: Readonly<Record<string, string>> }
  readonly schemaString: string
  readonly partitionColumns: readonly string[]
  readonly configuration: Readonly<Record<string, string>>
  readonly createdTime?: number
}

export interface Protocol extends Unknown {
  readonly kind: 'protocol'
  readonly minReaderVersion: number
  readonly minWriterVersion: number
  readonly readerFeatures?: readonly string[]
  readonly writerFeatures?: readonly string[]
}

/** Progress of an application: the latest per `appId` wins. `version` is a 64-bit integer. */
export interface Txn extends Unknown {
  readonly kind: 'txn'
  readonly appId: string
  readonly version: bigint
  readonly lastUpdated?: number
}

export interface DomainMetadata extends Unknown {
  readonly kind: 'domainMetadata'
  readonly domain: string
  readonly configuration: string
  readonly removed: boolean
}

/** Free JSON about the commit; what is needed is read from it by name. */
export interface CommitInfo {
  readonly kind: 'commitInfo'
  readonly info: JsonObject
}

export interface Sidecar extends Unknown {
  readonly kind: 'sidecar'
  readonly path: string
  readonly sizeInBytes: number
  readonly modificationTime: number
  readonly tags?: Tags
}

export interface CheckpointMetadata extends Unknown {
  readonly kind: 'checkpointMetadata'
  readonly version: number
  readonly tags?: Tags
}

/** An action this library has never heard of: ignored by readers, as the protocol wants, and kept as written. */
export interface UnknownAction {
  readonly kind: 'unknown'
  readonly name: string
  readonly value: JsonValue
}

export type Action =
  | AddFile
  | RemoveFile
  | CdcFile
  | Metadata
  | Protocol
  | Txn
  | DomainMetadata
  | CommitInfo
  | Sidecar
  | CheckpointMetadata
  | UnknownAction
