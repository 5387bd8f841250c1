// A data file that is being written: its name, its place among the partitions, its `add`. Rule: names are fresh, and the
// values of a partition are those of the log, whatever the folder is called (PROTOCOL.md, "Data Files").
import type { AddFile } from '../log/index.js'
import type { Runtime } from '../runtime.js'
import { encodeFilePath, type ParquetCodec, partitionDirectory } from '../schema/index.js'
import type { ObjectWriter, Storage } from '../storage/storage.js'

export interface NewFile {
  /** In the store. */
  readonly path: string
  readonly partitionValues: Record<string, string | null>
  readonly object: ObjectWriter
}

export interface NewFilePlace {
  /** Partition columns as the log names them: by their physical names where the table maps its columns. */
  readonly partitionColumns: readonly string[]
  /** Their values in the text of the protocol. */
  readonly texts: readonly (string | null)[]
  readonly codec: ParquetCodec
  readonly signal?: AbortSignal | undefined
}

/** Begins a data file under a name of its own. @throws AlluviumError storage errors */
export async function startDataFile(storage: Storage, runtime: Runtime, place: NewFilePlace): Promise<NewFile> {
  const { partitionColumns, texts, codec, signal } = place
  const directory = partitionDirectory(partitionColumns, texts)
  const name = `part-00000-${runtime.uuid()}-c000${codec === 'uncompressed' ? '' : `.${codec}`}.parquet`
  const path = directory === '' ? name : `${directory}/${name}`
  const object = await storage.write(path, { signal })
  const partitionValues = Object.create(null) as Record<string, string | null>
  partitionColumns.forEach((column, i) => {
    partitionValues[column] = texts[i] ?? null
  })
  return { path, partitionValues, object }
}

/** The `add` of a file that is written. */
export function addOfFile(
  file: Pick<NewFile, 'path' | 'partitionValues'>,
  written: { readonly sizeBytes: number; readonly stats: string | undefined; readonly dataChange: boolean; readonly nowMs: number },
): AddFile {
  return {
    kind: 'add',
    path: encodeFilePath(file.path),
    partitionValues: file.partitionValues,
    size: written.sizeBytes,
    modificationTime: written.nowMs,
    dataChange: written.dataChange,
    ...(written.stats === undefined ? {} : { stats: written.stats }),
  }
}
