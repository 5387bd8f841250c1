// The last line of a suite, for people and scripts: what passed, what failed, and whether anything was skipped.
import type { Reporter, TestModule } from 'vitest/node'

export class ClosingLine implements Reporter {
  readonly #suite: string

  constructor(suite: string) {
    this.#suite = suite
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    let broken = 0
    for (const module of modules) {
      if (module.state() === 'failed' && [...module.children.allTests('failed')].length === 0) broken++
      for (const test of module.children.allTests()) counts[test.result().state]++
    }
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''
    // Last of all, whatever other reporters still have to say.
    process.once('exit', () => console.log(`${this.#suite}: ${counts.passed} passed, ${counts.failed + broken} failed${skipped}`))
  }
}
