// A simulation has no threads: what they answer comes when the machine pleases, not when the seed says.

let isDone = false

/** From now on the platform has no threads, as far as the library can tell. */
export function hideThreads(): void {
  if (isDone) return
  isDone = true
  const { getBuiltinModule } = process
  process.getBuiltinModule = ((id: string) => (id === 'worker_threads' ? undefined : getBuiltinModule(id))) as typeof getBuiltinModule
}
