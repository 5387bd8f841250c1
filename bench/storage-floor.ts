// Durable appends through a local store against the floor: the same files made with bare system calls, turn by turn in one run.
// One append is a data file (open, write, sync) and a commit (open, write, sync, link, sync of the folder, unlink). The store
// also syncs the folder of the data file, which the floor does not.
//
//   node scripts/run.mjs bench/storage-floor.ts [folder] [appends]
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type LocalStorage, localStorage, localStorageOn } from '../src/storage/local.js'
import { pooledFs } from '../src/storage/local-fs.js'

const base = fs.mkdtempSync(path.join(process.argv[2] ?? os.tmpdir(), 'alluvium-floor-'))
const appends = Number(process.argv[3] ?? 400)
const data = new Uint8Array(2500).fill(65)
const commit = new Uint8Array(900).fill(66)
let made = 0

function bareSync(folder: string): void {
  const name = `${made++}`
  const log = path.join(folder, '_delta_log')
  let fd = fs.openSync(path.join(folder, `${name}.parquet`), 'wx')
  fs.writeSync(fd, data)
  fs.fsyncSync(fd)
  fs.closeSync(fd)
  const temporary = path.join(log, `.${name}.tmp`)
  fd = fs.openSync(temporary, 'wx')
  fs.writeSync(fd, commit)
  fs.fsyncSync(fd)
  fs.closeSync(fd)
  fs.linkSync(temporary, path.join(log, `${name}.json`))
  fd = fs.openSync(log, 'r')
  fs.fsyncSync(fd)
  fs.closeSync(fd)
  fs.unlinkSync(temporary)
}

async function bareAsync(folder: string): Promise<void> {
  const name = `${made++}`
  const log = path.join(folder, '_delta_log')
  const file = await fs.promises.open(path.join(folder, `${name}.parquet`), 'wx')
  await file.write(data)
  await file.sync()
  await file.close()
  const temporary = path.join(log, `.${name}.tmp`)
  const staged = await fs.promises.open(temporary, 'wx')
  await staged.write(commit)
  await staged.sync()
  await staged.close()
  await fs.promises.link(temporary, path.join(log, `${name}.json`))
  const handle = await fs.promises.open(log, 'r')
  await handle.sync()
  await handle.close()
  await fs.promises.unlink(temporary)
}

async function plain(storage: LocalStorage): Promise<void> {
  const name = `${made++}`
  const writer = await storage.write(`${name}.parquet`)
  await writer.write(data)
  await writer.close()
  if ((await storage.create(`_delta_log/${name}.json`, commit)) !== 'created') throw new Error('a fresh name was taken')
}

async function staged(storage: LocalStorage): Promise<void> {
  const name = `${made++}`
  const writer = await storage.write(`${name}.parquet`)
  await writer.write(data)
  const [object] = await Promise.all([storage.stage(`_delta_log/${name}.json`, commit), writer.close()])
  if ((await object.place()) !== 'created') throw new Error('a fresh name was taken')
}

function folder(name: string): string {
  const at = path.join(base, name)
  fs.mkdirSync(path.join(at, '_delta_log'), { recursive: true })
  return at
}

const bareFolder = folder('bare')
const bareAsyncFolder = folder('bare-async')
const store = localStorage(folder('store'))
const stagedStore = localStorage(folder('staged'))
const pooled = localStorageOn(pooledFs, folder('pooled'))
const pooledStaged = localStorageOn(pooledFs, folder('pooled-staged'))
const kinds: readonly [string, () => unknown][] = [
  ['bare files, synchronous calls', () => bareSync(bareFolder)],
  ['bare files, fs.promises', () => bareAsync(bareAsyncFolder)],
  ['local store: write, create', () => plain(store)],
  ['local store: write and stage, place', () => staged(stagedStore)],
  ['thread pool only: write, create', () => plain(pooled)],
  ['thread pool only: write and stage, place', () => staged(pooledStaged)],
]
try {
  const spent = kinds.map(() => 0)
  const rounds = 20
  for (let round = 0; round <= rounds; round++) {
    for (const [i, [, append]] of kinds.entries()) {
      const start = performance.now()
      for (let n = 0; n < appends / rounds; n++) await append()
      if (round > 0) spent[i] = (spent[i] as number) + performance.now() - start
    }
  }
  for (const [i, [name]] of kinds.entries()) {
    const ms = (spent[i] as number) / appends
    const ratio = (spent[0] as number) / (spent[i] as number)
    console.log(
      `${name.padEnd(42)} ${ms.toFixed(3)} ms  ${(1000 / ms).toFixed(0).padStart(5)}/s  ${(ratio * 100).toFixed(0).padStart(4)} % of the floor`,
    )
  }
} finally {
  fs.rmSync(base, { recursive: true, force: true })
}
