// Maintenance beside writers and readers that go on: no row is lost or doubled, no writer fails, no reader misses a file.
import { createTable, long, maintain, memoryStorage, openTable, schema, string } from 'alluvium'
import { expect, test } from 'vitest'

const WRITERS = 4
const APPENDS = 25

/** Lets timers have their turn: a store in memory answers so soon that they would get none. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1))

test('beside appenders and readers fails none of them, and leaves every row once', { timeout: 120_000 }, async () => {
  const storage = memoryStorage()
  await createTable(storage, {
    schema: schema({ id: long(), p: string() }),
    partitionBy: ['p'],
    properties: { 'delta.checkpointInterval': '5' },
  })
  let writing = WRITERS
  const writer = async (number: number): Promise<void> => {
    const table = await openTable(storage)
    for (let n = 0; n < APPENDS; n++) {
      await table.append([{ id: BigInt(number * APPENDS + n), p: `p${n % 2}` }], { shareCommit: false })
      await turn()
    }
    writing--
  }
  const reader = async (): Promise<number> => {
    let most = 0
    while (writing > 0) {
      const count = await (await openTable(storage)).scan().count()
      expect(count).toBeGreaterThanOrEqual(most) // rows only come
      most = count
      await turn()
    }
    return most
  }
  const keeper = async (): Promise<number> => {
    let rounds = 0
    while (writing > 0) {
      const { state, steps } = await maintain(await openTable(storage))
      // Others at work are no failure: what they have changed is left for the next time.
      expect([state, steps.filter((step) => step.state === 'failed').map(({ error }) => error?.message)]).toEqual(['done', []])
      rounds++
      await turn()
    }
    return rounds
  }
  const [rounds] = await Promise.all([keeper(), reader(), ...Array.from({ length: WRITERS }, (_, n) => writer(n))])
  expect(rounds).toBeGreaterThan(0)
  await maintain(await openTable(storage))
  const table = await openTable(storage)
  const ids = (await table.scan().toArray()).map(({ id }) => Number(id)).sort((a, b) => a - b)
  expect(ids).toEqual(Array.from({ length: WRITERS * APPENDS }, (_, n) => n))
  expect((await table.snapshot()).numFiles).toBe(2)
})
