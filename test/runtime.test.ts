// The clock for durations.
import { expect, test } from 'vitest'
import { systemRuntime, wakingClock } from '../src/runtime.js'

function clocks() {
  let wall = 1_000_000
  let steady = 50
  const elapse = (wallMs: number, steadyMs: number): void => {
    wall += wallMs
    steady += steadyMs
  }
  const clock = wakingClock(
    () => wall,
    () => steady,
  )
  return { clock, elapse }
}

test('time that the machine was suspended counts: the steady clock stood still, the wall clock did not', () => {
  const { clock, elapse } = clocks()
  const startMs = clock()
  elapse(1000, 1000)
  expect(clock() - startMs).toBe(1000)
  elapse(3_600_000, 7)
  expect(clock() - startMs).toBe(3_601_000)
  elapse(10, 10)
  expect(clock() - startMs).toBe(3_601_010)
})

test('a wall clock that is set back does not take durations back, nor is it counted once more on its way forward', () => {
  const { clock, elapse } = clocks()
  const startMs = clock()
  elapse(-86_400_000, 20)
  expect(clock() - startMs).toBe(20)
  elapse(30, 30)
  expect(clock() - startMs).toBe(50)
  elapse(60_000, 0)
  expect(clock() - startMs).toBe(60_050)
})

test('corrections of the wall clock by less than a jump are not counted', () => {
  const { clock, elapse } = clocks()
  const startMs = clock()
  for (const [wallMs, steadyMs] of [
    [1900, 1000],
    [200, 1000],
    [1000.4, 1000],
    [4000, 1000],
  ] as const)
    elapse(wallMs, steadyMs)
  expect(clock() - startMs).toBe(4000)
})

test('the clock of the system goes on with the time that passes', async () => {
  const startMs = systemRuntime.monotonicMs()
  await systemRuntime.sleep(20)
  const tookMs = systemRuntime.monotonicMs() - startMs
  expect(tookMs).toBeGreaterThanOrEqual(15)
  expect(tookMs).toBeLessThan(30_000)
})
