// fsck: looks for damage, and mends it where it is told to. A finding that is not mended is exit status 3.
import { fsck as checkTable } from '../../compaction/index.js'
import { AlluviumError } from '../../errors.js'
import type { Command } from '../command.js'
import { tableOf } from '../target.js'

export const fsck: Command = {
  name: 'fsck',
  usage: 'TABLE [--repair]',
  summary: 'look for missing files and wrong checksums and checkpoints',
  description:
    'Without --repair nothing is changed, and a finding is exit status 3. With it, missing files leave the table and wrong checksums\nand checkpoints are deleted; the rows of missing files are lost either way.',
  options: { repair: { type: 'boolean', help: 'mend what was found' } },
  examples: ['alluvium fsck ./events', 'alluvium fsck ./events --repair'],
  positionals: [1, 1],
  run: async (input) => {
    const { output, options, signal } = input
    const table = await tableOf(input)
    const { findings, ...result } = await checkTable(table as never, { repair: options.repair === true, signal })
    await table.settled()
    if (output.json) await output.object({ ...result, repairedVersion: result.repairedVersion ?? null, findings })
    else {
      for (const finding of findings)
        await output.line(
          `${finding.kind}: ${finding.path}${'detail' in finding ? `: ${finding.detail}` : 'vector' in finding ? `: ${finding.vector}` : ''}`,
        )
      const repaired = result.repairedVersion === undefined ? '' : `; version ${result.repairedVersion} is without them`
      await output.line(`version ${result.version}: ${result.filesChecked} files checked, ${findings.length} findings${repaired}`)
    }
    if (findings.length === 0 || options.repair === true) return
    const missing = findings.some(({ kind }) => kind === 'missing-file' || kind === 'missing-vector')
    const code = missing ? 'MISSING_FILE' : findings.some(({ kind }) => kind === 'checkpoint') ? 'CORRUPT_CHECKPOINT' : 'CORRUPT_LOG'
    throw new AlluviumError(code, `${findings.length} findings in ${table.location}; run with --repair to mend what can be mended`, {
      findings: findings.length,
    })
  },
}
