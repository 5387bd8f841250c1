// For those who test against stores: the storage contract as a suite, and stores over HTTP that fail on request.
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
export {
  type EmulatedFault,
  FAULTS,
  type FaultName,
  type FaultPlan,
  type FaultRule,
  type FaultyAnswer,
  type FaultyEffect,
  type RequestFacts,
  type SeededFaultOptions,
  seededFaults,
} from './emulators/faults.js'
export { type S3Emulator, type S3EmulatorOptions, startS3Emulator } from './emulators/s3.js'
export type { S3FlavourName } from './emulators/s3-flavours.js'
export type { S3Credentials } from './emulators/s3-signature.js'
export type { S3Object } from './emulators/s3-store.js'
export { dependentRoundTrips, type Emulator, type EmulatorOptions, type LoggedRequest } from './emulators/server.js'
export { startWebHdfsEmulator, type WebHdfsEmulator, type WebHdfsEmulatorOptions } from './emulators/webhdfs.js'

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
