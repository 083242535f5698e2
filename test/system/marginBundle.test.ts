import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  checkMarginBundle,
  formatMarginBundle,
  type MarginBundle,
  type MarginPins,
  parseMarginBundle,
  readMarginBundle,
} from '../../prover/audit/index.ts'
import { readPortfolio } from '../../prover/portfolio/input/schema.ts'
import { proveMargin } from '../../prover/service/answers/marginProof.ts'
import { marginOf } from '../../prover/service/answers/margins.ts'
import { portfolioBuildOf } from '../../prover/service/workspace.ts'
import { wordPlaces } from '../../prover/statement/state.ts'
import { zkrisk } from '../service/zkrisk.ts'

const folder = mkdtempSync(join(tmpdir(), 'margin-bundle-'))
const file = join(folder, 'margin.json')
const other = join(folder, 'other.json')

const svi = { a: '0.012', b: '0.085', rho: '-0.3', m: '0.02', s: '0.25' }
const market = {
  asOf: '2026-02-05T04:30:00Z',
  spot: '70853.26',
  expiries: [
    { expiry: '2026-02-27', forward: '71000', svi: { ...svi, a: '0.006' } },
    { expiry: '2026-03-27', forward: '71320', rate: '0.04', svi },
  ],
}
const strangle = {
  account: {
    cash: '20000',
    options: [
      { instrument: 'BTC-27MAR26-60000-P', quantity: '-2' },
      { instrument: 'BTC-27FEB26-90000-C', quantity: '-2' },
    ],
  },
  market,
}
/** Holds no option, so that its margin is one proof. */
const perpetual = { account: { cash: '20000', perps: { quantity: '0.4' } }, market }

let bundle: MarginBundle
let another: MarginBundle
let pins: MarginPins

const silent = (): void => {}
const answerOf = (portfolio: object) => marginOf(readPortfolio(JSON.stringify(portfolio), 'portfolio.json'))

beforeAll(async () => {
  await proveMargin(await answerOf(strangle), silent, { out: file })
  await proveMargin(await answerOf(perpetual), silent, { out: other })
  bundle = await readMarginBundle(file)
  another = await readMarginBundle(other)
  pins = { verificationKeyHashes: new Map(bundle.models.map((each) => [each.build, each.verificationKeyHash])) }
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The bundle with something changed, and all digests made anew, as a forger would. */
function forged(change: (copy: MarginBundle) => void): MarginBundle {
  const copy = structuredClone(bundle)
  change(copy)
  return parseMarginBundle(Buffer.from(formatMarginBundle(copy)), 'forged')
}

const failureOf = async (change: (copy: MarginBundle) => void, held: MarginPins = pins) =>
  (await checkMarginBundle(forged(change), held)).failure

describe('A20: a margin bundle holds only as it was proven', () => {
  it('accepts the bundle of an account with options, and of one without', async () => {
    const verdict = await checkMarginBundle(bundle, pins)
    expect(verdict).toMatchObject({ valid: true, pinned: ['keys'] })
    expect(bundle.proofs.map(({ build }) => build)).toEqual([
      'riskArray5',
      'riskArray5',
      'optionBook8x5',
      'portfolioMargin3',
    ])
    expect(verdict.margin?.initialE8).toBe((await answerOf(strangle)).provable.margin.initialE8)
    expect(another.proofs).toHaveLength(1)
    expect((await checkMarginBundle(another, pins)).valid).toBe(true)
  })

  it('names every public word that is changed, with the field of it', async () => {
    const { claims } = await checkMarginBundle(
      forged(({ proofs }) => {
        for (const proof of proofs) proof.words = proof.words.map((word) => word ^ 1n)
      }),
      pins,
    )
    const failing = claims.flatMap(({ holds, field }) => (holds ? [] : [field ?? '']))
    for (const [i, { build }] of bundle.proofs.entries()) {
      const statement = ['riskArray', 'riskArray', 'optionBook', 'portfolioMargin'][i] as 'riskArray'
      const own = portfolioBuildOf(statement)
      expect(own.name).toBe(build)
      for (const { name } of wordPlaces(own)) {
        const at = `proofs[${i}].${name}`
        expect(failing.some((field) => field === at || field.startsWith(`${at}.`))).toBe(true)
      }
    }
    expect(failing).toContain('proofs[0].expiryForward.expiry')
  })

  it.each([
    [
      'the policy',
      (copy: MarginBundle) => {
        copy.policy[0]! ^= 1n
      },
    ],
    [
      'the last word of the policy',
      (copy: MarginBundle) => {
        copy.policy[copy.policy.length - 1]! += 1n
      },
    ],
    [
      'a price of the round',
      (copy: MarginBundle) => {
        copy.round.market[0]! ^= 1n
      },
    ],
    [
      'an expiry of the round',
      (copy: MarginBundle) => {
        copy.round.expiries[1]![1]! ^= 1n
      },
    ],
    [
      'the time of the round',
      (copy: MarginBundle) => {
        copy.round.asOf += 1n
      },
    ],
    [
      'what is held',
      (copy: MarginBundle) => {
        copy.held.holdings += 1n << 64n
      },
    ],
    [
      'an amount of collateral',
      (copy: MarginBundle) => {
        copy.held.collateralAmounts[0]! += 1n
      },
    ],
    [
      'a position',
      (copy: MarginBundle) => {
        copy.held.positions[0]! ^= 1n << 70n
      },
    ],
    [
      'the source of the round',
      (copy: MarginBundle) => {
        copy.context.rounds = copy.context.registry
      },
    ],
    [
      'the registry',
      (copy: MarginBundle) => {
        copy.context.registry = copy.context.rounds
      },
    ],
    [
      'the market',
      (copy: MarginBundle) => {
        copy.context.market = 'ETH-USD'
      },
    ],
    [
      'the report',
      (copy: MarginBundle) => {
        copy.context.sequence += 1n
      },
    ],
    [
      'a signal',
      (copy: MarginBundle) => {
        copy.proofs[2]!.publicSignals.evaluation += 1n
      },
    ],
    [
      'the id of a model',
      (copy: MarginBundle) => {
        copy.models[0]!.modelId = copy.models[1]!.modelId
      },
    ],
    ['a word too many in the policy', (copy: MarginBundle) => void copy.policy.push(0n)],
    ['a word too many in the round', (copy: MarginBundle) => void copy.round.market.push(0n)],
    ['a word too many in an expiry', (copy: MarginBundle) => void copy.round.expiries[0]!.push(0n)],
    ['a word too many of collateral', (copy: MarginBundle) => void copy.held.collateralAmounts.push(0n)],
    ['a word too many of a proof', (copy: MarginBundle) => void copy.proofs[3]!.words.push(0n)],
    ['a proof too many', (copy: MarginBundle) => void copy.proofs.push(structuredClone(copy.proofs[0]!))],
    ['a proof too few', (copy: MarginBundle) => void copy.proofs.pop()],
  ])('refuses a bundle in which %s was changed, and names a field', async (_, change) => {
    const failure = await failureOf(change)
    expect(failure?.holds).toBe(false)
    expect(failure?.field).toMatch(/^(?:context|models|policy|round|held|proofs)/)
  })

  it('names a proof of another account, an array of another round, and what stands in another place', async () => {
    const margin = another.proofs[0] as MarginBundle['proofs'][number]
    expect(await failureOf(({ proofs }) => proofs.splice(3, 1, structuredClone(margin)))).toMatchObject({
      field: expect.stringMatching(/^proofs\[3\]\./),
    })
    expect(
      await failureOf(({ proofs }) => {
        proofs[3]!.proof = structuredClone(margin.proof)
      }),
    ).toMatchObject({
      claim: 'Q3',
      field: 'proofs[3].proof',
    })
    expect(
      await failureOf(({ context }) => {
        context.account = context.registry
      }),
    ).toMatchObject({
      claim: 'Q3',
      field: 'proofs[2].publicSignals.challenge',
    })

    const forward = wordPlaces(portfolioBuildOf('riskArray')).findIndex(({ name }) => name === 'expiryForward')
    expect(
      await failureOf(({ proofs }) => {
        proofs[1]!.words[forward]! += 1n << 32n
      }),
    ).toMatchObject({
      claim: 'R24',
      field: 'proofs[1].expiryForward.asOf',
    })

    const swap = ({ proofs }: MarginBundle): void => void proofs.splice(0, 2, proofs[1]!, proofs[0]!)
    expect(await failureOf(swap)).toMatchObject({
      claim: 'R28',
      field: 'proofs[0]',
      expected: 'array 1',
      found: 'array 2',
    })
    expect(await failureOf(({ held }) => void held.positions.reverse())).toMatchObject({ claim: 'R28', field: 'held' })
    expect(await failureOf(({ round }) => void round.expiries.reverse())).toMatchObject({
      claim: 'R24',
      field: 'round.expiries[1].expiry',
    })
    expect(await failureOf(({ models }) => void models.reverse())).toMatchObject({ claim: 'R1', field: 'models' })
  })

  it('finds every byte that was changed in the file', () => {
    const text = readFileSync(file)
    const step = Math.floor(text.length / 300)
    for (let at = 0; at < text.length; at += step) {
      const changed = Buffer.from(text)
      changed[at] = (changed[at] as number) ^ 1
      expect(() => parseMarginBundle(changed, 'margin.json')).toThrow(/margin\.json/)
    }
    expect(parseMarginBundle(text, 'margin.json').context).toEqual(bundle.context)
  })
})

describe('A21: a verdict on a margin bundle says what was pinned', () => {
  it('is not valid without keys, though every claim holds', async () => {
    const verdict = await checkMarginBundle(bundle)
    expect(verdict).toMatchObject({ valid: false, consistent: true, pinned: [] })
    expect(verdict.failure).toBeUndefined()
    expect(verdict.unpinned).toEqual(['keys', 'chain', 'registry', 'account', 'round'])
  })

  it.each([
    ['chain', { chainId: 31337n }, { chainId: 1n }, 'context.chainId'],
    ['registry', 'registry', { registry: `0x${'11'.repeat(20)}` }, 'context.registry'],
    ['account', 'account', { account: `0x${'11'.repeat(20)}` }, 'context.account'],
    ['round', 'roundId', { roundId: `0x${'11'.repeat(32)}` }, 'context.roundId'],
  ] as const)('holds it to the %s', async (pin, right, wrong, field) => {
    const own = typeof right === 'string' ? { [right]: bundle.context[right] } : right
    expect(await checkMarginBundle(bundle, { ...pins, ...own })).toMatchObject({ valid: true, pinned: ['keys', pin] })
    expect((await checkMarginBundle(bundle, { ...pins, ...wrong })).failure).toMatchObject({ claim: 'A3', field })
  })

  it('takes no key but the pinned ones, and development keys on development chains only', async () => {
    const hashes = new Map(pins.verificationKeyHashes).set('optionBook8x5', `0x${'11'.repeat(32)}`)
    expect((await checkMarginBundle(bundle, { verificationKeyHashes: hashes })).failure).toMatchObject({
      claim: 'A3',
      field: 'models[1].verificationKeyHash',
    })
    const onMainnet = ({ context }: MarginBundle): void => {
      context.chainId = 1n
    }
    expect(await failureOf(onMainnet, { ...pins, keyKind: 'development' })).toMatchObject({
      claim: 'A3',
      field: 'context.chainId',
    })
    expect((await checkMarginBundle(bundle, { ...pins, keyKind: 'development' })).valid).toBe(true)
  })

  it('`zkrisk verify` tells a margin from a batch, and ends with 0 or 1', async () => {
    const { code, stdout } = await zkrisk('verify', file, '--chain-id', '31337', '--json')
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { kind: 'margin', valid: true, pinned: ['keys', 'chain'] }])
    const forgedFile = join(folder, 'forged.json')
    writeFileSync(
      forgedFile,
      formatMarginBundle(
        forged(({ context }) => {
          context.sequence += 1n
        }),
      ),
    )
    const refused = await zkrisk('verify', forgedFile)
    expect(refused.code).toBe(1)
    expect(refused.stdout).toMatch(/fails at context|fails at proofs\[2\]\.publicSignals\.challenge/)
    const bare = await zkrisk('verify', file, '--unpinned')
    expect([bare.code, bare.stdout.trimEnd().split('\n').at(-1)]).toEqual([
      1,
      expect.stringMatching(/^AGREES WITH ITSELF, and nothing of it is pinned/),
    ])
    const placed = await zkrisk('verify', file, '--unpinned', '--chain-id', '31337')
    expect(placed.stdout).toContain('AGREES WITH ITSELF, and its keys are not pinned')
    const wrong = await zkrisk('verify', forgedFile, '--unpinned')
    expect([wrong.code, wrong.stdout.trimEnd().split('\n').at(-1)]).toEqual([1, 'NOT VALID'])
    expect((await zkrisk('submit', file, '--rpc', 'http://127.0.0.1:1')).stderr).toContain('margin bundle')
  })
})
