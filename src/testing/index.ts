// Test suites for implementers: run them against a store of your own, with any test runner.
import type { ContractCase, ContractOptions } from './contract.js'
import { createCases } from './contract-create.js'
import { listCases } from './contract-list.js'
import { objectCases } from './contract-objects.js'
import { pathCases } from './contract-paths.js'
import { raceCases } from './contract-race.js'
import { writeCases } from './contract-write.js'

export type { ContractCase, ContractOptions, ProcessRace, RaceOrder, RaceTally } from './contract.js'
export { AWKWARD_NAMES, HOSTILE_PATHS } from './contract-paths.js'
export { runRaceWorker } from './contract-race.js'

/**
 * The storage contract as cases: one promise each, to be run on a fresh empty store each. They end in a race that must not
 * lose a create.
 *
 * @example
 * for (const { name, run } of storageContract({ capabilities: { exclusiveCreate: true, durable: true } })) {
 *   test(name, async () => run(await openEmptyStore()))
 * }
 */
export function storageContract(options: ContractOptions): ContractCase[] {
  return [
    ...objectCases(options),
    ...createCases(options),
    ...writeCases(options),
    ...listCases(options),
    ...pathCases(options),
    ...raceCases(options),
  ]
}
