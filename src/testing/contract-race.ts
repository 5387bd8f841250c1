// The end of the contract suite: many creators for each name, in this process and in many. Every name has exactly one winner,
// every create that answered `created` is the object that is there, and nobody ever sees a part of one.
import { systemRuntime } from '../runtime.js'
import type { Storage } from '../storage/storage.js'
import { check, checkBytesEqual, checkEqual } from './check.js'
import {
  type ContractCase,
  type ContractOptions,
  listPaths,
  type ProcessRace,
  patternBytes,
  type RaceOrder,
  type RaceTally,
  textBytes,
} from './contract.js'

const START_FOLDER = 'race-start'
const POLL_MS = 5

/** The races; none for a store that refuses creates. */
export function raceCases(options: ContractOptions): ContractCase[] {
  if (!options.capabilities.exclusiveCreate) return []
  const { creators = 32, names = 12 } = options.race ?? {}
  const cases: ContractCase[] = [
    {
      name: 'of many concurrent creators of a name exactly one wins, and its bytes are there whole',
      run: (storage) => race(storage, creators, names),
    },
  ]
  const { processRace } = options
  if (processRace === undefined) return cases
  return [
    ...cases,
    { name: 'of many processes that create the same names no create is lost', run: (storage) => raceProcesses(storage, processRace) },
  ]
}

/**
 * One process's part in the race: waits until all workers are there, then creates every name in turn and reads what it lost.
 *
 * @example
 * // in the child process that `processRace.start` starts
 * console.log(JSON.stringify(await runRaceWorker(openTheSameStore(), JSON.parse(process.argv[2]))))
 */
export async function runRaceWorker(storage: Storage, order: RaceOrder): Promise<RaceTally> {
  const { worker, workers, names } = order
  const [created, exists, failures]: string[][] = [[], [], []]
  await storage.create(`${START_FOLDER}/${worker}`, textBytes('here'))
  while ((await listPaths(storage, START_FOLDER)).length < workers) await systemRuntime.sleep(POLL_MS)
  for (const name of names) {
    try {
      const outcome = await storage.create(name, raceBytes(name, worker))
      if (outcome === 'created') created?.push(name)
      else {
        exists?.push(name)
        winnerOf(name, workers, await storage.read(name))
      }
    } catch (error) {
      failures?.push(`${name}: ${String(error)}`)
    }
  }
  return { worker, created: created ?? [], exists: exists ?? [], failures: failures ?? [] }
}

async function race(storage: Storage, creators: number, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const name = `race/${n}`
    const outcomes = await Promise.all(
      Array.from({ length: creators }, async (_, worker) => {
        const outcome = await storage.create(name, raceBytes(name, worker))
        if (outcome === 'exists') winnerOf(name, creators, await storage.read(name))
        return outcome
      }),
    )
    const winners = outcomes.flatMap((outcome, worker) => (outcome === 'created' ? [worker] : []))
    checkEqual(winners.length, 1, `the number of winners of '${name}'`)
    checkEqual(outcomes.filter((outcome) => outcome === 'exists').length, creators - 1, `the number of losers of '${name}'`)
    checkBytesEqual(await storage.read(name), raceBytes(name, winners[0] as number), `the winner's bytes of '${name}'`)
  }
  checkEqual((await listPaths(storage, 'race')).length, count, 'the race leaves one object a name')
}

async function raceProcesses(storage: Storage, { workers = 8, names: count = 200, start }: ProcessRace): Promise<void> {
  const names = Array.from({ length: count }, (_, i) => `race/${String(i).padStart(20, '0')}.json`)
  const tallies = await start(
    storage,
    Array.from({ length: workers }, (_, worker) => ({ worker, workers, names })),
  )
  checkEqual(
    tallies.map((tally) => tally.worker).sort((a, b) => a - b),
    Array.from({ length: workers }, (_, i) => i),
    'every worker answered',
  )
  checkEqual(
    tallies.flatMap((tally) => tally.failures),
    [],
    'failures of workers',
  )
  const winners = new Map<string, number[]>(names.map((name) => [name, []]))
  for (const { worker, created, exists } of tallies) {
    checkEqual(created.length + exists.length, count, `the answers worker ${worker} got`)
    for (const name of created) winners.get(name)?.push(worker)
  }
  for (const [name, won] of winners) {
    checkEqual(won.length, 1, `the number of winners of '${name}' (${won.join(', ')})`)
    checkBytesEqual(await storage.read(name), raceBytes(name, won[0] as number), `the winner's bytes of '${name}'`)
  }
  checkEqual(await listPaths(storage, 'race'), names, 'the race leaves one object a name')
}

/** What a worker writes under a name: its number, then bytes whose count and values depend on both. */
function raceBytes(name: string, worker: number): Uint8Array {
  const seed = [...name].reduce((sum, character) => (sum * 31 + (character.codePointAt(0) as number)) % 65_521, worker + 1)
  const bytes = patternBytes(200 + (seed % 5000), seed)
  bytes[0] = worker
  return bytes
}

/** Whose object it is; fails unless it is whole. */
function winnerOf(name: string, workers: number, bytes: Uint8Array | undefined): number {
  check(bytes !== undefined && bytes.length > 0, `'${name}' can be read once a create answered exists`)
  const worker = bytes[0] as number
  check(worker < workers, `'${name}' holds bytes of a worker`)
  checkBytesEqual(bytes, raceBytes(name, worker), `what a loser reads of '${name}'`)
  return worker
}
