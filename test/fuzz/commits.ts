// Damaged commits: whatever the library makes of them, the oracle makes of them too.
import { commitPath } from '../../src/log/file-names.js'
import { type LogView, loadLog, refreshLog } from '../../src/log/index.js'
import { answerOf, type Kind, mustEqual, type Verdict } from './kind.js'
import { naiveReplay, randomCommits, storeOf, viewText } from './logs.js'
import { damageLines } from './mutate.js'
import { naiveText } from './naive-log.js'
import type { Random } from './random.js'

const CODES = ['CORRUPT_LOG', 'LIMIT_EXCEEDED']

export const commitKind: Kind = {
  name: 'commits',
  share: 30,
  prepare: async () => undefined,
  run: async (random) => (random.oneIn(3) ? oneByOne(random) : atOnce(random)),
}

function damagedCommits(random: Random, sound: readonly Uint8Array[]): Uint8Array[] {
  const commits = [...sound]
  const times = random.oneIn(8) ? 0 : 1 + random.below(3)
  for (let i = 0; i < times; i++) {
    const n = random.below(commits.length)
    commits[n] = damageLines(commits[n] as Uint8Array, random)
  }
  return commits
}

async function atOnce(random: Random): Promise<Verdict> {
  const commits = damagedCommits(random, randomCommits(random))
  const { state, good } = naiveReplay(commits)
  const storage = await storeOf(commits)
  const answer = await answerOf(CODES, async () => viewText(await loadLog(storage, { allowUnreadable: true })))
  const expected = good === commits.length && state.protocol !== undefined && state.metadata !== undefined
  return judge(answer, expected ? naiveText(state) : undefined)
}

// A view that follows the log commit by commit; one that cannot be read must leave it as it was.
async function oneByOne(random: Random): Promise<Verdict> {
  const sound = randomCommits(random)
  const commits = damagedCommits(random, sound)
  const storage = await storeOf(commits.slice(0, 1))
  const opened = await answerOf(CODES, () => loadLog(storage, { allowUnreadable: true }))
  const first = naiveReplay(commits.slice(0, 1))
  const opens = first.good === 1 && first.state.protocol !== undefined && first.state.metadata !== undefined
  if (!('value' in opened)) {
    if (opens) throw new Error(`the first commit was refused: ${opened.message}`)
    return 'refused'
  }
  if (!opens) throw new Error('a first commit was read that the oracle refuses')
  let view: LogView = opened.value
  const { good } = naiveReplay(commits)
  for (let version = 1; version < commits.length; version++) {
    await storage.put(commitPath(version), commits[version] as Uint8Array)
    const answer = await answerOf(CODES, () => refreshLog(view, storage))
    const before = naiveText(naiveReplay(commits.slice(0, version)).state)
    if (version >= good) {
      if ('value' in answer) throw new Error(`version ${version} was read, which the oracle refuses`)
      mustEqual(viewText(view), before, `the view of version ${version - 1} after a commit that could not be read`)
      // Once the file is in order, the same view goes on from where it was.
      await storage.put(commitPath(version), sound[version] as Uint8Array)
      const mended = naiveReplay([...commits.slice(0, version), sound[version] as Uint8Array])
      mustEqual(viewText(await refreshLog(view, storage)), naiveText(mended.state), `version ${version} after it was mended`)
      mustEqual(viewText(view), before, `the view of version ${version - 1} after the next was mended`)
      return 'refused'
    }
    if (!('value' in answer)) throw new Error(`version ${version} was refused: ${answer.message}`)
    mustEqual(viewText(answer.value), naiveText(naiveReplay(commits.slice(0, version + 1)).state), `version ${version}`)
    mustEqual(viewText(view), before, `the older view of version ${version - 1}`)
    view = answer.value
  }
  return 'read'
}

/** Compares an answer with the oracle's, `undefined` for a refusal. */
export function judge(answer: { value: string } | { message: string }, expected: string | undefined): Verdict {
  if ('value' in answer) {
    if (expected === undefined) throw new Error('a log was read that the oracle refuses')
    mustEqual(answer.value, expected, 'the state')
    return 'read'
  }
  if (expected !== undefined) throw new Error(`a log was refused that the oracle reads: ${answer.message}`)
  return 'refused'
}
