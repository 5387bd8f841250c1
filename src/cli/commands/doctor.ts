// doctor: whether a store does what tables need of it.

import { isAlluviumError } from '../../errors.js'
import { loadFacts } from '../../log/index.js'
import { checkStorage, type StorageCheck } from '../../storage/self-test.js'
import type { Storage } from '../../storage/storage.js'
import type { Command } from '../command.js'
import { storageOf } from '../target.js'

const MARKS: Readonly<Record<StorageCheck['outcome'], string>> = { ok: 'ok', warning: 'warning', failed: 'FAILED', skipped: 'skipped' }

export const doctor: Command = {
  name: 'doctor',
  usage: 'TABLE [options]',
  summary: 'try whether a store does what tables need: reach, create, exclusive creates, list, stream, …',
  description:
    'Works for every kind of store and needs no table. Writes a few small objects of its own and removes them again; a\n' +
    'store that fails a check is left with status 1. On S3 it finds servers that ignore If-None-Match, where writers would lose commits.',
  options: {},
  examples: ['alluvium doctor ./events', 'alluvium doctor s3://lake/events --storage endpoint=http://127.0.0.1:9000 --json'],
  positionals: [1, 1],
  run: async (input) => {
    const { output, signal } = input
    const storage = await storageOf(input)
    const lines: Promise<void>[] = []
    const onCheck = (check: StorageCheck): void => {
      if (!output.json) lines.push(output.line(`${MARKS[check.outcome].padEnd(9)}${check.name.padEnd(11)}${check.detail}`))
    }
    const checks = await checkStorage(storage, { signal, onCheck })
    const table = await tableAt(storage, checks, signal)
    await Promise.all(lines)
    if (output.json) {
      await output.object({
        location: storage.location,
        ok: checks.every(({ outcome }) => outcome === 'ok' || outcome === 'warning'),
        table,
        checks: checks.map(({ error, ...check }) => ({ ...check, ...(error === undefined ? {} : { code: error.code }) })),
      })
    } else if (table !== null)
      await output.line(`${'table'.padEnd(20)}${table.version === null ? table.problem : `version ${table.version}`}`)
    const failed = checks.find(({ outcome }) => outcome === 'failed')
    if (failed?.error !== undefined) throw failed.error
  },
}

/** The table that is there, or what stands in the way of reading it. */
async function tableAt(
  storage: Storage,
  checks: readonly StorageCheck[],
  signal: AbortSignal,
): Promise<{ readonly version: number | null; readonly problem: string | null } | null> {
  if (checks.some(({ name, outcome }) => name === 'reach' && outcome !== 'ok')) return null
  try {
    return { version: (await loadFacts(storage, { signal })).version, problem: null }
  } catch (error) {
    if (isAlluviumError(error, 'NOT_A_TABLE')) return null
    if (isAlluviumError(error) && error.code !== 'ABORTED') return { version: null, problem: error.message }
    throw error
  }
}
