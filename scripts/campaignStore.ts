/**
 * What the service's store comes to when its disk fails, when bytes of it change, and when the service is killed: counts what was
 * answered and is missing, what is there by half, and what is told wrongly.
 *
 *   npm run campaign:store                              each write up to the 200th fails with ENOSPC and with EIO, alone and from there
 *                                                       on; files that may grow to 200 sizes; every byte of three small stores
 *                                                       changed, each bit; killed 2,000 times after an answer
 *   npm run campaign:store -- --writes 20 --sizes 10 --stride 97 --bits 1 --kills 20        a small one
 *   npm run campaign:store -- --json
 *
 * Writes fail by strace and sizes by prlimit (util-linux), so this is for Linux. Exits 0 only if nothing is missing or wrong.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from './tools/cases/random.ts'
import { isThere, readFlags, whole } from './tools/flags.ts'
import { closedJobs, closedRequests, judge, type Judgement, killedJobs } from './tools/stores/damagedStore.ts'
import { type DiskTrial, failWrite, limitSize } from './tools/stores/failingDisk.ts'
import { killAfterAnswers } from './tools/stores/killedStores.ts'

const flags = readFlags({
  writes: whole(0, 10_000, 200),
  sizes: whole(0, 10_000, 200),
  stride: whole(1, 100_000, 1),
  bits: whole(0, 8, 8),
  kills: whole(0, 100_000, 2_000),
  seed: whole(0, 1_000_000_000, 1),
  json: isThere,
})

/** Beyond what the store takes. */
const LARGEST_BYTES = 230_000
/** Of a life that ends by kill -9. */
const MOST_ANSWERS = 12n

const folder = mkdtempSync(join(tmpdir(), 'campaign-store-'))
const started = performance.now()
const disk = { trials: 0, failed: 0, wrong: 0 }
const bytes: Record<Judgement, number> = { refused: 0, harmless: 0, torn: 0, wrong: 0 }
const kills = { trials: 0, answered: 0, missing: 0 }
try {
  for (const error of ['ENOSPC', 'EIO'] as const) {
    for (let nth = 1; nth <= flags.writes; nth++) {
      for (const isLasting of [false, true]) {
        count(await failWrite(join(folder, 'disk'), { error, nth, isLasting }), `${error} at write ${nth}`)
      }
    }
    tell(`${error}: ${JSON.stringify(disk)}`)
  }
  for (let i = 1; i <= flags.sizes; i++) {
    const size = Math.round((LARGEST_BYTES * i) / flags.sizes)
    count(await limitSize(join(folder, 'disk'), size), `files up to ${size} bytes`)
  }
  tell(`full: ${JSON.stringify(disk)}`)
  for (const make of [closedJobs, closedRequests, killedJobs]) {
    const sample = await make(folder)
    for (const [name, content] of sample.files) {
      for (let at = 0; at < content.length; at += flags.stride) {
        for (let bit = 0; bit < flags.bits; bit++) {
          bytes[await judge(sample, join(folder, 'byte'), name, at, 1 << bit)]++
        }
      }
    }
    tell(`${make.name}: ${JSON.stringify(bytes)}`)
  }
  const random = new Random(BigInt(flags.seed))
  for (; kills.trials < flags.kills; kills.trials++) {
    const { answered, missing } = await killAfterAnswers(folder, 1 + Number(random.below(MOST_ANSWERS)))
    kills.answered += answered
    kills.missing += missing
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
const seconds = (performance.now() - started) / 1000
if (flags.json) console.log(JSON.stringify({ disk, bytes, kills, seconds }, undefined, 2))
else {
  console.log(`${disk.trials} failing disks (${disk.failed} met a write): ${disk.wrong} stores wrong`)
  console.log(`${bytes.refused + bytes.harmless + bytes.torn + bytes.wrong} bytes changed: ${JSON.stringify(bytes)}`)
  console.log(
    `${kills.trials} kills, ${kills.answered} answers: ${kills.missing} missing; ${(seconds / 60).toFixed(1)} min`,
  )
}
process.exit(disk.wrong + bytes.wrong + kills.missing === 0 ? 0 : 1)

function count({ hasFailed, wrong }: DiskTrial, name: string): void {
  disk.trials++
  if (hasFailed) disk.failed++
  if (wrong === undefined) return
  disk.wrong++
  tell(`${name}: ${wrong}`)
}

function tell(line: string): void {
  console.error(line)
}
