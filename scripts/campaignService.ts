/**
 * Kills a service that proves margins of accounts with -9, again and again, starts it anew each time, and has everything that it
 * brought in force audited: what was lost, doubled, or is not the twin's.
 *
 *   npm run campaign:service                                20 times at every boundary of the work, 200 times at any moment
 *   npm run campaign:service -- --kills 1 --random 3        a small one
 *   npm run campaign:service -- --json
 *
 * One trial reports two accounts, one of them below maintenance, and publishes a round; the service is killed at every boundary that it
 * comes to, once each, or at seeded moments, until both margins and the witness are in force. Then the chain is put back.
 *
 * Exits 0 only if nothing was lost or taken twice, every margin is the twin's, and every audit accepts.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from './tools/cases/random.ts'
import { AccountsRange } from './tools/chains/accountsRange.ts'
import { FaultProxy } from './tools/chains/faultProxy.ts'
import { accountBoundaries, type AccountsTrial, killedAfter, killedAt } from './tools/chains/killedAccounts.ts'
import { isThere, readFlags, whole } from './tools/flags.ts'

/** A life is as long at most; one that nobody ends brings all in force in less, on a quiet machine. */
const LONGEST_LIFE_MS = 12_000n
/** Lives of a trial that end at some moment. */
const LIVES = 5
/** Boundaries that a trial comes to on its way; the others are met by later ones. */
const MOST_PASSES = 6

const flags = readFlags({
  kills: whole(0, 10_000, 20),
  random: whole(0, 100_000, 200),
  seed: whole(0, 1_000_000_000, 1),
  json: isThere,
})

type Counts = { trials: number; kills: number; lost: number; doubled: number; wrong: number; refused: number }

const folder = mkdtempSync(join(tmpdir(), 'campaign-service-'))
const range = await AccountsRange.start(folder)
const proxy = await FaultProxy.start(range.url)
const counts: Counts = { trials: 0, kills: 0, lost: 0, doubled: 0, wrong: 0, refused: 0 }
const unmet = new Map(accountBoundaries.map((boundary) => [boundary, flags.kills]))
const started = performance.now()
try {
  for (let pass = 0; pass < MOST_PASSES * flags.kills && left().length > 0; pass++) {
    const { met, ...trial } = await killedAt(range, proxy, left())
    for (const boundary of met) unmet.set(boundary, (unmet.get(boundary) ?? 0) - 1)
    add(trial)
  }
  const random = new Random(BigInt(flags.seed))
  for (let kills = 0; kills < flags.random; ) {
    const lives = Array.from({ length: LIVES }, () => Number(random.below(LONGEST_LIFE_MS)))
    const trial = await killedAfter(range, proxy, lives)
    kills += Math.max(1, trial.kills)
    add(trial)
  }
} finally {
  proxy.close()
  await range.close()
  rmSync(folder, { recursive: true, force: true })
}
const seconds = (performance.now() - started) / 1000
const neverMet = left()
if (flags.json) console.log(JSON.stringify({ ...counts, neverMet, seconds }, undefined, 2))
else {
  const { trials, kills, lost, doubled, wrong, refused } = counts
  console.log(
    `${kills} kills in ${trials} trials: ${lost} lost, ${doubled} doubled, ${wrong} margins not the twin's, ${refused} audits refused; ` +
      `${neverMet.length} of ${accountBoundaries.length} boundaries met less often than asked, in ${(seconds / 60).toFixed(1)} min`,
  )
}
process.exit(counts.lost + counts.doubled + counts.wrong + counts.refused === 0 ? 0 : 1)

/** Boundaries at which it is to be killed yet. */
function left(): readonly string[] {
  return [...unmet].filter(([, times]) => times > 0).map(([boundary]) => boundary)
}

function add({ kills, lost, doubled, wrong, isAccepted }: Omit<AccountsTrial, 'met'>): void {
  counts.trials++
  counts.kills += kills
  counts.lost += lost
  counts.doubled += doubled
  counts.wrong += wrong
  if (!isAccepted) counts.refused++
  console.error(
    `trial ${counts.trials}: ${kills} kills, ${lost} lost, ${doubled} doubled, ${wrong} wrong, audit ${isAccepted ? 'accepts' : 'REFUSES'}`,
  )
}
