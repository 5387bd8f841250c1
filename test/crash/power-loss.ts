// npm run power-loss -- [--images 2000] [--seed 7] [--folder DIR] [--defect NAME]
// The power goes at any moment of a run of commits and upkeep on this machine's file system; what may be found afterwards is made,
// opened and read. No acknowledged commit may be lost, no version may read otherwise, and writers must be able to go on.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { losePower } from './power-loss-run.js'
import type { SyncDefect } from './recording-fs.js'

const DEFECTS: readonly SyncDefect[] = ['no file sync', 'no folder sync', 'file sync after the name']

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '7' },
    folder: { type: 'string', default: os.tmpdir() },
    defect: { type: 'string' },
  },
})
const [images, seed] = [Number(values.images), Number(values.seed)]
if (!Number.isSafeInteger(images) || images < 1 || !Number.isSafeInteger(seed))
  throw new RangeError('--images and --seed are whole numbers')
const { defect } = values
if (defect !== undefined && !DEFECTS.includes(defect as SyncDefect)) throw new RangeError(`--defect is one of: ${DEFECTS.join(', ')}`)
const folder = fs.mkdtempSync(path.join(fs.realpathSync(values.folder), 'alluvium-power-'))
console.log(`power-loss: ${images} images, seed ${seed}, in ${folder}`)
const began = performance.now()
try {
  const { broken, ...total } = await losePower({
    images,
    seed,
    folder,
    ...(defect === undefined ? {} : { defect: defect as SyncDefect }),
    onProgress: (text) => console.log(`  … ${((performance.now() - began) / 1000).toFixed(0)} s: ${text}`),
  })
  console.log(
    `  ${total.runs} runs of ${total.commits} versions, ${total.events} recorded changes and ${total.syncs} syncs among them; names posix in ${total.byModel.posix} images, journaled in ${total.byModel.journal}; ${total.damaged} images differ from the moment before`,
  )
  for (const { run, image, at, what } of broken.slice(0, 10))
    console.error(`  BROKEN: run ${run}, image ${image}, after ${at} changes: ${what.join('\n    ')}`)
  console.log(
    `power-loss: ${broken.length === 0 ? 'passed' : 'FAILED'}: ${total.images} images, ${broken.length} break a promise, seed ${seed}, ${((performance.now() - began) / 1000).toFixed(0)} s`,
  )
  process.exitCode = broken.length === 0 ? 0 : 1
} finally {
  fs.rmSync(folder, { recursive: true, force: true })
}
