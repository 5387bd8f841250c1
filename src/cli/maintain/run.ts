// One round of maintenance over all tables, some at a time. Rule: a table that fails never keeps another from its turn, and what
// came of each is told in the order they were given.
import { type MaintainEvent, type MaintainResult, maintain } from '../../compaction/index.js'
import { AlluviumError, isAlluviumError } from '../../errors.js'
import { openTable } from '../../table/index.js'
import { holderName, isDead, processText } from './process-identity.js'
import { type MaintainTarget, withoutCredentials } from './targets.js'

/** What came of a table: a result, or the error that kept it from being opened. */
export type TableOutcome =
  | { readonly location: string; readonly result: MaintainResult; readonly error?: undefined }
  | { readonly location: string; readonly result?: undefined; readonly error: AlluviumError }

export interface RoundOptions {
  readonly parallel: number
  readonly signal: AbortSignal
  readonly onEvent: (event: MaintainEvent) => void
  /** A checkpoint or checksum after a commit that did not succeed. */
  readonly onWarning: (location: string, text: string) => void
  readonly onOutcome: (outcome: TableOutcome) => void
}

/** Maintains the tables. Never throws: what goes wrong is in the outcomes. */
export async function maintainAll(targets: readonly MaintainTarget[], options: RoundOptions): Promise<TableOutcome[]> {
  const outcomes: TableOutcome[] = new Array<TableOutcome>(targets.length)
  let next = 0
  const worker = async (): Promise<void> => {
    for (let at = next++; at < targets.length; at = next++) {
      const outcome = await maintainOne(targets[at] as MaintainTarget, options)
      outcomes[at] = outcome
      options.onOutcome(outcome)
    }
  }
  await Promise.all(Array.from({ length: Math.min(options.parallel, targets.length) }, worker))
  return outcomes
}

async function maintainOne({ url, policy, storage }: MaintainTarget, options: RoundOptions): Promise<TableOutcome> {
  const { signal, onEvent, onWarning } = options
  const location = withoutCredentials(url)
  if (signal.aborted) return { location, error: new AlluviumError('ABORTED', `${location} had no turn: interrupted`) }
  try {
    const table = await openTable(url, {
      storage,
      signal,
      onUpkeep: (report) => {
        if (report.kind === 'failure' && report.what !== 'checksum')
          onWarning(location, `the ${report.what} after version ${report.version} failed: ${report.error.message}`)
      },
    })
    const lease = policy.lease === false ? false : { name: holderName(), process: processText(), isDead, ...policy.lease }
    const result = await maintain(table, { ...policy, lease, signal, onEvent })
    return { location: result.location, result }
  } catch (error) {
    return {
      location,
      error: isAlluviumError(error) ? error : new AlluviumError('STORAGE_UNAVAILABLE', String(error), {}, { cause: error }),
    }
  }
}

/** The error of a table, if it has one: its own, or that of its first failed step. */
export function errorOf({ result, error }: TableOutcome): AlluviumError | undefined {
  return error ?? result?.steps.find((step) => step.state === 'failed')?.error
}

/** How a table ended; `failed` also where it could not be opened. */
export function stateOf({ result, error }: TableOutcome): MaintainResult['state'] {
  if (result !== undefined) return result.state
  return error?.code === 'ABORTED' ? 'stopped' : 'failed'
}
