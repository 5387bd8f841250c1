// The parts that processes play.
import type { Actor } from '../stage.js'
import { foreigner } from './foreigner.js'
import { reader, slowReader } from './readers.js'
import { checkpointer, cleaner, compactor, restorer, vacuumer } from './upkeep.js'
import { appender, deleter, overwriter, retrier, setter, streamer } from './writers.js'

export const ACTORS = {
  appender,
  retrier,
  overwriter,
  deleter,
  streamer,
  setter,
  reader,
  slowReader,
  checkpointer,
  cleaner,
  vacuumer,
  restorer,
  compactor,
  foreigner,
} satisfies Record<string, Actor>

export type Role = keyof typeof ACTORS
