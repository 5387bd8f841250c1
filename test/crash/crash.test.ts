// Processes killed by SIGKILL while they write one table on the real file system. `npm run crash` is the same with many more kills.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CampaignOptions, type CampaignResult, runCampaign } from './campaign.js'
import type { Defect } from './defects.js'
import { bundlePrograms, type Programs } from './programs.js'
import type { Role } from './writer.js'

let programs: Programs
const folders: string[] = []

beforeAll(async () => {
  programs = await bundlePrograms()
})
afterAll(() => {
  programs.remove()
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true })
})

function campaign(options: Pick<CampaignOptions, 'kills' | 'seed' | 'roles' | 'defect' | 'checkEvery'>): Promise<CampaignResult> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'alluvium-crash-'))
  folders.push(folder)
  return runCampaign({ folder, programs, ...options })
}

describe('writers that are killed', () => {
  test('lose and double nothing that was acknowledged, leave a table that reads whole, and leftovers that are known', async () => {
    const { kills, faults, log, records, readings } = await campaign({ kills: 20, seed: 7, checkEvery: 10 })
    expect(faults).toEqual([])
    expect(kills).toBeGreaterThanOrEqual(20)
    expect(readings.ours).toBeGreaterThanOrEqual(2)
    // Something was at stake.
    expect(log.version).toBeGreaterThan(5)
    expect(records.flatMap((record) => [...record.ops.values()]).some(({ outcome }) => outcome === 'acked')).toBe(true)
  })

  const caught: readonly (readonly [Defect, readonly Role[], RegExp])[] = [
    ['acks early', ['appender', 'appender', 'appender'], /was acknowledged .* is lost/],
    ['retries blindly', ['appender', 'appender', 'appender', 'appender'], /row \d+ came in version \d+ and again/],
    ['keeps positions beside', ['streamer', 'streamer', 'streamer'], /offset \d+ of stream/],
    ['creates in place', ['appender', 'overwriter', 'streamer'], /is torn|CORRUPT_LOG/],
    ['creates over others', ['appender', 'appender', 'appender', 'streamer'], /is lost|as was said|is in undefined/],
  ]
  for (const [defect, roles, what] of caught) {
    test(`would be found out if one ${defect}`, async () => {
      const { faults } = await campaign({ kills: 300, seed: 7, roles, defect, checkEvery: 5 })
      expect(
        faults.some((fault) => what.test(fault)),
        faults.join('\n'),
      ).toBe(true)
    })
  }
})
