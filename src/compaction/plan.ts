// Which files are rewritten together. Pure: from the sizes of files to groups, by rules that can be printed and tested. Rules:
// files of two partitions are never mixed; a file that is good is left alone; nothing is written again for less than it is worth.

/** A file that may be rewritten. */
export interface PlanFile {
  /** Its number in the file view. */
  readonly row: number
  readonly sizeBytes: number
  /** Number of its partition; files of one number may be put together. */
  readonly partition: number
  /** The share of its rows that a deletion vector leaves out, 1 where nobody knows; undefined without a vector. */
  readonly deletedShare?: number | undefined
  /** What it was clustered by and in which turn, where its `add` says so. */
  readonly cluster?: { readonly id: string; readonly key: string } | undefined
}

/** Why a group is rewritten. */
export type GroupReason = 'small files' | 'deleted rows' | 'clustering'

/** Files that become one file, or, where rows are clustered, several. */
export interface FileGroup {
  readonly partition: number
  readonly files: readonly PlanFile[]
  /** Bytes of its files. */
  readonly sizeBytes: number
  readonly reason: GroupReason
}

export interface PackingRules {
  /** Bytes of a file as it should be. */
  readonly targetBytes: number
  /** Fewer files are not worth a group, unless rows were deleted from one. */
  readonly minFiles: number
  /** Deleted rows count from this share of a file's rows on. */
  readonly minDeletedShare: number
}

/** A file of this share of the target is as it should be. */
export const GOOD_SHARE = 0.75
/** A large file is not written again for less than this share of its size. */
const WORTH_SHARE = 1 / 4
/** Files below this share of the target count as small beside anything. */
const SMALL_SHARE = 1 / 8
/** Groups that are filled at once: more fill better, fewer keep together what was written together. */
const OPEN_GROUPS = 16

/** Whether so much of a file was deleted that it is rewritten for that alone. */
export function needsPurge({ deletedShare }: PlanFile, { minDeletedShare }: Pick<PackingRules, 'minDeletedShare'>): boolean {
  return deletedShare !== undefined && deletedShare >= minDeletedShare
}

/** Whether a file is large enough, and not to be rewritten for its deleted rows. */
export function isGood(file: PlanFile, rules: PackingRules): boolean {
  return file.sizeBytes >= rules.targetBytes * GOOD_SHARE && !needsPurge(file, rules)
}

/**
 * Puts files together to groups of the target's size, each of one partition, in the order of the files.
 *
 * @example
 * planGroups([{ row: 0, sizeBytes: 10, partition: 0 }, { row: 1, sizeBytes: 20, partition: 0 }], rules) // one group of both
 */
export function planGroups(files: Iterable<PlanFile>, rules: PackingRules): FileGroup[] {
  const bins: OpenBins = new Map()
  const groups = new Map<number, FileGroup[]>()
  for (const group of groupsAsFilled(files, rules, bins)) {
    const known = groups.get(group.partition)
    if (known === undefined) groups.set(group.partition, [group])
    else known.push(group)
  }
  return [...bins.keys()].flatMap((partition) => groups.get(partition) ?? [])
}

/** The same groups as soon as nothing more fits into them, for who keeps none: only files in groups that are open are held. */
export function* groupsAsFilled(files: Iterable<PlanFile>, rules: PackingRules, bins: OpenBins = new Map()): Generator<FileGroup> {
  for (const file of files) {
    if (isGood(file, rules)) continue
    let open = bins.get(file.partition)
    if (open === undefined) bins.set(file.partition, (open = []))
    const full = pack(open, file, rules)
    const group = full && groupOf(worthwhile(full.files, rules), rules)
    if (group !== undefined) yield group
  }
  for (const open of bins.values()) {
    for (const bin of open) {
      const group = groupOf(worthwhile(bin.files, rules), rules)
      if (group !== undefined) yield group
    }
  }
}

/** What clustering goes by. */
export interface ClusterRules extends Pick<PackingRules, 'minDeletedShare'> {
  /** The columns and the curve, as files that have this order say it. */
  readonly key: string
  /** Bytes of files that are put in order together, at most. */
  readonly maxBytes: number
  /** Also what is in this order already. */
  readonly full: boolean
}

/** Files in order are put in order again together with so many times fewer bytes of new ones, not with less. */
const MERGE_FACTOR = 4

/**
 * Puts files that are in no order yet together, with those whose order covers little: an order over more files serves filters
 * better. Each byte is written again only a few times, however often new files come.
 */
export function planClusters(files: readonly PlanFile[], rules: ClusterRules): FileGroup[] {
  const groups: FileGroup[] = []
  for (const ofPartition of byPartition(files).values()) {
    const isNew = (file: PlanFile): boolean => rules.full || file.cluster?.key !== rules.key || needsPurge(file, rules)
    const fresh = ofPartition.filter(isNew)
    if (fresh.length === 0) continue
    const merged = [...fresh]
    let bytes = bytesOf(fresh)
    for (const inOrder of ordersOf(ofPartition.filter((file) => !isNew(file)))) {
      const more = bytesOf(inOrder)
      if (more > MERGE_FACTOR * bytes || bytes + more > rules.maxBytes) break
      merged.push(...inOrder)
      bytes += more
    }
    for (const part of cut(merged, rules.maxBytes)) {
      const { partition } = part[0] as PlanFile
      groups.push({ partition, files: part, sizeBytes: bytesOf(part), reason: 'clustering' })
    }
  }
  return groups
}

// Files of one order each, the smallest orders first.
function ordersOf(files: readonly PlanFile[]): PlanFile[][] {
  const orders = new Map<string, PlanFile[]>()
  for (const file of files) {
    const id = file.cluster?.id ?? ''
    const known = orders.get(id)
    if (known === undefined) orders.set(id, [file])
    else known.push(file)
  }
  return [...orders.values()].sort((a, b) => bytesOf(a) - bytesOf(b))
}

function cut(files: readonly PlanFile[], maxBytes: number): PlanFile[][] {
  const parts: PlanFile[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const file of files) {
    if (bytes + file.sizeBytes > maxBytes) {
      parts.push([])
      bytes = 0
    }
    parts.at(-1)?.push(file)
    bytes += file.sizeBytes
  }
  return parts
}

function bytesOf(files: readonly PlanFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

/** The files by partition, in their order. */
export function byPartition(files: readonly PlanFile[]): Map<number, PlanFile[]> {
  const partitions = new Map<number, PlanFile[]>()
  for (const file of files) {
    const known = partitions.get(file.partition)
    if (known === undefined) partitions.set(file.partition, [file])
    else known.push(file)
  }
  return partitions
}

/** The bytes that a file is expected to need once its deleted rows are gone. */
export function expectedBytes({ sizeBytes, deletedShare = 0 }: PlanFile): number {
  return deletedShare >= 1 ? sizeBytes : sizeBytes * (1 - deletedShare)
}

/** The groups of each partition that something may still fit into, by the first file of each. */
export type OpenBins = Map<number, Bin[]>

interface Bin {
  readonly files: PlanFile[]
  bytes: number
}

// First fit over a few open bins. A bin that nothing more is expected to fit into makes room for the next, and is the answer.
function pack(open: Bin[], file: PlanFile, { targetBytes }: PackingRules): Bin | undefined {
  const bytes = expectedBytes(file)
  const bin = open.find((candidate) => candidate.bytes + bytes <= targetBytes)
  if (bin !== undefined) {
    bin.files.push(file)
    bin.bytes += bytes
    return undefined
  }
  let full: Bin | undefined
  if (open.length >= OPEN_GROUPS) {
    const fullest = open.reduce((best, each, at) => (each.bytes > (open[best] as Bin).bytes ? at : best), 0)
    full = open.splice(fullest, 1)[0]
  }
  open.push({ files: [file], bytes })
  return full
}

// A large file and a few small ones would be written again and again, each time for the few. The small ones gather first.
function worthwhile(files: readonly PlanFile[], rules: PackingRules): readonly PlanFile[] {
  let rest = files
  while (rest.length > 0) {
    const largest = rest.reduce((best, file) => (file.sizeBytes > best.sizeBytes ? file : best))
    const others = rest.reduce((sum, file) => sum + file.sizeBytes, 0) - largest.sizeBytes
    const isWorthIt =
      needsPurge(largest, rules) || largest.sizeBytes <= rules.targetBytes * SMALL_SHARE || others >= largest.sizeBytes * WORTH_SHARE
    if (isWorthIt) break
    rest = rest.filter((file) => file !== largest)
  }
  return rest.length >= rules.minFiles || rest.some((file) => needsPurge(file, rules)) ? rest : []
}

function groupOf(files: readonly PlanFile[], rules: PackingRules): FileGroup | undefined {
  if (files.length === 0) return undefined
  const isSmall = files.length >= rules.minFiles
  return {
    partition: (files[0] as PlanFile).partition,
    files,
    sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    reason: isSmall ? 'small files' : 'deleted rows',
  }
}
