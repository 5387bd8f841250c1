// The machine's runtime whose pauses take no time but are remembered.
import { type Runtime, systemRuntime } from '../../../src/runtime.js'

export interface QuickRuntime extends Runtime {
  readonly pausesMs: number[]
}

export function quickRuntime(): QuickRuntime {
  const pausesMs: number[] = []
  return {
    ...systemRuntime,
    random: () => 0.5,
    sleep: async (ms, signal) => {
      pausesMs.push(ms)
      await systemRuntime.sleep(0, signal)
    },
    pausesMs,
  }
}
