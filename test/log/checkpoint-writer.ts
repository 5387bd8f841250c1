// Checkpoints for tests, written from the oracle's state in each of the protocol's forms.
import { BatchBuilder } from '../../src/arrow/index.js'
import { concatBytes, encodeUtf8 } from '../../src/bytes.js'
import type { Action, AddFile } from '../../src/log/actions.js'
import { checkpointPartPath, classicCheckpointPath, padVersion, SIDECAR_FOLDER } from '../../src/log/file-names.js'
import { formatAction } from '../../src/log/format-action.js'
import { createParquetWriter } from '../../src/parquet/index.js'
import { parseColumns } from '../../src/schema/index.js'
import type { Storage } from '../../src/storage/storage.js'
import type { Oracle } from './oracle.js'

export type Form = 'classic' | 'multipart' | 'v2-json' | 'v2-sidecars' | 'classic-v2'
export const FORMS: readonly Form[] = ['classic', 'multipart', 'v2-json', 'v2-sidecars', 'classic-v2']

const VECTOR = 'struct<storageType:string,pathOrInlineDv:string,offset:int,sizeInBytes:int,cardinality:bigint,maxRowIndex:bigint>'
const ADD = `struct<path:string not null,partitionValues:map<string,string>,size:bigint,modificationTime:bigint,dataChange:boolean,stats:string,tags:map<string,string>,deletionVector:${VECTOR},baseRowId:bigint,defaultRowCommitVersion:bigint,clusteringProvider:string>`
const REMOVE = `struct<path:string not null,deletionTimestamp:bigint,dataChange:boolean,deletionVector:${VECTOR}>`
const SCHEMA = parseColumns(
  [
    'txn struct<appId:string,version:bigint,lastUpdated:bigint>',
    `add ${ADD}`,
    `remove ${REMOVE}`,
    'metaData struct<id:string,name:string,description:string,format:struct<provider:string,options:map<string,string>>,schemaString:string,partitionColumns:array<string>,configuration:map<string,string>,createdTime:bigint>',
    'protocol struct<minReaderVersion:int,minWriterVersion:int,readerFeatures:array<string>,writerFeatures:array<string>>',
    'domainMetadata struct<domain:string,configuration:string,removed:boolean>',
    'checkpointMetadata struct<version:bigint,tags:map<string,string>>',
    'sidecar struct<path:string,sizeInBytes:bigint,modificationTime:bigint,tags:map<string,string>>',
    'somethingNew struct<a:int>',
  ].join(', '),
)
const TOMBSTONE: Action = { kind: 'remove', path: 'long-gone.parquet', dataChange: true, deletionTimestamp: 1 }
const UUID = '80a083e8-7026-4e79-81be-64bd76c43a11'

/** Writes the state as a checkpoint of `version`. */
export async function writeCheckpoint(storage: Storage, version: number, state: Oracle, form: Form): Promise<void> {
  const adds = [...state.files.values()]
  const rest: Action[] = [...state.txns.values(), ...state.domains.values()]
  if (state.protocol !== undefined) rest.push(state.protocol)
  if (state.metadata !== undefined) rest.push(state.metadata)
  const prefix = `_delta_log/${padVersion(version)}.checkpoint`
  const marker: Action = { kind: 'checkpointMetadata', version }
  switch (form) {
    case 'classic':
      return storage.put(classicCheckpointPath(version), await parquetOf([...adds, TOMBSTONE, ...rest]))
    case 'classic-v2':
      return storage.put(classicCheckpointPath(version), await parquetOf([marker, ...adds, ...rest, TOMBSTONE]))
    case 'multipart': {
      const half = Math.floor(adds.length / 2)
      await storage.put(checkpointPartPath(version, 1, 3), await parquetOf([...adds.slice(0, half), TOMBSTONE]))
      await storage.put(checkpointPartPath(version, 2, 3), await parquetOf(rest))
      return storage.put(checkpointPartPath(version, 3, 3), await parquetOf(adds.slice(half)))
    }
    case 'v2-json':
      return storage.put(`${prefix}.${UUID}.json`, linesOf([marker, TOMBSTONE, ...adds, ...rest]))
    case 'v2-sidecars': {
      const half = Math.floor(adds.length / 2)
      const sidecars: Action[] = []
      for (const [n, part] of [adds.slice(0, half), adds.slice(half)].entries()) {
        const bytes = await parquetOf(part)
        await storage.put(`${SIDECAR_FOLDER}/part ${n}.parquet`, bytes)
        sidecars.push({ kind: 'sidecar', path: `part%20${n}.parquet`, sizeInBytes: bytes.length, modificationTime: 1 })
      }
      return storage.put(`${prefix}.${UUID}.parquet`, await parquetOf([marker, ...sidecars, ...rest]))
    }
  }
}

function linesOf(actions: readonly Action[]): Uint8Array {
  return encodeUtf8(actions.map((action) => `${formatAction(action)}\n`).join(''))
}

async function parquetOf(actions: readonly Action[]): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  const sink = {
    write: async (bytes: Uint8Array): Promise<void> => {
      chunks.push(bytes.slice())
    },
  }
  const writer = createParquetWriter(sink, { schema: SCHEMA, codec: 'snappy', rowGroupRows: actions.length > 100 ? 1_000_000 : 3 })
  if (actions.length > 0) {
    const builder = new BatchBuilder(SCHEMA)
    const faults = builder.appendRows(actions.map(rowOf))
    if (faults.length > 0) throw new Error(JSON.stringify(faults))
    await writer.write(builder.finish())
  }
  await writer.finish()
  return concatBytes(chunks)
}

function rowOf(action: Action): object {
  const { kind, ...fields } = action as AddFile
  return { [kind]: fields }
}
