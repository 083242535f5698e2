/** A second phase from the command line, end to end: begun, contributed to, ended, verified, taken in, exported; and what is refused. */
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { curves, powersOfTau } from 'snarkjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { buildFolder } from '../../prover/config.ts'
import { KeyStore } from '../../prover/proof/keys/keyStore.ts'
import { keepSnarkjsInThisThread } from '../../scripts/tools/circuits/snarkjsInThisThread.ts'
import { polynomialCircuit } from '../proof/smallCircuits.ts'
import { errorOf, temporaryFolder, zkriskWith } from '../service/zkrisk.ts'

const BUILD = 'marketRisk8x2'
const BEACON = '0123456789abcdef'.repeat(4)
const folder = temporaryFolder()
const file = (name: string): string => join(folder, name)
const run = (...args: readonly string[]) => zkriskWith(folder, 'keys', ...args)

beforeAll(async () => {
  await keepSnarkjsInThisThread()
  symlinkSync(join(buildFolder, 'artifacts'), file('artifacts'))
  const small = await polynomialCircuit()
  const at = join(folder, 'circuits', BUILD)
  mkdirSync(at, { recursive: true })
  cpSync(small.r1cs, join(at, `${BUILD}.r1cs`))
  cpSync(small.wasm, join(at, `${BUILD}.wasm`))
  await powersOfTau.newAccumulator(await curves.getCurveFromName('bn128'), 5, file('0.ptau'))
  await powersOfTau.contribute(file('0.ptau'), file('1.ptau'), 'first', 'entropy of a test')
  await powersOfTau.preparePhase2(file('1.ptau'), file('final.ptau'))
})

describe('K10: a ceremony from the command line', () => {
  it('begins with a key that nobody contributed to, which is refused, and ends with one that is taken', async () => {
    const begun = await run('begin', BUILD, file('final.ptau'), file('0.zkey'), '--json')
    expect(JSON.parse(begun.stdout)).toMatchObject({ contributions: [] })
    expect(await run('import', BUILD, file('0.zkey'))).toMatchObject({ code: 1 })
    for (const [i, name] of ['Ada', 'Blaise', 'Carl'].entries()) {
      const step = await run('contribute', file(`${i}.zkey`), file(`${i + 1}.zkey`), '--name', name)
      expect(step.stdout).toContain(name)
    }
    const early = await run('import', BUILD, file('3.zkey'))
    expect([early.code, early.stderr]).toEqual([1, expect.stringContaining('without a beacon')])
    const ended = await run('beacon', file('3.zkey'), file('last.zkey'), '--value', BEACON, '--json')
    expect(JSON.parse(ended.stdout)).toMatchObject({ contributions: ['Ada', 'Blaise', 'Carl', 'beacon'] })
    expect(statSync(file('last.zkey')).mode & 0o777).toBe(0o600)
    const verified = await run('verify', BUILD, '--zkey', file('last.zkey'), '--ptau', file('final.ptau'))
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('verified whole')])
    const taken = await run('import', BUILD, file('last.zkey'))
    expect([taken.code, taken.stdout]).toEqual([0, expect.stringContaining('production keys, 4 contributions')])
  })

  it('takes in no key that is not there, and bids nobody delete what lies beside it', async () => {
    for (const [missing, why] of [
      [file('none.zkey'), 'there is no such file'],
      [file('artifacts'), 'it is a folder'],
    ] as const) {
      const ended = await run('import', BUILD, missing, '--json')
      expect([ended.code, errorOf(ended).code]).toEqual([1, 'proof.malformed-file'])
      expect(errorOf(ended).message).toContain(`Cannot read ${missing}: ${why}.`)
    }
    const elsewhere = await run('verify', BUILD, '--keys', file('none'), '--json')
    expect(errorOf(elsewhere)).toMatchObject({ code: 'proof.keys-missing', folder: file('none') })
  })

  it('begins from no powers of tau that are not prepared, and leaves nothing behind', async () => {
    const ended = await run('begin', BUILD, file('1.ptau'), file('unprepared.zkey'), '--json')
    expect(ended.code).toBe(1)
    expect(errorOf(ended)).toMatchObject({ code: 'service.powers-of-tau', file: file('1.ptau') })
    expect(existsSync(file('unprepared.zkey'))).toBe(false)
  })

  it('and what is exported shows the ceremony without the proving key; with a manifest of its own it does not', async () => {
    expect(await run('export', BUILD, file('auditors'))).toMatchObject({ code: 0 })
    const { manifest } = await new KeyStore(file('keys')).load({
      ...{ name: BUILD, r1cs: join(folder, 'circuits', BUILD, `${BUILD}.r1cs`) },
      wasm: join(folder, 'circuits', BUILD, `${BUILD}.wasm`),
    })
    const exported = new KeyStore(file('auditors'))
    const load = () => exported.loadVerifying(BUILD, manifest.r1csSha256)
    expect((await load()).manifest).toMatchObject({ kind: 'production', contributions: 4 })
    const at = join(file('auditors'), manifest.r1csSha256, 'manifest.json')
    const text = readFileSync(at, 'utf8')
    const { transcript: _, ...without } = JSON.parse(text)
    writeFileSync(at, JSON.stringify(without), { mode: 0o600 })
    await expect(load()).rejects.toMatchObject({ code: 'proof.no-contributions' })
    writeFileSync(at, text, { mode: 0o600 })
    await load()
  })

  it('is not verified with other powers of tau, nor half asked for', async () => {
    await powersOfTau.contribute(file('0.ptau'), file('other.ptau'), 'another', 'other entropy of a test')
    await powersOfTau.preparePhase2(file('other.ptau'), file('otherFinal.ptau'))
    const other = await run('verify', BUILD, '--zkey', file('last.zkey'), '--ptau', file('otherFinal.ptau'))
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('does not follow from the circuit')])
    const half = await run('verify', BUILD, '--zkey', file('last.zkey'))
    expect([half.code, half.stderr]).toEqual([2, expect.stringContaining('--ptau')])
    const short = await run('beacon', file('3.zkey'), file('x.zkey'), '--value', 'abc')
    expect(short.code).not.toBe(0)
  })
})
