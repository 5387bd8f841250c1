// Memory while one large object is streamed to a store: resident memory at its peak over what the process held before, each store
// in a process of its own. The writer is given chunks as fast as it takes them. At most 150 MiB, or the status is 1.
//
//   node scripts/run.mjs bench/store-memory.ts [--json] [--mib 1024] [URL [KEY=VALUE…]]
//
// Without a URL: local disk, and every remote store whose server can be started here (test/servers/s3.sh, test/servers/hdfs.sh).
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openStorage, type StorageOptions } from 'alluvium'

const LIMIT_MIB = 150
const MIB = 2 ** 20

interface Measured {
  readonly store: string
  readonly mib: number
  readonly idleMib: number
  readonly peakMib: number
  readonly aboveIdleMib: number
  readonly seconds: number
}

interface Place {
  readonly url: string
  readonly options: readonly string[]
  /** Ends what was started for it. */
  readonly end: () => void
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    mib: { type: 'string', default: '1024' },
    child: { type: 'boolean', default: false },
  },
})
const root = process.env.ALLUVIUM_ROOT ?? '.'
const mib = Number(values.mib)

if (values.child) console.log(JSON.stringify(await measure(positionals[0] as string, positionals.slice(1))))
else process.exitCode = compare() ? 0 : 1

function compare(): boolean {
  const [url, ...options] = positionals
  const places = url === undefined ? [localPlace(), ...s3Places(), ...hdfsPlaces()] : [{ url, options, end: () => {} }]
  let good = true
  for (const place of places) {
    const child = spawnSync(
      process.execPath,
      ['--no-warnings', process.argv[1] as string, '--child', '--mib', String(mib), place.url, ...place.options],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
    )
    place.end()
    if (child.status !== 0) {
      good = false
      continue
    }
    const result = JSON.parse(child.stdout) as Measured
    good &&= result.aboveIdleMib <= LIMIT_MIB
    if (values.json) console.log(JSON.stringify({ bench: 'store-memory', ...result, limitMib: LIMIT_MIB }))
    else
      console.log(
        `${result.store.padEnd(8)} ${result.mib} MiB in ${result.seconds} s; idle ${result.idleMib} MiB, peak ${result.peakMib} MiB, ` +
          `${result.aboveIdleMib} MiB above idle (at most ${LIMIT_MIB})`,
      )
  }
  return good
}

async function measure(url: string, pairs: readonly string[]): Promise<Measured> {
  const options = Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
  const storage = await openStorage(url, options as StorageOptions)
  await storage.put('small', new Uint8Array(1000)) // connected, its code loaded
  const chunk = new Uint8Array(MIB).map((_, i) => i % 251)
  const idle = process.memoryUsage.rss()
  let peak = idle
  const sampling = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, 10)
  const start = performance.now()
  const writer = await storage.write('large')
  for (let n = 0; n < mib; n++) await writer.write(chunk)
  const { sizeBytes } = await writer.close()
  const seconds = (performance.now() - start) / 1000
  clearInterval(sampling)
  const there = await storage.stat('large')
  if (sizeBytes !== mib * MIB || there?.sizeBytes !== sizeBytes) throw new Error(`the object has ${there?.sizeBytes} bytes`)
  for (const path of ['small', 'large']) await storage.delete(path)
  return {
    store: /^(\w+):\/\//.exec(url)?.[1] ?? 'local',
    mib,
    idleMib: Math.round(idle / MIB),
    peakMib: Math.round(peak / MIB),
    aboveIdleMib: Math.round((peak - idle) / MIB),
    seconds: Math.round(seconds * 10) / 10,
  }
}

function localPlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'alluvium-memory-'))
  return { url: folder, options: [], end: () => rmSync(folder, { recursive: true, force: true }) }
}

/** A server of its own, where it can be had without building one. */
function s3Places(): Place[] {
  const script = join(root, 'test/servers/s3.sh')
  const server = (verb: string): string =>
    execFileSync(script, [verb, 'minio', '--port', '19490'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  if (process.env.ALLUVIUM_PEERS === undefined && process.env.ALLUVIUM_S3_SERVERS === undefined) {
    console.error('s3: skipped; set ALLUVIUM_PEERS, or ALLUVIUM_S3_SERVERS=1 to build MinIO with Go')
    return []
  }
  const exported = new Map([...server('start').matchAll(/^export (\w+)=(.*)$/gm)].map((match) => [match[1] as string, match[2] as string]))
  const options = [
    `endpoint=${exported.get('AWS_ENDPOINT_URL')}`,
    `region=${exported.get('AWS_REGION')}`,
    `accessKeyId=${exported.get('AWS_ACCESS_KEY_ID')}`,
    `secretAccessKey=${exported.get('AWS_SECRET_ACCESS_KEY')}`,
  ]
  return [{ url: `s3://${exported.get('ALLUVIUM_S3_BUCKET')}/memory`, options, end: () => void server('remove') }]
}

/** A cluster of its own, where Java and Maven are. */
function hdfsPlaces(): Place[] {
  const script = join(root, 'test/servers/hdfs.sh')
  const server = (...words: string[]): string => execFileSync(script, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    const host = /^namenode0=(.*)$/m.exec(server('start', 'plain', 'bench-memory'))?.[1]
    return [{ url: `webhdfs://${host}/tables/memory`, options: ['user=bench'], end: () => void server('remove', 'bench-memory') }]
  } catch {
    console.error('webhdfs: skipped; HDFS did not start, it needs Java 17 and Maven')
    return []
  }
}
