// Killed at any instant, `maintain` leaves a correct table and finishes on its next run. The process is killed by SIGKILL at random
// instants while it compacts, checkpoints, cleans and deletes; what must be in the table is kept in a ledger of the test's own.
// A few kills by default; ALLUVIUM_KILLS=300 for many, ALLUVIUM_SEED for others.
import { readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { createTable, long, openTable, schema, string, type Table } from 'alluvium'
import { expect, test } from 'vitest'
import { killedRun, randomFrom } from '../support/killed-run.js'
import { alluvium, jsonLines, scratchFolder } from './cli-process.js'

/** The log as if it were of ten days ago, so that cleaning it has work too. */
function age(path: string): void {
  const log = join(path, '_delta_log')
  for (const name of readdirSync(log)) {
    if (!/^\d{20}\./.test(name)) continue
    const seconds = Date.now() / 1000 - 864_000 + Number(name.slice(0, 20))
    utimesSync(join(log, name), seconds, seconds)
  }
}

const KILLS = Number(process.env.ALLUVIUM_KILLS ?? 24)
const SEED = Number(process.env.ALLUVIUM_SEED ?? Date.now() % 1_000_000)
const columns = schema({ id: long(), p: string(), text: string() })

// With no retention every step has work in every run, so that kills hit all of them.
const properties = {
  'delta.deletedFileRetentionDuration': 'interval 0 seconds',
  'delta.logRetentionDuration': 'interval 1 days',
  'delta.checkpointInterval': '3',
}

test(`killed ${KILLS} times (seed ${SEED}) leaves every row once each time, and finishes in the end`, {
  timeout: 60_000 + KILLS * 10_000,
}, async () => {
  const random = randomFrom(SEED)
  const path = join(await scratchFolder(), 'events')
  const table = (await createTable(path, { schema: columns, partitionBy: ['p'], properties })) as unknown as Table<{ id: bigint }, object>
  const ledger = new Set<number>()
  const add = async (files: number): Promise<void> => {
    for (let n = 0; n < files; n++) {
      const rows = Array.from({ length: 3 }, (_, at) => ({ id: BigInt(ledger.size + at), p: `p${n % 3}`, text: 'x'.repeat(100) }))
      await table.append(rows)
      for (const { id } of rows) ledger.add(Number(id))
    }
    await table.settled()
  }
  const killedIn = new Map<string, number>()
  for (let kill = 0; kill < KILLS; kill++) {
    await add(2 + Math.floor(random() * 8))
    age(path)
    const { last, wasKilled } = await killedRun(['maintain', path, '--target-size', '4kb', '--json'], random)
    if (wasKilled) killedIn.set(last, (killedIn.get(last) ?? 0) + 1)
    const rows = await (await openTable(path)).scan().toArray()
    expect(rows.length, `rows after kill ${kill} in ${last}, seed ${SEED}`).toBe(ledger.size)
    expect(new Set(rows.map(({ id }) => Number(id))), `ids after kill ${kill} in ${last}, seed ${SEED}`).toEqual(ledger)
  }
  expect([...killedIn.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(KILLS / 4)
  console.log(`kills by what was last logged: ${JSON.stringify(Object.fromEntries([...killedIn].sort()))}`)
  const finished = await alluvium(['maintain', path, '--target-size', '4kb', '--json'])
  expect([finished.status, jsonLines(finished.stdout)[0]?.done]).toEqual([0, 1])
  // What killed runs left lying about is gone, and nothing is left to do.
  const { view } = await (await openTable(path)).snapshot()
  const live = [...view.files.liveRows()].map((row) => view.files.path(row)).sort()
  const found = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.parquet') && !name.startsWith('_'),
  )
  expect(found.sort()).toEqual(live)
  // The log was cleaned too, whenever that was.
  expect(readdirSync(join(path, '_delta_log'))).not.toContain('00000000000000000000.json')
  const [again] = jsonLines((await alluvium(['maintain', path, '--target-size', '4kb', '--json'])).stdout)
  expect(again).toMatchObject({ filesRead: 0, filesDeleted: 0, versions: [] })
})
