// A create whose request meets a fault says only what is true: `created` when the object is there and ours, `exists` when it is
// somebody else's, `applied: false` when nothing is there and nothing will come, and `unknown` only where nobody could know.
import { isAlluviumError, systemRuntime } from 'alluvium'
import { type Emulator, FAULTS, type FaultName, startS3Emulator, startWebHdfsEmulator } from 'alluvium/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { s3Storage } from '../../src/storage/s3/index.js'
import type { Storage } from '../../src/storage/storage.js'
import { webhdfsStorage } from '../../src/storage/webhdfs/index.js'

const impatient = { ...systemRuntime, sleep: (ms: number, signal?: AbortSignal) => systemRuntime.sleep(ms / 50, signal) }
const names = (Object.keys(FAULTS) as FaultName[]).filter((name) => !name.endsWith('-listing'))

interface Rig {
  readonly emulator: Emulator
  readonly storage: Storage
  /** The request that decides. */
  readonly kind: string
  /** Faults after which our own object may be called somebody else's: a proxy sent the only request twice. A commit looks whose it is. */
  readonly mistakable: readonly FaultName[]
}

function suite(name: string, start: () => Promise<Rig>): void {
  describe(name, () => {
    let rig: Rig
    beforeAll(async () => {
      rig = await start()
      // The self-test of the store comes first.
      await rig.storage.create('first', new Uint8Array(1))
    })
    afterAll(() => rig.emulator.stop())

    test.each(names)('%s', async (fault) => {
      const { emulator, storage, kind, mistakable } = rig
      for (const [n, taken] of [false, true, false].entries()) {
        const path = `_delta_log/${fault}-${n}.json`
        const bytes = new TextEncoder().encode(`ours ${n}`)
        if (taken) await storage.put(path, new TextEncoder().encode('theirs'))
        emulator.inject({ kind, path: new RegExp(`${fault}-${n}\\.json`), fault, times: 1 + n })
        const outcome: unknown = await storage.create(path, bytes).catch((error: unknown) => error)
        emulator.heal()
        const now = await storage.read(path)
        emulator.land()
        const later = await storage.read(path)
        const shown = later === undefined ? 'nothing' : new TextDecoder().decode(later)
        if (outcome === 'created') expect([taken, now, shown]).toEqual([false, bytes, `ours ${n}`])
        else if (outcome === 'exists' && !taken && mistakable.includes(fault)) expect(shown).toBe(`ours ${n}`)
        else if (outcome === 'exists') expect([taken, shown]).toEqual([true, 'theirs'])
        else if (isAlluviumError(outcome) && outcome.facts.applied === false) expect(shown).toBe(taken ? 'theirs' : 'nothing')
        else {
          expect(outcome).toMatchObject({ code: 'STORAGE_UNAVAILABLE', facts: { applied: 'unknown' } })
          expect(shown).toMatch(taken ? /^theirs$/ : /^(nothing|ours \d)$/)
        }
      }
    })
  })
}

suite('S3', async () => {
  const emulator = await startS3Emulator({ slowMs: 8 })
  const options = { endpoint: emulator.endpoint, region: emulator.region, ...emulator.credentials }
  const storage = s3Storage('s3://tables/t', { ...options, stallTimeoutMs: 300, runtime: impatient })
  return { emulator, storage, kind: 'PutObject', mistakable: ['412-after', 'twice'] }
})
for (const flavour of ['namenode', 'httpfs'] as const) {
  suite(`WebHDFS: ${flavour}`, async () => {
    const emulator = await startWebHdfsEmulator({ flavour, slowMs: 8 })
    const storage = webhdfsStorage(`${emulator.url}/t`, { user: emulator.user, stallTimeoutMs: 300, retryMs: 2000, runtime: impatient })
    return { emulator, storage, kind: 'RENAME', mistakable: [] }
  })
}
