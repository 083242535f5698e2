/** The child process of a prover fails, and memory has a bit flipped; `npm run campaign:prover` does it more often. */
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { SnarkjsProver } from '../../prover/proof/backends/snarkjsProver.ts'
import type { CircuitKeys } from '../../prover/proof/index.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { trialInput, trialKeys } from '../../scripts/tools/fleet/fleetCircuit.ts'
import { failProver, letsOut } from '../../scripts/tools/proverTrials.ts'
import { temporaryFolder } from '../service/zkrisk.ts'

const folder = temporaryFolder()
const random = new Random(20_261_130n)
let keys: CircuitKeys
beforeAll(async () => {
  keys = await trialKeys(join(folder, 'keys'))
})

it.each(['hangs', 'is ended', 'has no memory'] as const)(
  'H1: a child process that %s costs no other proof',
  async (fault) => {
    expect(await failProver(keys, fault, random)).toBeUndefined()
  },
)

it('H2: a finished proof of which a bit is changed before it is verified is thrown away', async () => {
  const prover = new SnarkjsProver({ threads: 1 })
  const proven = await prover.prove(keys, trialInput(1))
  await prover.close()
  const out = await Promise.all(Array.from({ length: 40 }, () => letsOut(keys, proven, random)))
  expect(out.filter((isOut) => isOut)).toEqual([])
})
