import { test } from 'vitest'
import { playSeed } from './rig.js'
test('scratch', async () => {
  const kinds = new Map<string, number[]>()
  for (let seed = 0; seed < 10000; seed++) {
    const { anomalies } = await playSeed(seed)
    for (const a of anomalies) { const k = a.replace(/[0-9a-f]{8}-[0-9a-f-]+/g, 'U').replace(/\d+/g, 'N').slice(0, 300); kinds.set(k, [...(kinds.get(k) ?? []), seed]) }
  }
  for (const [k, s] of [...kinds].sort((a, b) => b[1].length - a[1].length).slice(0, 15)) console.log(s.length, s.slice(0, 5).join(','), k)
}, 120000)
