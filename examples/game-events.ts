// Seeded mobile-game events: event `offset` of a partition is always the same, so a consumer that is sent back to an
// offset gets the very rows again, as from Kafka.
import { double, integer, long, schema, string, timestamp } from 'alluvium'

export const gameEvents = schema({
  event_id: long().notNull(),
  player: string().notNull(),
  country: string(),
  kind: string().notNull(),
  level: integer(),
  score: double(),
  at: timestamp().notNull(),
})

export interface GameEvent {
  readonly event_id: number
  readonly player: string
  readonly country: string | null
  readonly kind: string
  readonly level: number | null
  readonly score: number | null
  readonly at: bigint
}

const KINDS = ['login', 'level_up', 'match_end', 'purchase', 'logout']
const COUNTRIES = ['KR', 'DE', 'BR', 'US', 'JP', 'IN', 'FR', 'PL']
const START_MICROS = Date.UTC(2026, 0, 1) * 1000

// A small integer hash (xorshift-multiply): the same numbers on every machine.
function hash(a: number, b: number): number {
  let h = (Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca6b)) | 0
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39)
  return (h ^ (h >>> 15)) >>> 0
}

/** The event at an offset. About one in fifty arrives up to an hour late. */
export function gameEvent(partition: number, offset: number, partitions: number, seed: number): GameEvent {
  const h = hash(hash(seed, partition), offset)
  const kind = KINDS[h % KINDS.length] as string
  const late = h % 50 === 0 ? (h >>> 8) % 3_600_000 : 0
  return {
    event_id: offset * partitions + partition,
    player: `player-${(h >>> 3) % 20_000}`,
    country: h % 37 === 0 ? null : (COUNTRIES[(h >>> 5) % COUNTRIES.length] as string),
    kind,
    level: kind === 'level_up' ? 1 + ((h >>> 7) % 80) : null,
    score: kind === 'match_end' ? ((h >>> 4) % 100_000) / 100 : null,
    at: BigInt(START_MICROS + (offset * 40 - late) * 1000),
  }
}
