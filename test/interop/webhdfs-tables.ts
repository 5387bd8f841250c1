// What the WebHDFS tests share: a table's columns, the contract's sizes, and the proof that no row is lost or doubled.
import { long, schema, string, type Table } from 'alluvium'
import { expect } from 'vitest'
import type { WebHdfsOptions } from '../../src/storage/webhdfs/index.js'
import type { ContractOptions, RaceTally } from '../../src/testing/index.js'
import type { Child, Children } from './s3-processes.js'

export const columns = schema({ id: string().notNull(), n: long(), p: string() })

/** What a writer said of one row. */
export interface Line {
  readonly id: string
  readonly outcome: 'acked' | 'failed' | 'unknown'
  readonly version?: number
  /** How long an acknowledged one took. */
  readonly tookMs?: number
  readonly error?: string
}

/** The contract in sizes for a cluster in one JVM: more than a page of a listing where `pages` says so. */
export function contractOf(children: (() => Children) | undefined, options: WebHdfsOptions, pages = true): ContractOptions {
  return {
    capabilities: { exclusiveCreate: true, durable: true },
    stages: true,
    refusesName: (name) => name.includes(':'),
    listObjects: pages ? 1020 : 60,
    bigObjectBytes: 3 * 2 ** 20 + 3,
    race: { creators: 16, names: 3 },
    ...(children === undefined
      ? {}
      : {
          processRace: {
            workers: 4,
            names: 25,
            start: (storage, orders) =>
              Promise.all(
                orders.map(async (order): Promise<RaceTally> => {
                  const child = children().start('race', storage.location, options as object, JSON.stringify(order))
                  await child.ended
                  return child.lines[0] as RaceTally
                }),
              ),
          },
        }),
  }
}

export async function idsOf(table: Table): Promise<string[]> {
  const found: string[] = []
  for await (const row of table.scan().rows()) found.push(row.id as string)
  return found.sort()
}

/** Lets writers run, does something to the cluster each time some more rows were acknowledged, then tells them to stop. */
export async function crash(running: readonly Child[], times: number, what: () => Promise<void>): Promise<void> {
  const acked = (): number => running.flatMap((child) => child.lines as Line[]).filter(({ outcome }) => outcome === 'acked').length
  for (let round = 0; round <= times; round++) {
    const before = acked()
    await expect.poll(acked, { timeout: 120_000, interval: 50 }).toBeGreaterThan(before + 4)
    if (round < times) await what()
  }
  for (const child of running) child.stop()
  await Promise.all(running.map(({ ended }) => ended))
}

/** What the writers said, once it is proven that the table holds each acknowledged row once, no failed one, and no other. */
export async function outcomesOf(running: readonly Child[], open: () => Promise<Table>): Promise<Line[]> {
  const lines = running.flatMap((child) => child.lines as Line[])
  const found = await idsOf(await open())
  const there = new Set(found)
  expect(there.size, 'no row is there twice').toBe(found.length)
  const missing = lines.filter(({ id, outcome }) => outcome === 'acked' && !there.has(id))
  expect(missing, 'acknowledged rows that are missing').toEqual([])
  const risen = lines.filter(({ id, outcome }) => outcome === 'failed' && there.has(id))
  expect(risen, 'rows that were called failed').toEqual([])
  const said = new Set(lines.map(({ id }) => id))
  const strangers = found.filter((id) => !said.has(id))
  expect(strangers, 'rows that nobody wrote').toEqual([])
  return lines
}
