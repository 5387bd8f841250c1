// Those who read: at once or over hours, the latest or what was before.
import type { Snapshot } from '../../../src/table/index.js'
import { partitionOf, type Sighting } from '../ledger.js'
import { type Actor, below, chance, complain, expected, msSinceEnd, open, type Row, rest, type Stage } from '../stage.js'
import { safeMs } from '../traits.js'

/** What may be met where a version is older than what is kept. */
export const TOO_OLD: readonly string[] = ['VERSION_NOT_FOUND', 'MISSING_FILE', 'CORRUPT_LOG']

export const reader: Actor = async (stage) => {
  const table = await open(stage)
  if (table === undefined) return
  while (!stage.isOver()) {
    await rest(stage, 900)
    const beganMs = stage.process.world.nowMs
    const latest = await expected(stage, () => table.snapshot())
    if (latest === undefined) continue
    const asked = latest.version > 0 && chance(stage, 3)
    const version = asked ? below(stage, latest.version + 1) : latest.version
    try {
      const snapshot = asked ? await table.snapshot({ version }) : latest
      await look(stage, snapshot, { beganMs, asked }, () => undefined)
    } catch (error) {
      complain(stage, error, msSinceEnd(stage, version) > safeMs(stage.traits) ? TOO_OLD : [])
    }
  }
}

/** Takes a snapshot and reads it file by file, for as long as its files are promised to stay. */
export const slowReader: Actor = async (stage) => {
  const table = await open(stage)
  if (table === undefined) return
  const { world, runtime } = stage.process
  const promisedMs = stage.traits.calendar.isLong ? safeMs(stage.traits) : 20_000
  while (!stage.isOver()) {
    await rest(stage, 800)
    const beganMs = world.nowMs
    const untilMs = beganMs + world.between(0.3, 0.95) * promisedMs
    const snapshot = await expected(stage, () => table.snapshot())
    if (snapshot === undefined) continue
    const pauses = snapshot.numFiles + 1
    try {
      await look(stage, snapshot, { beganMs, asked: false }, () =>
        runtime.sleep(Math.max(0, Math.min((untilMs - beganMs) / pauses, untilMs - world.nowMs))),
      )
    } catch (error) {
      // It may have been stopped for longer than it meant to read.
      complain(stage, error, world.nowMs - beganMs > promisedMs ? TOO_OLD : [])
    }
  }
}

async function look(
  stage: Stage,
  snapshot: Snapshot<Row>,
  sighting: Pick<Sighting, 'beganMs' | 'asked'>,
  pause: () => Promise<void> | undefined,
): Promise<void> {
  const { tracksRows } = stage.traits
  const from = chance(stage, 3) ? 1 + below(stage, 60) : undefined
  const options = {
    columns: ['id', 'p', ...(tracksRows ? ['_row_id'] : [])],
    ...(tracksRows ? { rowIds: true } : {}),
    ...(from === undefined ? {} : { where: `id >= ${from}` }),
    bytesInFlight: chance(stage, 2) ? 0 : 1_000_000,
  }
  const ids: number[] = []
  const rowIds: bigint[] = []
  await pause()
  for await (const batch of snapshot.scan(options).batches()) {
    const names = batch.schema.fields.map(({ name }) => name)
    const column = (name: string) => batch.getChildAt(names.indexOf(name))
    for (let n = 0; n < batch.numRows; n++) {
      const id = Number(column('id')?.get(n))
      ids.push(id)
      if (column('p')?.get(n) !== partitionOf(id)) stage.ledger.faults.push(`${stage.process.name} read row ${id} in another partition`)
      if (tracksRows) rowIds.push(column('_row_id')?.get(n) as bigint)
    }
    await pause()
  }
  stage.ledger.sightings.push({
    by: stage.process.name,
    version: snapshot.version,
    ids,
    ...sighting,
    from,
    ...(tracksRows ? { rowIds } : {}),
  })
}
