// Metrics of maintenance as Prometheus reads them, written so that no scrape sees half a file.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AlluviumError } from 'alluvium'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { metricsText, successTimes, writeMetrics } from '../../src/cli/maintain/metrics.js'
import type { TableOutcome } from '../../src/cli/maintain/run.js'
import { work } from '../../src/compaction/maintain-report.js'

const size = { version: 3, files: 10, bytes: 1000, logFiles: 5, logBytes: 500 }
const done = (location: string): TableOutcome => ({
  location,
  result: {
    location,
    state: 'done',
    before: size,
    after: { ...size, files: 2 },
    steps: [{ step: 'vacuum', state: 'done', seconds: 0.5, versions: [], ...work({ filesDeleted: 8 }) }],
    versions: [],
    seconds: 1.5,
    ...work({ filesDeleted: 8, bytesWritten: 7 }),
  },
})
const failed = (location: string): TableOutcome => ({ location, error: new AlluviumError('NOT_A_TABLE', 'no') })

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'alluvium-metrics-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('have a help, a type and one sample a table, and names as Prometheus allows them', () => {
  const text = metricsText([done('a'), failed('b')], 5000)
  const lines = text.trim().split('\n')
  for (const line of lines)
    expect(line).toMatch(/^(# HELP [a-z_]+ .+|# TYPE [a-z_]+ gauge|[a-z_]+\{table="[^"]*"(,[a-z]+="[^"]*")?\} [\d.]+)$/)
  expect(text).toContain('alluvium_table_files{table="a"} 2\n')
  expect(text).toContain('alluvium_maintain_files_deleted{table="a"} 8\n')
  expect(text).toContain('alluvium_maintain_bytes_written{table="a"} 7\n')
  expect(text).toContain('alluvium_maintain_step_duration_seconds{table="a",step="vacuum"} 0.5\n')
  expect(text).toContain('alluvium_maintain_state{table="b",state="failed"} 1\n')
  expect(text).toContain('alluvium_maintain_last_run_timestamp_seconds{table="b"} 5\n')
  expect(text).not.toContain('alluvium_table_files{table="b"}')
  const names = lines.filter((line) => line.startsWith('# TYPE')).map((line) => line.split(' ')[2])
  expect(new Set(names).size).toBe(names.length)
})

test('of a table whose name has quotes, backslashes and line breaks are still one sample a line', () => {
  const name = 'a"b\\c\nd'
  const line = metricsText([done(name)], 5000)
    .split('\n')
    .find((each) => each.startsWith('alluvium_table_files'))
  expect(line).toBe('alluvium_table_files{table="a\\"b\\\\c\\nd"} 2')
})

test('carry on when a table last succeeded', async () => {
  const path = join(folder, 'a.prom')
  await writeMetrics(path, [done('x"y'), done('z')], 1000, '1')
  await writeMetrics(path, [failed('x"y'), done('z')], 9000, '2')
  const text = readFileSync(path, 'utf8')
  expect([...successTimes(text)]).toEqual([
    ['x\\"y', 1],
    ['z', 9],
  ])
  expect(readdirSync(folder)).toEqual(['a.prom'])
})

test('that cannot be written are an error, and leave nothing behind', async () => {
  writeFileSync(join(folder, 'file'), '')
  await expect(writeMetrics(join(folder, 'file', 'a.prom'), [done('a')], 1, '1')).rejects.toThrow(/metrics file/)
  expect(readdirSync(folder).sort()).toEqual(['a.prom', 'file'])
})
