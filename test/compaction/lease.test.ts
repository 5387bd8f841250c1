// The lease of maintenance: one holder at a time, whatever dies, hangs or gets lost.
import { memoryStorage, type Runtime, type Storage } from 'alluvium'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LEASE_FOLDER, type Lease, type LeaseTaken, takeLease } from '../../src/compaction/lease.js'
import { faultyStorage } from '../support/faulty-storage.js'
import { manualRuntime } from '../support/manual-runtime.js'

const TTL = 60_000
const SKEW = 5000

async function taken(storage: Storage, runtime: Runtime, more: object = {}): Promise<Lease | undefined> {
  const lease = await takeLease(storage, runtime, { ttlMs: TTL, skewMs: SKEW, name: 'a', ...more })
  return lease.kind === 'held' ? lease : undefined
}

async function objects(storage: Storage): Promise<string[]> {
  const paths: string[] = []
  for await (const page of storage.list('', { recursive: true })) paths.push(...page.map(({ path }) => path))
  return paths
}

describe('a lease', () => {
  test('is one holder’s; another is told whose it is and until when', async () => {
    const runtime = manualRuntime()
    const storage = memoryStorage({ runtime })
    const lease = (await taken(storage, runtime)) as Lease
    expect(lease.isHeld).toBe(true)
    const second = (await takeLease(storage, runtime, { name: 'b' })) as LeaseTaken
    expect(second).toMatchObject({ kind: 'taken', by: { name: 'a', id: lease.holder.id }, untilMs: runtime.now() + TTL })
    await lease.release()
    expect(await taken(storage, runtime)).toBeDefined()
  })

  test('lies where no vacuum deletes, and leaves one small object behind', async () => {
    const runtime = manualRuntime()
    const storage = memoryStorage({ runtime })
    for (let n = 0; n < 3; n++) await (await taken(storage, runtime))?.release()
    expect(LEASE_FOLDER.startsWith('_delta_log/_')).toBe(true)
    expect(await objects(storage)).toEqual(['_delta_log/_alluvium/maintain-0000000006.lease'])
  })

  test('is renewed for as long as it takes, and old terms go', async () => {
    const runtime = manualRuntime()
    const storage = memoryStorage({ runtime })
    const lease = (await taken(storage, runtime)) as Lease
    for (let n = 0; n < 40; n++) {
      await runtime.advance(TTL / 3)
      expect(lease.isHeld).toBe(true)
      expect(await taken(storage, runtime)).toBeUndefined()
    }
    expect((await objects(storage)).length).toBeLessThanOrEqual(3)
    await lease.release()
  })

  test('of a process that died is taken over after its end, not before', async () => {
    const runtime = manualRuntime()
    const storage = memoryStorage({ runtime })
    // A dead process renews nothing: its timers are those of a runtime that stands still.
    await taken(storage, { ...runtime, setTimer: () => ({ cancel: () => undefined }) })
    await runtime.advance(TTL + SKEW - 1)
    expect(await taken(storage, runtime)).toBeUndefined()
    await runtime.advance(1)
    expect(await taken(storage, runtime)).toBeDefined()
  })

  test('of a process that is known to be dead is taken over at once', async () => {
    const runtime = manualRuntime()
    const storage = memoryStorage({ runtime })
    await taken(storage, runtime, { process: 'boot 1, process 7' })
    expect(await taken(storage, runtime, { isDead: () => false })).toBeUndefined()
    expect(
      await taken(storage, runtime, { isDead: (holder: { process?: string }) => holder.process === 'boot 1, process 7' }),
    ).toBeDefined()
  })

  test('that was taken over while its holder slept is lost to it, and its release changes nothing', async () => {
    const runtime = manualRuntime()
    const storage = memoryStorage({ runtime })
    const sleeping = manualRuntime({ seed: 2 })
    const first = (await taken(storage, { ...sleeping, now: runtime.now })) as Lease
    await runtime.advance(TTL + SKEW)
    const second = (await taken(storage, runtime)) as Lease
    await sleeping.advance(TTL / 3) // wakes up and wants to renew
    expect(first.isHeld).toBe(false)
    expect(String(first.signal.reason)).toContain('another took it over')
    await first.release()
    expect(second.isHeld).toBe(true)
    expect(await taken(storage, runtime)).toBeUndefined()
  })

  test.each(['before', 'lost', 'hang'] as const)('whose renewals fail (%s) is over for its holder when its term ends', async (fault) => {
    const runtime = manualRuntime()
    const storage = faultyStorage(memoryStorage({ runtime }))
    const lease = (await taken(storage, runtime)) as Lease
    storage.inject({ call: 'create', fault, times: 1000 })
    await runtime.advance(TTL - 1)
    expect(lease.signal.aborted).toBe(false)
    await runtime.advance(1)
    expect(lease.signal.aborted).toBe(true)
  })

  test('whose renewal’s answer got lost stays held, and for no longer than others think', async () => {
    const runtime = manualRuntime()
    const storage = faultyStorage(memoryStorage({ runtime }))
    const lease = (await taken(storage, runtime)) as Lease
    storage.inject({ call: 'create', fault: 'after', times: 1 })
    storage.inject({ call: 'stat', fault: 'before', times: 1 })
    await runtime.advance(TTL)
    expect(lease.isHeld).toBe(true)
    const told = (await takeLease(storage, runtime, {})) as LeaseTaken
    expect(told.untilMs).toBeGreaterThan(runtime.now())
  })

  test('whose object says nothing is not taken at once, and does not last for ever', async () => {
    const runtime = manualRuntime()
    const storage = memoryStorage({ runtime })
    await storage.put(`${LEASE_FOLDER}/maintain-0000000003.lease`, new Uint8Array([0x7b, 0xff]))
    expect(await taken(storage, runtime)).toBeUndefined()
    await runtime.advance(TTL + SKEW)
    expect((await taken(storage, runtime))?.term).toBe(4)
  })

  test('of a clock that is years ahead ends an hour after it was written', async () => {
    const runtime = manualRuntime()
    const storage = memoryStorage({ runtime })
    const text = JSON.stringify({ id: 'x', name: 'x', until: Date.UTC(2099, 0, 1) })
    await storage.put(`${LEASE_FOLDER}/maintain-0000000001.lease`, new TextEncoder().encode(text))
    await runtime.advance(3_600_000)
    expect(await taken(storage, runtime)).toBeUndefined()
    await runtime.advance(SKEW)
    expect(await taken(storage, runtime)).toBeDefined()
  })

  test('of many who want it at once is one’s', async () => {
    const runtime = manualRuntime()
    const storage = memoryStorage({ runtime })
    for (let round = 0; round < 5; round++) {
      const all = await Promise.all(Array.from({ length: 16 }, (_, n) => taken(storage, manualRuntime({ seed: round * 16 + n + 1 }))))
      const held = all.filter((lease) => lease !== undefined)
      expect(held.length).toBe(1)
      await held[0]?.release()
    }
  })

  test('is never two holders’, whoever stops, starts and dies when', { timeout: 120_000 }, async () => {
    const step = fc.record({
      who: fc.integer({ min: 0, max: 3 }),
      what: fc.constantFrom('take', 'release', 'die', 'wait', 'wait'),
      ms: fc.nat(40_000),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const runtime = manualRuntime()
        const storage = memoryStorage({ runtime })
        const leases: (Lease | undefined)[] = [undefined, undefined, undefined, undefined]
        const dead = new Set<Lease>()
        for (const { who, what, ms } of steps) {
          const own = leases[who]
          if (what === 'take' && own === undefined) {
            const alive = { is: true }
            const timers: Runtime['setTimer'] = (delay, callback) => runtime.setTimer(delay, () => alive.is && callback())
            const lease = await taken(storage, { ...runtime, setTimer: timers, uuid: () => `${who}-${runtime.uuid()}` })
            leases[who] = lease
            if (lease !== undefined) kill.set(lease, () => (alive.is = false))
          } else if (what === 'release' && own !== undefined) {
            await own.release()
            leases[who] = undefined
          } else if (what === 'die' && own !== undefined) {
            kill.get(own)?.()
            dead.add(own)
            leases[who] = undefined
          } else if (what === 'wait') await runtime.advance(ms)
          const holding = [...leases, ...dead].filter((lease) => lease?.isHeld === true)
          expect(holding.length).toBeLessThanOrEqual(1)
        }
        for (const lease of leases) await lease?.release()
      }),
      { numRuns: 200 },
    )
  })
})

const kill = new Map<Lease, () => void>()
