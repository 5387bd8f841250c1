// The config of `maintain`: its faults, its published schema, which tables it means, and when it runs.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAlluviumError, openStorage, systemRuntime } from 'alluvium'
import { startS3Emulator } from 'alluvium/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { configJsonSchema, durationMs, type MaintainConfig, parseConfig, sizeBytes } from '../../src/cli/maintain/config.js'
import { findTables } from '../../src/cli/maintain/patterns.js'
import { cronSchedule, everySchedule, onSchedule } from '../../src/cli/maintain/schedule.js'
import { maintainTargets, withoutCredentials } from '../../src/cli/maintain/targets.js'
import { manualRuntime } from '../support/manual-runtime.js'

const parse = (value: unknown): MaintainConfig =>
  parseConfig(new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)), 'maintain.json')

function faults(value: unknown): readonly string[] {
  try {
    parse(value)
    return []
  } catch (error) {
    return isAlluviumError(error, 'INVALID_OPTIONS') ? ((error.facts.faults as string[]) ?? [error.message]) : [String(error)]
  }
}

describe('a config', () => {
  test('of every setting is taken', () => {
    const config = {
      $schema: 'x',
      tables: [
        'a',
        {
          url: 's3://b/*',
          steps: { vacuum: false, checkpoint: 'always' },
          zorder: ['x', 'y'],
          storage: { secretAccessKey: { env: 'KEY' }, region: 'eu' },
        },
      ],
      defaults: {
        targetSize: '128mb',
        retention: '168h',
        forceRetention: false,
        minFiles: 4,
        where: "day > DATE '2026-01-01'",
        vacuumMode: 'lite',
      },
      parallel: 3,
      every: '10m',
      metricsFile: '/m.prom',
      lease: { ttl: '2m' },
    }
    expect(parse(config)).toEqual(config)
  })

  test('has all its faults told at once, each with its path', () => {
    expect(
      faults({
        tables: [5, { url: '' }, { url: 'a', stepz: {} }, { url: 'b', steps: { vacum: true, optimize: 'yes' } }, { targetSize: '1mb' }],
        defaults: { retention: 'soon', zorder: [], storage: { region: 5 } },
        parallel: 0,
        evry: '10m',
      }),
    ).toEqual([
      'tables[0]: must be a path, a URL, or an object with url',
      'tables[1].url: must not be empty',
      'tables[2].stepz: there is no such setting; did you mean steps?',
      'tables[3].steps.optimize: must be true or false',
      'tables[3].steps.vacum: there is no such setting; did you mean vacuum?',
      'tables[4].url: must be a text',
      'defaults.zorder: must name at least one column',
      'defaults.retention: must be a duration like "30s", "10m", "168h" or "7d"',
      'defaults.storage.region: must be a text or { "env": "NAME" }',
      'parallel: must be at least 1',
      'evry: there is no such setting; did you mean every?',
    ])
  })

  test('has settings that exclude each other told', () => {
    expect(faults({ tables: [{ url: 'a', zorder: ['x'], hilbert: ['y'] }], every: '1m', cron: '* * * * *' })).toEqual([
      'every: goes without cron',
      'tables[0].zorder: goes without hilbert',
    ])
  })

  test('that holds a secret is refused, and the secret is not repeated', () => {
    const told = faults({
      tables: ['s3://user:hunter2@host/x', { url: 'a', storage: { secretAccessKey: 'hunter2', sessionToken: 'hunter2' } }],
    })
    expect(told.map((fault) => fault.split(':')[0])).toEqual([
      'tables[0]',
      'tables[1].storage.secretAccessKey',
      'tables[1].storage.sessionToken',
    ])
    expect(told.join()).not.toContain('hunter2')
    const text = '{ "defaults": { "storage": { "secretAccessKey": hunter2 } } }'
    expect(faults(text).join()).toContain('line 1, column 49')
    expect(faults(text).join()).not.toContain('hunter2')
    expect(faults({ defaults: { retention: 'hunter2' }, parallel: 'hunter2', tables: 'hunter2' }).join()).not.toContain('hunter2')
  })

  test('with a key like __proto__ has a key that is not known', () => {
    expect(faults('{ "__proto__": {}, "tables": [] }').join()).toContain('__proto__')
  })

  test('has a published schema, which is the one it is checked by', () => {
    const published = readFileSync(new URL('../../docs/maintain.schema.json', import.meta.url), 'utf8')
    expect(JSON.parse(published), 'write it anew: alluvium maintain --print-schema > docs/maintain.schema.json').toEqual(
      JSON.parse(JSON.stringify(configJsonSchema())),
    )
  })

  test('as the documentation shows one is taken', () => {
    const docs = readFileSync(new URL('../../docs/maintain.md', import.meta.url), 'utf8')
    const [, example] = /```json\n([\s\S]*?)```/.exec(docs) ?? []
    expect(faults(example)).toEqual([])
    expect(parse(example as string).tables?.length).toBe(4)
  })

  test('has durations and sizes with units', () => {
    expect(['500ms', '30s', '10m', '168h', '7d', '2w'].map(durationMs)).toEqual([
      500, 30_000, 600_000, 604_800_000, 604_800_000, 1_209_600_000,
    ])
    expect(['5', '5b', '1kb', '128mb', '1.5g', '2M'].map(sizeBytes)).toEqual([5, 5, 1024, 134_217_728, 1_610_612_736, 2_097_152])
  })
})

describe('tables', () => {
  let folder: string
  const table = (name: string): void => void mkdirSync(join(folder, name, '_delta_log'), { recursive: true })
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'alluvium-targets-'))
    for (const name of ['eu/events', 'eu/users', 'us/events', 'us/deep/er/events', '_hidden/events', '.dot/events', 'eu/events/nested'])
      table(name)
    mkdirSync(join(folder, 'eu/no-table'), { recursive: true })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const signal = new AbortController().signal
  const find = async (pattern: string): Promise<string[]> =>
    (await findTables(`${folder}/${pattern}`, {}, signal)).map((path) => path.slice(folder.length + 1))

  test('are found by patterns: only folders with a log, nothing inside of a table, nothing hidden', async () => {
    expect(await find('*/events')).toEqual(['eu/events', 'us/events'])
    expect(await find('eu/*')).toEqual(['eu/events', 'eu/users'])
    expect(await find('**')).toEqual(['eu/events', 'eu/users', 'us/deep/er/events', 'us/events'])
    expect(await find('us/**/events')).toEqual(['us/deep/er/events', 'us/events'])
    expect(await find('*/e*s')).toEqual(['eu/events', 'us/events'])
    expect(await find('nothing/*')).toEqual([])
  })

  test('are found in a store, folder by folder', async () => {
    await using emulator = await startS3Emulator({ buckets: ['lake'] })
    const storage = { endpoint: emulator.endpoint, region: emulator.region, ...emulator.credentials }
    for (const name of ['eu/events', 'eu/users', 'us/events', 'eu-x/events']) {
      const store = await openStorage(`s3://lake/all/${name}`, storage)
      for (let n = 0; n < 3; n++) await store.put(`part-${n}.parquet`, new Uint8Array(1))
      await store.put('_delta_log/00000000000000000000.json', new Uint8Array(1))
    }
    const found = await findTables('s3://lake/all/*/events', storage as never, signal)
    expect(found.map((url) => url.split('/all/')[1])).toEqual(['eu-x/events', 'eu/events', 'us/events'])
  })

  const targets = (config: MaintainConfig, words: readonly string[] = [], flags: object = {}) =>
    maintainTargets({
      words,
      config,
      configFolder: folder,
      flags,
      runtime: { ...systemRuntime, env: (name) => (name === 'KEY' ? 'hunter2' : undefined) },
      signal,
    })

  test('of several entries have the settings of the later ones over those of the earlier ones and the defaults', async () => {
    const config = parse({
      defaults: { targetSize: '10mb', steps: { cleanup: false } },
      tables: ['*/events', { url: 'eu/events', targetSize: '20mb', steps: { vacuum: false } }, { url: `${'eu/events'}/`, hilbert: ['a'] }],
    })
    const found = await targets(config, [join(folder, 'eu/users')])
    expect(found.map(({ url, policy }) => [url.slice(folder.length + 1), policy])).toEqual([
      ['eu/events', { optimize: { targetSize: 20 * 2 ** 20, cluster: { by: ['a'], curve: 'hilbert' } }, vacuum: false, cleanup: false }],
      ['us/events', { optimize: { targetSize: 10 * 2 ** 20 }, vacuum: {}, cleanup: false }],
      ['eu/users', { optimize: { targetSize: 10 * 2 ** 20 }, vacuum: {}, cleanup: false }],
    ])
  })

  test('have what the command line says over everything', async () => {
    const config = parse({ tables: [{ url: 'eu/events', targetSize: '20mb' }] })
    expect((await targets(config, [], { targetSize: '5b', steps: { optimize: false } }))[0]?.policy.optimize).toBe(false)
    expect((await targets(config, [], { targetSize: '5b' }))[0]?.policy.optimize).toEqual({ targetSize: 5 })
  })

  test('take secrets from the environment, and tell which variables it lacks', async () => {
    const config = parse({ tables: [{ url: 's3://b/t', storage: { secretAccessKey: { env: 'KEY' }, region: 'eu' } }] })
    expect((await targets(config))[0]?.storage).toEqual({ secretAccessKey: 'hunter2', region: 'eu' })
    const other = parse({ tables: [{ url: 's3://b/t', storage: { secretAccessKey: { env: 'K1' }, sessionToken: { env: 'K2' } } }] })
    await expect(targets(other)).rejects.toThrow(/K1.*K2/)
  })

  test('are named without credentials', () => {
    expect(withoutCredentials('webhdfs://u:p@h:1/x?token=1#f')).toBe('webhdfs://h:1/x')
    expect(withoutCredentials('/data/what?#@x')).toBe('/data/what?#@x')
  })
})

describe('a schedule', () => {
  test('begins at once and then so long after the last start, or when that has ended', () => {
    const every = everySchedule(600_000)
    expect(every.atOnce).toBe(true)
    expect(every.next(1000, 5000)).toBe(601_000)
    expect(every.next(1000, 700_000)).toBe(700_000)
  })

  test('by a cron expression is in UTC unless it says otherwise', () => {
    const at = Date.UTC(2026, 0, 31, 12, 5)
    expect(cronSchedule('*/10 * * * *', 'UTC').next(0, at)).toBe(Date.UTC(2026, 0, 31, 12, 10))
    expect(cronSchedule('0 3 * * *', 'UTC').next(0, at)).toBe(Date.UTC(2026, 1, 1, 3))
    expect(cronSchedule('0 3 * * *', 'Asia/Tokyo').next(0, at)).toBe(Date.UTC(2026, 0, 31, 18))
  })

  test('that cannot be read is a wrong usage', () => {
    for (const [expression, zone] of [
      ['every day', 'UTC'],
      ['61 * * * *', 'UTC'],
      ['* * * * *', 'Nowhere/Else'],
    ] as const)
      expect(() => cronSchedule(expression, zone)).toThrow(/cron expression/)
    expect(() => everySchedule(10)).toThrow(/second/)
  })

  test('never has two rounds at once, and does not make up for those it missed', async () => {
    const runtime = manualRuntime({ startMs: 0 })
    const stop = new AbortController()
    const starts: number[] = []
    let running = 0
    const done = onSchedule(
      everySchedule(60_000),
      async () => {
        expect(++running).toBe(1)
        starts.push(runtime.now())
        await runtime.sleep(starts.length === 2 ? 200_000 : 1000)
        running--
      },
      { runtime, signal: stop.signal },
    )
    for (let n = 0; n < 500; n++) await runtime.advance(1000)
    stop.abort()
    await runtime.advance(1000)
    await done
    expect(starts).toEqual([0, 60_000, 260_000, 320_000, 380_000, 440_000, 500_000].slice(0, starts.length))
    expect(starts.length).toBeGreaterThanOrEqual(6)
  })
})
