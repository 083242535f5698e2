import { expect, it } from 'vitest'
import { runStages, type Stage } from '../../scripts/tools/stages.ts'

/** A stage that is done when it is told to be. */
function stageInHand(name: string, after: readonly string[] = []) {
  const started = Promise.withResolvers<void>()
  const done = Promise.withResolvers<string | undefined>()
  const run: Stage['run'] = () => {
    started.resolve()
    return done.promise
  }
  return { stage: { name, after, run }, started: started.promise, finish: done.resolve, fail: done.reject }
}

const withoutTimes = (lines: readonly string[]): readonly string[] =>
  lines.map((line) => line.replace(/\(.* s\)/, '(…)'))

it('runs stages side by side, and each after those it needs', async () => {
  const lines: string[] = []
  const [code, circuits, keys, library] = [
    stageInHand('code'),
    stageInHand('circuits', ['code']),
    stageInHand('keys', ['code', 'circuits']),
    stageInHand('library', ['code']),
  ]
  const all = runStages(
    [code, circuits, keys, library].map(({ stage }) => stage),
    (line) => lines.push(line),
  )
  code.finish(undefined)
  await Promise.all([circuits.started, library.started])
  library.finish('3 files')
  circuits.finish('2 compiled')
  await keys.started
  keys.finish(undefined)
  await all
  expect(withoutTimes(lines)).toEqual([
    '[code] up to date (…)',
    '[library] done: 3 files (…)',
    '[circuits] done: 2 compiled (…)',
    '[keys] up to date (…)',
  ])
})

it('names the stage that each line is of', async () => {
  const lines: string[] = []
  const run: Stage['run'] = async (say) => {
    say('half-way')
    return undefined
  }
  await runStages([{ name: 'keys', run }], (line) => lines.push(line))
  expect(lines[0]).toBe('[keys] half-way')
})

it('fails with the first stage that fails, while others are at work, and starts none that needs it', async () => {
  const [circuits, contracts, keys] = [
    stageInHand('circuits'),
    stageInHand('contracts'),
    stageInHand('keys', ['circuits']),
  ]
  let keysStarted = false
  void keys.started.then(() => {
    keysStarted = true
  })
  const all = runStages(
    [circuits, contracts, keys].map(({ stage }) => stage),
    () => {},
  )
  const cause = new Error('no such signal')
  circuits.fail(cause)
  await expect(all).rejects.toMatchObject({ stage: 'circuits', message: 'no such signal', cause })
  expect(keysStarted).toBe(false)
})
