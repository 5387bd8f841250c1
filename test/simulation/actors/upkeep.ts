// Those who keep the table in order: checkpoints, cleaning, vacuum, compaction, restoring.
import { optimize, restore, vacuum } from '../../../src/compaction/index.js'
import { compactLog } from '../../../src/log/index.js'
import { type Actor, attempt, below, chance, complain, expected, hasOverslept, msSinceEnd, open, rest } from '../stage.js'
import { safeMs } from '../traits.js'
import { TOO_OLD } from './readers.js'

export const checkpointer: Actor = async (stage) => {
  const table = await open(stage)
  if (table === undefined) return
  while (!stage.isOver()) {
    await rest(stage, 2500)
    const compacts = chance(stage, 4)
    try {
      if (compacts) await compactLog(stage.storage, (await table.snapshot()).view)
      else await table.checkpoint()
    } catch (error) {
      // The version that was to have a checkpoint is gone.
      complain(stage, error, hasOverslept(stage) ? ['VERSION_NOT_FOUND'] : [])
    }
  }
}

export const cleaner: Actor = async (stage) => {
  const table = await open(stage)
  if (table === undefined) return
  while (!stage.isOver()) {
    await rest(stage, 3000)
    await expected(stage, () => table.cleanup())
  }
}

export const vacuumer: Actor = async (stage) => {
  const table = await open(stage)
  if (table === undefined) return
  while (!stage.isOver()) {
    await rest(stage, 3000)
    const mode = chance(stage, 2) ? 'lite' : 'full'
    // A lite vacuum says so where the log no longer tells what it has to know; and the version that it began with may be gone.
    const may = (): readonly string[] => [
      ...(mode === 'lite' ? ['INVALID_OPTIONS'] : []),
      ...(hasOverslept(stage) ? ['VERSION_NOT_FOUND'] : []),
    ]
    await expected(stage, () => vacuum(table, { mode }), may)
  }
}

export const restorer: Actor = async (stage) => {
  const table = await open(stage)
  if (table === undefined) return
  while (!stage.isOver()) {
    await rest(stage, 5000)
    const latest = await expected(stage, () => table.snapshot())
    if (latest === undefined || latest.version < 2) continue
    const version = latest.version - 1 - below(stage, Math.min(12, latest.version - 1))
    const op = stage.ledger.begin('restore', stage.process.name, 0)
    op.restored = version
    const tooOld = (): readonly string[] => (msSinceEnd(stage, version) > safeMs(stage.traits) ? TOO_OLD : [])
    await attempt(stage, op, async () => (await restore(table, { version })).version, tooOld)
  }
}

export const compactor: Actor = async (stage) => {
  const table = await open(stage)
  if (table === undefined) return
  const { world } = stage.process
  while (!stage.isOver()) {
    await rest(stage, stage.traits.isCrowded ? 150 : 1800)
    const beganMs = world.nowMs
    // Who is stopped for longer than the retention finds its files gone.
    const tooLate = (): readonly string[] => (world.nowMs - beganMs > safeMs(stage.traits) ? ['MISSING_FILE'] : [])
    const op = stage.ledger.begin('compact', stage.process.name, 0)
    const targetSize = chance(stage, 2) ? { targetSize: 2000 + below(stage, 6000), groupsPerCommit: 1 + below(stage, 3) } : {}
    await attempt(
      stage,
      op,
      async () => {
        const { attempts, versions } = await optimize(table, { ...targetSize, splice: chance(stage, 2) })
        op.attempts = attempts
        return versions.at(-1)
      },
      tooLate,
    )
  }
}
