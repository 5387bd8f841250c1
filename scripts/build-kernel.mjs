// Compiles the kernels (src/parquet/kernel/*.c) and puts them into column-module.ts and recode-module.ts. Needs clang and lld for
// wasm32 (made with clang 14); whoever does not change the kernels needs neither.
//   node scripts/build-kernel.mjs
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const LINE = 180
const PAGES = ['memory', 'blocks', 'entropy', 'zstd', 'bits', 'values', 'pages']
const folder = join(dirname(fileURLToPath(import.meta.url)), '../src/parquet/kernel')
const scratch = mkdtempSync(join(tmpdir(), 'alluvium-kernel-'))
try {
  compile('column', [...PAGES, 'column'])
  compile('recode', [...PAGES, 'recode', 'dictionary', 'extremes', 'chunk', 'pack'])
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

function compile(name, files) {
  const wasm = join(scratch, `${name}.wasm`)
  execFileSync(
    'clang',
    [
      ...['--target=wasm32', '-O3', '-mbulk-memory', '-msign-ext', '-nostdlib', '-ffreestanding', '-Wall', '-Wextra', '-Werror'],
      ...['--no-entry', '--strip-all', '--max-memory=1073741824', '--stack-first'].map((option) => `-Wl,${option}`),
      ...['-Wl,-z,stack-size=65536', '-o', wasm, ...files.map((file) => join(folder, `${file}.c`))],
    ],
    { stdio: 'inherit' },
  )
  const text = readFileSync(wasm).toString('base64')
  const lines = text.match(new RegExp(`.{1,${LINE}}`, 'g')).map((line) => `  '${line}',`)
  writeFileSync(
    join(folder, `${name}-module.ts`),
    [
      `// ${name}.c and what it is linked with, compiled: made by scripts/build-kernel.mjs, not by hand.`,
      '',
      "/** The module's bytes in base64. */",
      `export const ${name.toUpperCase()}_MODULE: string = [`,
      ...lines,
      "].join('')",
      '',
    ].join('\n'),
  )
}
