// Damaged checkpoints before commits that are all there: a checkpoint that cannot be used costs nothing, one of JSON that can
// be used says what the oracle reads in it.

import type { Action } from '../../src/log/actions.js'
import { parseCommit } from '../../src/log/commit-json.js'
import { type LogView, loadLog } from '../../src/log/index.js'
import type { Storage } from '../../src/storage/storage.js'
import { FORMS, writeCheckpoint } from '../log/checkpoint-writer.js'
import { Oracle } from '../log/oracle.js'
import { judge } from './commits.js'
import { answerOf, type Kind, type Verdict } from './kind.js'
import { naiveReplay, randomCommits, storeOf, viewText } from './logs.js'
import { damageBytes, damageLines } from './mutate.js'
import { naiveActions, naiveApply, naiveState, naiveText, textOf } from './naive-log.js'
import { damageParquet } from './parquet-damage.js'
import { type Random, randomOf } from './random.js'

const CODES = ['CORRUPT_CHECKPOINT', 'CORRUPT_LOG', 'LIMIT_EXCEEDED', 'PATH_OUTSIDE_TABLE', 'UNSUPPORTED_FEATURE', 'MISSING_FILE']
const JSON_NAME = (version: number): string =>
  `_delta_log/${String(version).padStart(20, '0')}.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json`

export const checkpointKinds: readonly Kind[] = [
  { name: 'json-checkpoints', share: 10, prepare: async () => undefined, run: jsonCheckpoint },
  { name: 'checkpoints', share: 18, prepare: prepareTables, run: parquetCheckpoint },
]

async function jsonCheckpoint(random: Random): Promise<Verdict> {
  const commits = randomCommits(random)
  const at = random.below(commits.length)
  let bytes = new Uint8Array(Buffer.concat([...commits.slice(0, at + 1), Buffer.from('{"checkpointMetadata":{"version":0}}\n')]))
  const times = random.oneIn(8) ? 0 : 1 + random.below(3)
  for (let i = 0; i < times; i++) bytes = new Uint8Array(damageLines(bytes, random))
  const storage = await storeOf(commits)
  await storage.put(JSON_NAME(at), bytes)
  const answer = await answerOf(CODES, async () => viewText(await loadLog(storage, { allowUnreadable: true })))
  const byCommits = naiveText(naiveReplay(commits).state)
  const actions = bytes.length === 0 ? undefined : naiveActions(bytes)
  const state = naiveState()
  if (actions !== undefined) naiveApply(state, actions)
  // A sidecar that came about is not there, or leads out.
  if (state.sidecars > 0) return 'value' in answer ? judge(answer, byCommits) : 'refused'
  if (actions === undefined) return judge(answer, byCommits)
  for (const commit of commits.slice(at + 1)) naiveApply(state, naiveActions(commit) ?? [])
  // Readable, so it is believed: what it leaves out, and no later commit says, is not made up from the commits before it.
  return judge(answer, state.protocol === undefined || state.metadata === undefined ? undefined : naiveText(state))
}

interface Made {
  readonly commits: readonly Uint8Array[]
  readonly expected: string
  readonly objects: ReadonlyMap<string, Uint8Array>
}
let tables: Made[] = []

async function prepareTables(): Promise<void> {
  tables = []
  for (const [n, form] of [...FORMS, ...FORMS].entries()) {
    const random = randomOf(20_260, n)
    // Sound commits whose paths a checkpoint's writer takes as well.
    const commits = randomCommits(random)
    const oracle = new Oracle()
    for (const [version, bytes] of commits.entries()) oracle.apply(parseCommit(bytes, { version, path: 'x' }).map(known))
    const storage = await storeOf(commits)
    await writeCheckpoint(storage, commits.length - 1, oracle, form)
    const objects = new Map<string, Uint8Array>()
    for await (const page of storage.list('_delta_log', { recursive: true })) {
      for (const { path } of page) if (/checkpoint|_sidecars/.test(path)) objects.set(path, (await storage.read(path)) as Uint8Array)
    }
    const expected = stateText(await loadLog(storage, { allowUnreadable: true }))
    tables.push({ commits, expected, objects })
  }
}

// An action without the members that a checkpoint has no column for.
function known(action: Action): Action {
  const { unknown: _, ...rest } = action as Action & { unknown?: unknown }
  return rest as Action
}

// What a checkpoint keeps of a table.
function stateText(view: LogView): string {
  const files = [...view.files.liveRows()].map(
    (row) => `${view.files.path(row)} ${view.files.size(row)} ${textOf(view.files.deletionVector(row) ?? null)}`,
  )
  return JSON.stringify([files.sort(), view.metadata.id, view.protocol.minReaderVersion])
}

async function parquetCheckpoint(random: Random): Promise<Verdict> {
  const { commits, expected, objects } = random.pick(tables)
  const withCommits = random.oneIn(3)
  const storage: Storage = await storeOf(
    withCommits ? commits : commits.slice(-1).map(() => new Uint8Array(Buffer.from('{"commitInfo":{}}\n'))),
  )
  const names = [...objects.keys()]
  const target = random.pick(names)
  const isDamaged = !random.oneIn(10)
  for (const [path, bytes] of objects) {
    let content = bytes
    if (path === target && isDamaged)
      content = path.endsWith('.json')
        ? damageLines(bytes, random)
        : random.oneIn(4)
          ? damageBytes(bytes, random)
          : damageParquet(bytes, random)
    await storage.put(path, content)
  }
  if (!withCommits) await storage.delete('_delta_log/00000000000000000000.json')
  const answer = await answerOf(CODES, async () => {
    const view = await loadLog(storage, { allowUnreadable: true })
    await view.files.loadStats()
    for (const row of view.files.liveRows()) {
      view.files.add(row)
      view.files.stats(row)
    }
    return stateText(view)
  })
  if (!('value' in answer)) {
    if (!isDamaged) throw new Error(`a sound checkpoint was refused: ${answer.message}`)
    return 'refused'
  }
  // Pages have no checksums, so that damage inside one can only be seen where it breaks the page.
  if (!isDamaged && answer.value !== expected) throw new Error(`a sound checkpoint reads as ${answer.value}, not ${expected}`)
  return 'read'
}
