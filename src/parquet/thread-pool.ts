// Threads that answer jobs, each in a thread of its own while there is one. Rule: what a thread leaves by dying is answered with
// nothing, never lost; idle threads keep no process alive.
import type { AlluviumError } from '../errors.js'
import { nodeModule } from '../runtime.js'

/** What is needed of a `Worker` of Node. */
export interface Thread {
  postMessage(message: unknown): void
  on(event: string, listener: (value: never) => void): void
  ref(): void
  unref(): void
  terminate(): Promise<unknown>
}

/** Starts a thread that runs a text of code; undefined where the platform has no threads. */
export function threadStarter(): ((code: string, workerData: unknown) => Thread) | undefined {
  const threads = nodeModule<{ Worker: new (code: string, options: { eval: true; workerData: unknown }) => Thread }>('worker_threads')
  return threads && ((code, workerData) => new threads.Worker(code, { eval: true, workerData }))
}

export interface ThreadPoolOptions<Job, Answer> {
  readonly count: number
  start(): Thread
  /** What a thread is told of a job that is handed to it; it answers with the same `id`. */
  message(job: Job): object
  /** Hears every answer. Whether the thread that gave it is to be replaced; `isIdle`: it has no other job. */
  answered?(job: Job, answer: Answer, isIdle: boolean): boolean
  /** The error of jobs that are under way when the pool is closed, or come later. */
  ended(): AlluviumError
}

interface Waiting<Job, Answer> {
  readonly job: Job
  resolve(answer: Answer | undefined): void
  reject(error: unknown): void
}

interface Member<Job, Answer> {
  readonly thread: Thread
  readonly jobs: Map<number, Waiting<Job, Answer>>
}

/** Jobs that a thread has at once: the next one is there when one is done. */
const JOBS_AT_ONCE = 2

export class ThreadPool<Job, Answer extends { readonly id: number }> {
  readonly #options: ThreadPoolOptions<Job, Answer>
  readonly #members: Member<Job, Answer>[] = []
  readonly #waiting: Waiting<Job, Answer>[] = []
  readonly #ending: Promise<unknown>[] = []
  #nextId = 0
  #isClosed = false

  constructor(options: ThreadPoolOptions<Job, Answer>) {
    this.#options = options
  }

  /** The answer of a thread; undefined where it died of the job, or beside it. Rejects only once the pool is closed. */
  run(job: Job): Promise<Answer | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(this.#options.ended())
      this.#waiting.push({ job, resolve, reject })
      this.#handOut()
    })
  }

  /** Ends the threads. What they are at is not heard again. */
  async close(): Promise<void> {
    this.#isClosed = true
    const members = this.#members.splice(0)
    const left = [...this.#waiting.splice(0), ...members.flatMap(({ jobs }) => [...jobs.values()])]
    for (const { reject } of left) reject(this.#options.ended())
    await Promise.all([...this.#ending, ...members.map(({ thread }) => thread.terminate())])
  }

  #handOut(): void {
    for (;;) {
      const next = this.#waiting[0]
      const member = next === undefined ? undefined : this.#free()
      if (next === undefined || member === undefined) return
      this.#waiting.shift()
      const id = this.#nextId++
      member.jobs.set(id, next)
      member.thread.ref()
      member.thread.postMessage({ id, ...this.#options.message(next.job) })
    }
  }

  // An idle thread, else a new one, else one that has room for a job.
  #free(): Member<Job, Answer> | undefined {
    let best: Member<Job, Answer> | undefined
    for (const member of this.#members) if (best === undefined || member.jobs.size < best.jobs.size) best = member
    if (best?.jobs.size === 0) return best
    if (this.#members.length < this.#options.count) return this.#add()
    return best !== undefined && best.jobs.size < JOBS_AT_ONCE ? best : undefined
  }

  #add(): Member<Job, Answer> {
    const thread = this.#options.start()
    const member: Member<Job, Answer> = { thread, jobs: new Map() }
    this.#members.push(member)
    thread.unref()
    thread.on('message', (answer: Answer) => this.#settle(member, answer))
    thread.on('error', () => this.#drop(member))
    thread.on('exit', () => this.#drop(member))
    return member
  }

  #settle(member: Member<Job, Answer>, answer: Answer): void {
    const held = member.jobs.get(answer.id)
    if (held === undefined) return
    member.jobs.delete(answer.id)
    const isIdle = member.jobs.size === 0
    const isDone = this.#options.answered?.(held.job, answer, isIdle) === true
    held.resolve(answer)
    if (isDone) this.#drop(member)
    else if (isIdle) member.thread.unref()
    this.#handOut()
  }

  // A thread that is to be replaced, or died: its other jobs are left to whoever asked.
  #drop(member: Member<Job, Answer>): void {
    const at = this.#members.indexOf(member)
    if (at < 0) return
    this.#members.splice(at, 1)
    for (const { resolve } of member.jobs.values()) resolve(undefined)
    member.jobs.clear()
    this.#ending.push(member.thread.terminate())
    this.#handOut()
  }
}
