/** Whether a clock goes with a chain's: steps are noticed at once, nodes that catch up are told of, and what is right again counts. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ChainClock } from '../../prover/service/chainClock.ts'

const NOW = 1_800_000_000

/** By the clock that never steps; the one of the day is set beside it. */
let steadyMs = 0
let aheadSeconds = 0
beforeEach(() => {
  ;[steadyMs, aheadSeconds] = [0, 0]
  vi.spyOn(performance, 'now').mockImplementation(() => steadyMs)
  vi.spyOn(Date, 'now').mockImplementation(() => 1000 * (NOW + aheadSeconds) + steadyMs)
})
afterEach(() => vi.restoreAllMocks())

const pass = (seconds: number): void => {
  steadyMs += 1000 * seconds
}
/** Of the chain, so many seconds old. */
const block = (number: number, age = 0) => ({ number, time: NOW + steadyMs / 1000 - age })

describe('S69, S72: a clock', () => {
  it('that steps is noticed without a block, either way, from two minutes on, and right at once when it is put back', () => {
    const clock = new ChainClock()
    clock.look(block(1))
    for (const [ahead, words] of [
      [120, undefined],
      [121, /^this machine is 2 min 1 s ahead of the chain: set its clock, or see whether the node catches up$/],
      [600, /^this machine is 10 min ahead/],
      [-120, undefined],
      [-121, /^the chain is 2 min 1 s ahead of this machine: set its clock$/],
      [-600, /^the chain is 10 min ahead/],
      [0, undefined],
    ] as const) {
      pass(7)
      aheadSeconds = ahead
      if (words === undefined) expect(clock.fault()).toBeUndefined()
      else expect(clock.fault()).toMatch(words)
    }
  })

  it.each([600, -600])(
    'that is %i s off from the start is noticed with the first block, and right once it is set',
    (off) => {
      aheadSeconds = off
      const clock = new ChainClock()
      expect(clock.fault()).toBeUndefined()
      clock.look(block(1, 5))
      expect(clock.fault()).toMatch(/10 min|9 min 55 s/)
      aheadSeconds = 0
      expect(clock.fault()).toBeUndefined()
    },
  )

  it('that is ahead of a development chain, whose newest block may be old, is noticed with the next block', () => {
    aheadSeconds = 600
    const clock = new ChainClock(3600)
    clock.look(block(1))
    expect(clock.fault()).toBeUndefined()
    pass(10)
    clock.look(block(2))
    expect(clock.fault()).toMatch(/^this machine is 10 min ahead/)
  })

  it('is not to blame for a chain that stands still, for as long as it does', () => {
    const clock = new ChainClock()
    for (let i = 0; i < 1000; i++) {
      clock.look({ number: 1, time: NOW })
      expect(clock.fault()).toBeUndefined()
      pass(10)
    }
    aheadSeconds = -600
    expect(clock.fault()).toMatch(/^the chain is 10 min ahead/)
  })

  it('is not taken for right by a block that stood there while nobody looked', () => {
    const clock = new ChainClock()
    clock.look(block(1))
    pass(600)
    // Its block is ten minutes old, and the clock was put back by as much.
    aheadSeconds = -600
    clock.look({ number: 2, time: NOW })
    expect(clock.fault()).toMatch(/^the chain is 10 min ahead/)
  })

  it('that counted on while the other stood, as when a machine sleeps, is right once a block says so', () => {
    const clock = new ChainClock()
    clock.look(block(1))
    aheadSeconds = 7200
    expect(clock.fault()).toMatch(/^this machine is 2 h ahead/)
    clock.look({ number: 500, time: NOW + 7200 })
    expect(clock.fault()).toBeUndefined()
  })
})
