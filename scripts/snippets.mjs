// Runs every snippet of the README against the built package: TypeScript is type-checked, run, and must print what its
// comments say (`console.log(x) // this`); shell blocks are run with `alluvium` on the PATH. Blocks that install or run
// the repository itself are run by CI as steps of their own and only checked to name real scripts here. The TypeScript of
// the pages in docs, which stands on tables and services of the reader's own, is type-checked.
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
mkdirSync(join(root, '.run'), { recursive: true })
const folder = mkdtempSync(join(root, '.run/snippets-'))
let failures = 0

function run(command, args, options = {}) {
  return spawnSync(command, args, { cwd: folder, encoding: 'utf8', timeout: 120_000, ...options })
}

function report(name, problem) {
  if (problem === undefined) return console.log(`ok      ${name}`)
  failures++
  console.log(`FAILED  ${name}\n${problem}`)
}

function blocksOf(page) {
  const text = readFileSync(join(root, page), 'utf8')
  const name = page.replace(/\.md$/, '')
  return [...text.matchAll(/```(ts|sh)\n([\s\S]*?)```/g)].map(([, language, code], i) => ({
    name: `${name} ${language} ${i + 1}`,
    language,
    code,
  }))
}

const blocks = blocksOf('README.md')
if (blocks.length < 4) report('README', `only ${blocks.length} snippets found`)

const programs = blocks.filter((block) => block.language === 'ts').map((block, i) => ({ ...block, file: join(folder, `snippet-${i}.ts`) }))
for (const { file, code } of programs) writeFileSync(file, code)

const pages = readdirSync(join(root, 'docs'), { recursive: true }).filter((page) => page.endsWith('.md'))
const shown = pages.flatMap((page) => blocksOf(join('docs', page))).filter((block) => block.language === 'ts')
if (shown.length === 0) report('docs', 'no TypeScript found')
for (const [i, { code }] of shown.entries()) writeFileSync(join(folder, `docs-${i}.ts`), code)
writeFileSync(
  join(folder, 'tsconfig.json'),
  JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions: { paths: {}, noUnusedLocals: false }, include: ['*.ts'] }),
)
const types = run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder])
report(`types of the README and of ${shown.length} blocks in docs`, types.status === 0 ? undefined : types.stdout)

for (const { name, file, code } of programs) {
  const outfile = file.replace(/\.ts$/, '.mjs')
  buildSync({ entryPoints: [file], outfile, platform: 'node', target: 'node20', format: 'esm', tsconfigRaw: {} })
  const { status, stdout, stderr } = run(process.execPath, [outfile])
  const expected = [...code.matchAll(/console\.log\(.*\) \/\/ (.+)$/gm)].map((match) => match[1])
  const printed = stdout.trimEnd().split('\n')
  if (status !== 0) report(name, stderr)
  else if (expected.length > 0 && printed.join('\n') !== expected.join('\n'))
    report(name, `printed:\n${stdout}\nexpected:\n${expected.join('\n')}`)
  else report(name)
}

const bin = join(folder, 'bin')
mkdirSync(bin)
writeFileSync(join(bin, 'alluvium'), `#!/bin/sh\nexec "${process.execPath}" "${join(root, manifest.bin.alluvium)}" "$@"\n`)
chmodSync(join(bin, 'alluvium'), 0o755)
for (const { name, code } of blocks.filter((block) => block.language === 'sh')) {
  const lines = code.split('\n').filter((line) => line.trim() !== '')
  if (lines.every((line) => /^npm (ci|install)\b/.test(line))) {
    const scripts = [...code.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1])
    const missing = scripts.filter((script) => manifest.scripts[script] === undefined)
    report(name, missing.length === 0 ? undefined : `no script ${missing.join(', ')}`)
    continue
  }
  const { status, stdout, stderr } = run('bash', ['-euo', 'pipefail', '-c', code], {
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` },
  })
  report(name, status === 0 ? undefined : `${stdout}\n${stderr}`)
}

rmSync(folder, { recursive: true, force: true })
console.log(failures === 0 ? `${blocks.length} snippets ran` : `${failures} snippets failed`)
process.exitCode = failures === 0 ? 0 : 1
