import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../service/zkrisk.ts'

const root = join(import.meta.dirname, '..', '..')
const isPresent = existsSync(join(root, '..', 'shared', 'data', 'options', 'deribit-2026'))
if (!isPresent) console.log('skipped: no recorded chains in ../shared')

it.skipIf(!isPresent)(
  'the campaign through a whole round lands, counts and audits every account, then only those that traded, at CI size',
  async () => {
    const script = join(root, 'scripts', 'campaignRound.ts')
    const { code, stdout } = await run(process.execPath, [script, '--accounts', '2', '--traded', '100', '--json'])
    expect(code).toBe(0)
    const { first, next, audit } = JSON.parse(stdout)
    expect(first).toMatchObject({ accounts: 2, transactions: 2, proofs: { margins: 2 } })
    expect(first.proofs.arrays).toBeGreaterThan(0)
    // Their arrays are in force, and are not proven again.
    expect(next).toMatchObject({ accounts: 2, transactions: 2, proofs: { arrays: 0, margins: 2 } })
    expect(audit.accepted).toBe(true)
  },
  600_000,
)
