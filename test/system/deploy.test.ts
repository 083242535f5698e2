/** `zkrisk deploy` on chains other than the built-in one: what it refuses there, how it goes on, what it leaves. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Contract, Transaction, Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildFolder } from '../../prover/config.ts'
import { readBars } from '../../prover/market/prices.ts'
import { defaultPolicy } from '../../prover/parameters/defaultPolicy.ts'
import { replay } from '../../prover/parameters/replay.ts'
import { interfaceOf, readDeployment, RegistryClient } from '../../prover/registry/index.ts'
import { KeyStore } from '../../prover/proof/keys/keyStore.ts'
import { defaultPlausibility } from '../../prover/market/plausibility.ts'
import { rangeCodeUp } from '../../prover/market/range.ts'
import { doorText } from '../../prover/service/deploying/door.ts'
import { attestPrice } from '../../prover/service/answers/attesting.ts'
import { openPlan } from '../../prover/service/answers/deploying.ts'
import { portfolioBuildOf } from '../../prover/service/workspace.ts'
import { ewma } from '../../prover/volatility/ewma.ts'
import { checkGovernance, type DeployConfig, readConfig } from '../../prover/service/deploying/config.ts'
import { DeployJournal, type JournalEntry } from '../../prover/service/deploying/journal.ts'
import { root } from '../../scripts/tools/sources.ts'
import { polynomialCircuit } from '../proof/smallCircuits.ts'
import { errorOf, run, temporaryFolder, zkrisk, zkriskWith } from '../service/zkrisk.ts'
import { type Cast, castOn, configOf, deployArgs, type OtherChain, randomKey, startOtherChain } from './deployed.ts'
import { makeCeremony } from './smallCeremony.ts'

const CHAIN_ID = 4242
const folder = temporaryFolder()
const build = join(folder, 'build')
const script = join(import.meta.dirname, 'deployUntil.ts')

let chain: OtherChain
let development: OtherChain
let keyHash: string
beforeAll(async () => {
  // Other keys, the same contracts.
  mkdirSync(build)
  symlinkSync(join(root, 'build', 'artifacts'), join(build, 'artifacts'))
  ;[chain, development, keyHash] = await Promise.all([
    startOtherChain(CHAIN_ID),
    startOtherChain(1337),
    makeCeremony(build, 'marketRisk8x2'),
  ])
})
afterAll(() => {
  chain.close()
  development.close()
})

let folders = 0
function freshFolder(): string {
  const path = join(folder, `run${folders++}`)
  mkdirSync(path)
  return path
}

/** A file as the command reads it. */
function configIn(config: object): Promise<DeployConfig> {
  const file = join(freshFolder(), 'deploy.json')
  writeFileSync(file, JSON.stringify(config))
  return readConfig(file)
}

const developmentSigners = ['0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf', '0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF']

const LAST_OF_HARDHAT = '0x8626f6940E2eb28930eFb4CeF49B2d1F2C9C1199'

const nonceOf = (on: OtherChain, { deployer }: Cast): Promise<number> =>
  on.provider.getTransactionCount(deployer.address)

describe('outside development chains', () => {
  it('R39: development keys are refused by their circuit, and nothing is sent; on a development chain the same plan is done', async () => {
    const cast = await castOn(chain)
    const at = freshFolder()
    const refused = await zkrisk(...deployArgs(at, chain, cast, configOf(CHAIN_ID, cast)), '--yes', '--json')
    expect(errorOf(refused)).toMatchObject({ code: 'proof.development-key', chainId: '4242', circuit: 'marketRisk8x2' })
    expect(errorOf(refused).message).toContain('marketRisk8x2')
    expect(await nonceOf(chain, cast)).toBe(0)
    expect(existsSync(join(at, 'deployment.json.journal'))).toBe(false)

    const there = await castOn(development)
    const args = deployArgs(freshFolder(), development, there, configOf(1337, there, { markets: [] }))
    const done = await zkrisk(...args, '--yes', '--json')
    expect(done.code).toBe(0)
    const { plan, carriedOut } = JSON.parse(done.stdout)
    expect([carriedOut, plan.models[0].kind, plan.isDevelopmentChain]).toEqual([true, 'development', true])
    expect(await nonceOf(development, there)).toBe(plan.steps.length)
  })

  it('R39: a council must wait 48 hours, and not a second less; a key is the one that the file names', async () => {
    const cast = await castOn(chain)
    const plan = (delayHours: number, verificationKeySha256 = keyHash) => {
      const council = { account: cast.council.address, delayHours }
      const config = configOf(CHAIN_ID, cast, { council, models: [{ build: 'marketRisk8x2', verificationKeySha256 }] })
      return zkriskWith(build, ...deployArgs(freshFolder(), chain, cast, config), '--json')
    }
    expect(errorOf(await plan(47.9997))).toMatchObject({ code: 'service.council-delay', leastSeconds: 172_800 })
    const other = '0'.repeat(64)
    expect(errorOf(await plan(48, other))).toMatchObject({
      code: 'service.key-otherwise',
      expected: other,
      found: keyHash,
    })
    const planned = await plan(48)
    expect(planned.code).toBe(1)
    expect(JSON.parse(planned.stdout)).toMatchObject({
      carriedOut: false,
      error: { code: 'service.deploy-not-agreed' },
      plan: {
        ...{ chainId: '4242', deployer: cast.deployer.address, council: { delayHours: 48, hasCode: false } },
        models: [{ build: 'marketRisk8x2', kind: 'production', contributions: 4, verificationKeySha256: keyHash }],
      },
    })
    expect(await nonceOf(chain, cast)).toBe(0)
  })

  it('R42: nothing is deployed without a guardian and a canceller, nor with two of the three in one account', async () => {
    const cast = await castOn(chain)
    const plan = async (change: object) =>
      errorOf(
        await zkriskWith(build, ...deployArgs(freshFolder(), chain, cast, configOf(CHAIN_ID, cast, change)), '--json'),
      )
    for (const part of ['guardian', 'canceller'])
      expect(await plan({ [part]: undefined })).toMatchObject({ code: 'service.part-missing', part })
    const { council, guardian } = cast
    for (const [change, parts] of [
      [{ guardian: council.address }, ['council', 'guardian']],
      [{ canceller: council.address }, ['council', 'canceller']],
      [{ canceller: guardian.address }, ['guardian', 'canceller']],
    ] as const)
      expect(await plan(change)).toMatchObject({ code: 'service.parts-shared', parts })
    expect(await plan({})).toMatchObject({ code: 'service.deploy-not-agreed' })
    expect(await nonceOf(chain, cast)).toBe(0)
  })

  it('R39: accounts whose keys are public have no part, nor has the deployer another; on a development chain they may', async () => {
    const cast = await castOn(chain)
    const hardhat = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'
    const check = async (change: object, chainId = CHAIN_ID) =>
      checkGovernance(await configIn(configOf(chainId, cast, change)), cast.deployer.address)
    await check({})
    const signers = cast.signers.map(({ address }) => address)
    const feed = { name: 'own', kind: 'attestedFeed', threshold: 2 }
    const isPublic = { code: 'service.public-key', account: hardhat }
    for (const [change, refusal] of [
      [{ guardian: hardhat }, { ...isPublic, part: 'guardian' }],
      [{ council: { account: hardhat, delayHours: 48 } }, { ...isPublic, part: 'council' }],
      [
        { sources: [{ ...feed, signers: [...signers, developmentSigners[0]] }] },
        { code: 'service.public-key', part: 'signer', account: developmentSigners[0] },
      ],
      // The last of twenty that Hardhat funds, not one of those that are used here.
      [{ guardian: LAST_OF_HARDHAT }, { code: 'service.public-key', part: 'guardian', account: LAST_OF_HARDHAT }],
      [{ guardian: cast.deployer.address }, { code: 'service.deployer-keeps', part: 'guardian' }],
      [
        { council: { account: cast.deployer.address, delayHours: 48 } },
        { code: 'service.deployer-keeps', part: 'council' },
      ],
      [{ sources: [{ ...feed, signers: [...signers, cast.deployer.address] }] }, { part: 'signer' }],
      [{ council: { account: cast.council.address, delayHours: 0 } }, { code: 'service.council-delay' }],
      [
        { markets: [{ name: 'BTC-USD', volatilityModel: 'ewma', firstPrice: 50_000 }] },
        { code: 'service.first-price', market: 'BTC-USD' },
      ],
    ] as const) {
      await expect(check(change)).rejects.toMatchObject(refusal)
      await check(change, 31337)
    }
    await expect(
      configIn(configOf(CHAIN_ID, cast)).then((config) => checkGovernance(config, hardhat)),
    ).rejects.toMatchObject({
      ...isPublic,
      part: 'deployer',
    })
  })
})

describe('a deployment that is interrupted', () => {
  it('R39: killed with -9 before and after any step goes on where it stopped, and sends nothing twice', async () => {
    const cast = await castOn(chain)
    const at = freshFolder()
    const args = deployArgs(at, chain, cast, configOf(CHAIN_ID, cast))
    const file = (name: string) => join(at, name)
    const place = {
      ...{ rpc: chain.rpc, config: file('deploy.json'), keyFile: file('deployer.key') },
      deployment: file('deployment.json'),
    }
    const plan = JSON.parse((await zkriskWith(build, ...args, '--json')).stdout).plan
    const ids: readonly string[] = plan.steps.map(({ id }: { id: string }) => id)
    const untilKilled = (dieAt: string) =>
      run(process.execPath, [script, JSON.stringify({ ...place, dieAt })], { env: { ZKRISK_BUILD: build } })
    for (const [state, id] of [
      ['signed', 'council'],
      ['mined', 'model registry'],
      ['sent', 'registry'],
      ['signed', 'model marketRisk8x2'],
    ] as const) {
      const dieAt = `${state} ${ids.indexOf(id)}`
      const killed = await untilKilled(dieAt)
      expect([killed.signal, killed.stdout.trim().split('\n').at(-1)]).toEqual(['SIGKILL', dieAt])
    }
    // The market waits for its signers; what stands before is in the file already.
    const awaited = await zkriskWith(build, ...args, '--yes', '--json')
    const deployment = await readDeployment(place.deployment)
    const feed = deployment.sources[0]?.address as string
    expect(errorOf(awaited)).toMatchObject({ code: 'service.awaiting-observation', market: 'BTC-USD', source: feed })
    expect(deployment.markets).toEqual([])
    const doctor = () => zkrisk('doctor', '--rpc', chain.rpc, '--deployment', place.deployment, '--json')
    const unfinished = await doctor()
    expect(unfinished.code).toBe(1)
    expect(JSON.parse(unfinished.stdout).findings).toContainEqual(
      expect.objectContaining({
        check: 'deployer',
        status: 'wrong',
        found: expect.stringContaining('still has the role admin'),
      }),
    )
    const attest = (price: string, ...signers: readonly Wallet[]) => {
      const files = signers.map(({ privateKey }, i) => {
        writeFileSync(file(`signer${i}.key`), privateKey, { mode: 0o600 })
        return file(`signer${i}.key`)
      })
      const where = ['--rpc', chain.rpc, '--deployment', place.deployment, '--key-file', place.keyFile]
      return zkrisk('feed', 'attest', 'BTC-USD', price, ...where, '--json', '--signer-key-file', ...files)
    }
    const [first, second, third] = cast.signers as [Wallet, Wallet, Wallet]
    expect(errorOf(await attest('50,000', first, second))).toMatchObject({
      code: 'service.price-text',
      value: '50,000',
    })
    expect(errorOf(await attest('50000', first))).toMatchObject({ code: 'service.signers' })
    expect(errorOf(await attest('50000', first, first))).toMatchObject({ code: 'service.signers' })
    expect(errorOf(await attest('50000', first, cast.council))).toMatchObject({ code: 'service.signers' })
    // Whoever attests pays from another account here: the deployer's nonce is counted below.
    writeFileSync(file('payer.key'), cast.guardian.privateKey, { mode: 0o600 })
    place.keyFile = file('payer.key')
    expect(JSON.parse((await attest('50000.5', third, first)).stdout)).toMatchObject({
      market: 'BTC-USD',
      price: '50000.5',
      feed,
    })
    place.keyFile = file('deployer.key')
    for (const dieAt of [`sent ${ids.indexOf('market BTC-USD')}`, `signed ${ids.indexOf('renounce')}`]) {
      const killed = await untilKilled(dieAt)
      expect(killed.signal).toBe('SIGKILL')
    }
    const ended = await zkriskWith(build, ...args, '--yes', '--json')
    expect(ended.stderr).toContain('mined   RiskCouncil.renounceRole')
    expect(ended.code).toBe(0)
    // One transaction a step, whatever was killed.
    expect(await nonceOf(chain, cast)).toBe(ids.length)
    const standing = await readDeployment(place.deployment)
    expect(standing.markets.map(({ name }) => name)).toEqual(['BTC-USD'])
    expect(await chain.provider.getCode(standing.addresses.registry)).not.toBe('0x')

    const finished = await doctor()
    expect(finished.code).toBe(0)
    expect(JSON.parse(finished.stdout).deployers).toEqual([cast.deployer.address])

    const again = await zkriskWith(build, ...args, '--yes')
    expect(again.code).toBe(0)
    expect(again.stdout).toContain(`Nothing to do: all ${ids.length} steps stand on chain 4242.`)
    expect(await nonceOf(chain, cast)).toBe(ids.length)
    expect(await readDeployment(place.deployment)).toEqual(standing)

    const otherwise = deployArgs(at, chain, cast, configOf(CHAIN_ID, cast, { guardian: `0x${'ab'.repeat(20)}` }))
    expect(errorOf(await zkriskWith(build, ...otherwise, '--yes', '--json'))).toMatchObject({
      code: 'service.plan-changed',
    })
    expect(await nonceOf(chain, cast)).toBe(ids.length)
  })

  it('R39: goes on by no transaction but a step’s own: a journal that was changed does not keep the deployer in office', async () => {
    const cast = await castOn(development)
    const at = freshFolder()
    deployArgs(at, development, cast, configOf(1337, cast, { markets: [] }))
    const file = (name: string) => join(at, name)
    const deployment = file('deployment.json')
    const place = { rpc: development.rpc, config: file('deploy.json'), keyFile: file('deployer.key'), deployment }
    const carriedOut = async (dieAt?: string) => {
      const plan = await openPlan(place)
      try {
        return await plan.carryOut(({ state, step }) => {
          if (`${state} ${step.id}` === dieAt) throw new Error('died')
        })
      } finally {
        plan.close()
      }
    }
    await expect(carriedOut('signed renounce')).rejects.toThrow('died')
    const journal = `${deployment}.journal`
    const text = readFileSync(journal, 'utf8')
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const own = lines.at(-1)
    const other = lines.find(({ step }) => step === 'hand over')
    const foreign = await cast.guardian.signTransaction({
      ...Transaction.from(own.raw).toJSON(),
      from: null,
      sig: null,
    })
    const last = (change: object) => [...lines.slice(0, -1), { ...own, ...change }]
    for (const changed of [
      last({ hash: other.hash, raw: other.raw, nonce: other.nonce }),
      last({ hash: other.hash }),
      last({ nonce: own.nonce + 1 }),
      last({ raw: '0x' }),
      last({ raw: foreign, hash: Transaction.from(foreign).hash }),
      last({ state: 'mined', block: 1 }),
      lines.map((line) =>
        line.step === 'registry' ? { ...line, raw: own.raw, hash: own.hash, nonce: own.nonce } : line,
      ),
    ]) {
      writeFileSync(journal, changed.map((line) => `${JSON.stringify(line)}\n`).join(''))
      await expect(carriedOut()).rejects.toMatchObject({ code: 'service.deploy-journal', file: journal })
    }
    writeFileSync(journal, text)
    expect((await carriedOut()).carriedOut).toBe(1)
    const { addresses } = await readDeployment(deployment)
    const council = new Contract(addresses.council, interfaceOf('RiskCouncil'), development.provider)
    expect(await council.getFunction('hasRole')(0n, cast.deployer.address)).toEqual([false, 0n])
  })

  it('K12: keys of books and margins that share no first phase are refused by name, and nothing is sent', async () => {
    const cast = await castOn(development)
    const apart = join(freshFolder(), 'build')
    const [margin, books] = [portfolioBuildOf('portfolioMargin').name, portfolioBuildOf('optionBook').name]
    for (const part of ['circuits', 'keys']) mkdirSync(join(apart, part), { recursive: true })
    symlinkSync(join(buildFolder, 'artifacts'), join(apart, 'artifacts'))
    for (const part of ['circuits', 'keys'])
      for (const name of readdirSync(join(buildFolder, part)))
        if (name !== margin) symlinkSync(join(buildFolder, part, name), join(apart, part, name))
    const at = join(apart, 'circuits', margin)
    mkdirSync(at)
    const { r1cs, wasm } = await polynomialCircuit()
    const circuit = { name: margin, r1cs: join(at, `${margin}.r1cs`), wasm: join(at, `${margin}.wasm`) }
    cpSync(r1cs, circuit.r1cs)
    cpSync(wasm, circuit.wasm)
    const elsewhere = await new KeyStore(join(apart, 'elsewhere')).loadOrMakeDevelopmentKeys(circuit, { threads: 1 })
    symlinkSync(dirname(elsewhere.zkey), join(apart, 'keys', elsewhere.manifest.r1csSha256))
    const portfolio = {
      market: 'BTC-USD',
      rounds: { signers: cast.signers.map(({ address }) => address), threshold: 2 },
      venue: cast.guardian.address,
    }
    const config = configOf(1337, cast, { portfolio, markets: [] })
    const refused = await zkriskWith(apart, ...deployArgs(freshFolder(), development, cast, config), '--yes', '--json')
    expect(errorOf(refused)).toMatchObject({
      code: 'proof.first-phase-differs',
      circuit: margin,
      other: books,
    })
    expect(await nonceOf(development, cast)).toBe(0)
    const verify = await zkriskWith(apart, 'keys', 'verify', margin, books)
    expect([verify.code, verify.stdout]).toEqual([0, expect.stringContaining('2 first phases')])
    const own = await zkrisk('keys', 'verify', 'unhealthyWitness', books)
    expect([own.code, own.stdout]).toEqual([0, expect.stringContaining('All share their first phase')])
  })

  it('takes no more gas than it said, and not much less; what is in the journal holds no key', async () => {
    const cast = await castOn(development)
    const at = freshFolder()
    const portfolio = {
      market: 'BTC-USD',
      rounds: { signers: cast.signers.map(({ address }) => address), threshold: 2 },
      venue: cast.guardian.address,
    }
    const sources = [{ name: 'open', kind: 'attestedFeed', signers: developmentSigners, threshold: 2 }]
    const markets = [{ name: 'BTC-USD', volatilityModel: 'ewma', firstPrice: 50_000 }]
    const config = configOf(1337, cast, { portfolio, sources, markets })
    const done = await zkrisk(...deployArgs(at, development, cast, config), '--yes', '--json')
    expect(done.stderr).toContain('mined   RiskCouncil.renounceRole')
    const { plan, gasUsed, deployment } = JSON.parse(done.stdout)
    const phases = plan.models.map(({ firstPhaseSha256 }: { firstPhaseSha256: string }) => firstPhaseSha256)
    expect([phases.length, new Set(phases).size]).toEqual([8, 1])
    expect(Number(gasUsed)).toBeLessThan(plan.estimatedGas)
    expect(Number(gasUsed)).toBeGreaterThan(0.85 * plan.estimatedGas)
    const journal = join(at, 'deployment.json.journal')
    const lines = readFileSync(journal, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line))
    const estimates = new Map(
      plan.steps.map(({ id, estimatedGas }: { id: string; estimatedGas: number }) => [id, estimatedGas]),
    )
    const mined = lines.filter(({ state }) => state === 'mined')
    expect(mined).toHaveLength(plan.steps.length)
    for (const { step, gasUsed: used } of mined)
      expect([step, Number(used) <= Number(estimates.get(step))]).toEqual([step, true])
    // Written before it was sent, and the very transaction that was mined.
    for (const { hash, raw } of mined) expect(Transaction.from(raw).hash).toBe(hash)
    expect(readFileSync(journal, 'utf8')).not.toContain(cast.deployer.privateKey.slice(2))
    expect(done.stdout + done.stderr).not.toContain(cast.deployer.privateKey.slice(2))
    const { rpc } = development
    const read = await zkrisk(
      'read',
      '--rpc',
      rpc,
      '--deployment',
      join(at, 'deployment.json'),
      '--account',
      cast.council.address,
      '--json',
    )
    expect(JSON.parse(read.stdout)).toMatchObject({
      ...{ registry: deployment.addresses.registry, markets: [{ market: 'BTC-USD', status: 'not-proven' }] },
      accounts: [{ account: cast.council.address, status: 'not-proven', reports: 0, market: 'BTC-USD' }],
    })
  })
})

it('a percentage is the basis points that it says: 0.29 % is 29 of them', async () => {
  const sources = [{ name: 'a', kind: 'attestedFeed', signers: developmentSigners, threshold: 2 }]
  for (const bps of [0, 28, 29, 57, 115, 10_000]) {
    const stated = sources.map((source) => ({ ...source, maxConfidencePercent: bps / 100 }))
    const config = await configIn(configOf(CHAIN_ID, await castOn(chain), { sources: stated }))
    expect(config.sources).toMatchObject([{ maxConfidenceBps: bps }])
  }
})

describe('R70: a source’s door', () => {
  const feed = { name: 'a', kind: 'attestedFeed', signers: developmentSigners, threshold: 2 }
  const doorOf = async (door: object) => {
    const { sources } = await configIn(configOf(CHAIN_ID, await castOn(chain), { sources: [{ ...feed, door }] }))
    return (sources[0] as { plausibility?: object }).plausibility
  }

  it('is the default one but for what the file says, in units that people write', async () => {
    expect(await doorOf({})).toEqual(defaultPlausibility)
    const door = { leastSpacingSeconds: 60, jumpPercent: 12.34, agreementPercent: 5, greatestFactor: 9.9999 }
    expect(
      await doorOf({ ...door, greatestImpliedPercent: 250, impliedJumpPercent: 100, greatestRangePercent: 50 }),
    ).toEqual({
      ...{ leastSpacingSeconds: 60n, jumpBps: 11_234n, agreementBps: 10_500n, greatestFactorBps: 99_999n },
      ...{ confirmations: 2n, windowSeconds: 7_200n, greatestImpliedX16: 163_840n, impliedJumpBps: 20_000n },
      greatestRangeCode: rangeCodeUp(3n, 2n),
    })
  })

  it.each([
    ['leastSpacingSeconds', { leastSpacingSeconds: 0 }, { leastSpacingSeconds: 1 }],
    ['jumpPercent', { jumpPercent: 100 }, { jumpPercent: 99.99 }],
    ['jumpPercent', { jumpPercent: 0.001 }, { jumpPercent: 25.01 }],
    ['agreementPercent', { agreementPercent: 25.01 }, { agreementPercent: 25 }],
    ['greatestFactor', { greatestFactor: 10 }, { greatestFactor: 9.9999 }],
    ['greatestFactor', { greatestFactor: 1.25 }, { greatestFactor: 1.2501 }],
    ['confirmations', { confirmations: 0 }, { confirmations: 10 }],
    ['windowSeconds', { windowSeconds: 29 }, { windowSeconds: 30 }],
    ['greatestImpliedPercent', { greatestImpliedPercent: 801 }, { greatestImpliedPercent: 800 }],
    ['impliedJumpPercent', { impliedJumpPercent: 100.01 }, { impliedJumpPercent: 100 }],
    ['greatestRangePercent', { greatestRangePercent: 601 }, { greatestRangePercent: 600 }],
    ['jump', { jump: 25 }, {}],
  ])('is refused at its field %s', async (field, wrong, right) => {
    await expect(doorOf(wrong)).rejects.toMatchObject({
      code: 'service.deploy-config',
      field: `sources[0].door.${field}`,
    })
    await doorOf(right)
  })

  it('is told by the plan', () => {
    expect(doorText(defaultPlausibility)).toBe(
      'prices at least 30 s apart; a jump beyond 25 % is held until 2 more within 10 % and 2 h of each other confirm it, ' +
        'beyond a factor of 5 refused; implied volatility up to 400 %',
    )
  })
})

it('a file that names an entry twice is refused: one of the two would govern without a word', async () => {
  const text = JSON.stringify(configOf(CHAIN_ID, await castOn(chain)))
  const file = join(freshFolder(), 'deploy.json')
  writeFileSync(file, text.replace('{', `{"council":{"account":"${developmentSigners[0]}","delayHours":48},`))
  await expect(readConfig(file)).rejects.toMatchObject({ code: 'service.deploy-config', file })
  await expect(readConfig(file)).rejects.toThrow('the entry "council" stands twice')
})

const withFirstPrice = (market: { readonly firstPrice: number; readonly priceUnits?: number }) => ({
  markets: [{ name: 'PEPE-USD', volatilityModel: 'ewma', ...market }],
})

describe('a first price', () => {
  it.each([
    [{ firstPrice: 1e-5 }, 1_000n],
    [{ firstPrice: 1.23456789 }, 123_456_789n],
    [{ firstPrice: 4.2e-7, priceUnits: 1e9 }, 42_000_000_000n],
    [{ firstPrice: 15_000_000.00001, priceUnits: 0.001 }, 1_500_000_000_001n],
  ])('%j is told exactly', async (market, firstPriceE8) => {
    const config = await configIn(configOf(1337, await castOn(development), withFirstPrice(market)))
    expect(config.markets[0]).toMatchObject({ firstPriceE8 })
  })

  it.each([
    [{ firstPrice: 4.2e-7 }, 'state "priceUnits": 1000000000.'],
    [{ firstPrice: 15_000_000 }, 'state "priceUnits": 0.001.'],
    [{ firstPrice: 50_000, priceUnits: 1e9 }, 'leave priceUnits out.'],
    [{ firstPrice: 1.234567891 }, 'round it.'],
  ])('%j is refused with what to do', async (market, advice) => {
    const refused = configIn(configOf(1337, await castOn(development), withFirstPrice(market)))
    await expect(refused).rejects.toThrow(advice)
  })
})

describe('a file that is wrong', () => {
  it.each([
    ['an unknown field', { owner: 1 }, 'owner'],
    ['an address of nobody', { guardian: `0x${'0'.repeat(40)}` }, 'guardian'],
    ['an address with a digit left out', { guardian: `0x${'1'.repeat(39)}` }, 'guardian'],
    ['no sources', { sources: [] }, 'sources'],
    [
      'a threshold above its signers',
      { sources: [{ name: 'a', kind: 'attestedFeed', signers: developmentSigners, threshold: 3 }] },
      'sources[0].threshold',
    ],
    [
      'a confidence that is no number of basis points',
      {
        sources: [
          { name: 'a', kind: 'attestedFeed', signers: developmentSigners, threshold: 2, maxConfidencePercent: 0.005 },
        ],
      },
      'sources[0].maxConfidencePercent',
    ],
    [
      'a signer twice',
      {
        sources: [
          { name: 'a', kind: 'attestedFeed', signers: [developmentSigners[0], developmentSigners[0]], threshold: 2 },
        ],
      },
      'sources[0].signers[1]',
    ],
    ['a build that there is not', { models: [{ build: 'marketRisk9x9' }] }, 'models[0].build'],
    [
      'a model without a build of it',
      { markets: [{ name: 'BTC-USD', volatilityModel: 'garch' }] },
      'markets[0].volatilityModel',
    ],
    [
      'a market twice',
      {
        markets: [
          { name: 'BTC-USD', volatilityModel: 'ewma' },
          { name: 'BTC-USD', volatilityModel: 'ewma' },
        ],
      },
      'markets[1].name',
    ],
    [
      'a source that is not listed',
      { markets: [{ name: 'BTC-USD', volatilityModel: 'ewma', source: 'other' }] },
      'markets[0].source',
    ],
    [
      'a first price that no development signer attests: its source reads an oracle',
      {
        sources: [{ name: 'pyth', kind: 'other', address: developmentSigners[0] }],
        markets: [{ name: 'BTC-USD', volatilityModel: 'ewma', firstPrice: 50_000 }],
      },
      'markets[0].firstPrice',
    ],
    ['a first price of fewer than 1,000 steps', withFirstPrice({ firstPrice: 9.99e-6 }), 'markets[0].firstPrice'],
    ['a first price of no step', withFirstPrice({ firstPrice: 4.2e-10 }), 'markets[0].firstPrice'],
    ['a first price of nine decimals', withFirstPrice({ firstPrice: 1.234567891 }), 'markets[0].firstPrice'],
    [
      'a first price of six decimals where three places are gone',
      withFirstPrice({ firstPrice: 15_000_000.000001, priceUnits: 0.001 }),
      'markets[0].firstPrice',
    ],
    ['a first price that no word holds', withFirstPrice({ firstPrice: 15_000_000 }), 'markets[0].firstPrice'],
    ['a shadow', { markets: [{ name: 'BTC-USD~garch', volatilityModel: 'ewma' }] }, 'markets[0].name'],
    ['a name that is no market’s', { markets: [{ name: 'btc', volatilityModel: 'ewma' }] }, undefined],
  ])('with %s is refused at the field', async (_, change, field) => {
    const cast = await castOn(development)
    await configIn(configOf(1337, cast))
    const refusal = field === undefined ? { code: 'market.name' } : { code: 'service.deploy-config', field }
    await expect(configIn(configOf(1337, cast, change))).rejects.toMatchObject(refusal)
  })

  it.each([
    [{ firstPrice: '0.1' }, 'markets[0].firstPrice', 'expected a number, got "0.1". Write it without quotes'],
    [{ priceUnits: '1000' }, 'markets[0].priceUnits', 'expected a number, got "1000". Write it without quotes'],
    [{ name: undefined }, 'markets[0].name', 'this field is missing'],
    [{ name: undefined, nmae: 'BTC-USD' }, 'markets[0].nmae', 'this field is unknown: did you mean `name`?'],
    [{ colour: 'red' }, 'markets[0].colour', 'this field is unknown'],
  ])(
    'with %j says what is wrong with the number, of a missing one that it is missing, and of one misspelt what was meant',
    async (entry, field, reason) => {
      const cast = await castOn(development)
      const market = { name: 'BTC-USD', volatilityModel: 'ewma' }
      const of = (change: object) => configIn(configOf(1337, cast, { markets: [{ ...market, ...change }] }))
      await of({ firstPrice: 0.1, priceUnits: 1000 })
      const message = expect.stringContaining(reason)
      await expect(of(entry)).rejects.toMatchObject({ code: 'service.deploy-config', field, message })
    },
  )

  it('without a first price is taken with a source that reads an oracle', async () => {
    const sources = [{ name: 'pyth', kind: 'other', address: developmentSigners[0] }]
    const markets = [{ name: 'BTC-USD', volatilityModel: 'ewma' }]
    const config = await configIn(configOf(1337, await castOn(development), { sources, markets }))
    expect(config.markets[0]).toMatchObject({ source: 'pyth', firstPriceE8: undefined })
  })

  it('with another chain than the node’s, a policy out of bounds, or over another deployment, is refused before a plan', async () => {
    const cast = await castOn(development)
    const at = freshFolder()
    const place = { rpc: development.rpc, config: join(at, 'deploy.json'), keyFile: join(at, 'deployer.key') }
    const before = await castOn(development)
    deployArgs(at, development, before, configOf(1337, before, { markets: [] }))
    const first = await openPlan({ ...place, deployment: join(freshFolder(), 'deployment.json') })
    const standing = await first.carryOut(() => {})
    first.close()
    const plan = async (config: object) => {
      deployArgs(at, development, cast, config)
      const opened = await openPlan({ ...place, deployment: join(at, 'deployment.json') })
      opened.close()
      return opened.summary
    }
    await plan(configOf(1337, cast))
    const poor = { ...cast, deployer: new Wallet(randomKey()) }
    deployArgs(at, development, poor, configOf(1337, poor))
    const unpaid = openPlan({ ...place, deployment: join(at, 'deployment.json') })
    await expect(unpaid).rejects.toMatchObject({
      code: 'service.deploy-funds',
      deployer: poor.deployer.address,
      balance: '0.0',
    })
    const refused = async (config: object, refusal: object) => expect(plan(config)).rejects.toMatchObject(refusal)
    await refused(configOf(1, cast), { code: 'registry.wrong-chain', expected: 1n, found: 1337n })
    await refused(configOf(1337, cast, { policy: { breachProbability: 5 } }), {
      code: 'parameters.policy',
      entry: 'breachProbability',
    })
    const engineEntry = {
      code: 'parameters.policy',
      scope: `${place.config}, markets[0].policy`,
      entry: 'initialMarginBuffer',
    }
    await refused(configOf(1337, cast, { markets: [{ name: 'BTC-USD', policy: { initialMarginBuffer: 50 } }] }), {
      ...engineEntry,
      message: expect.stringContaining('write "initialMarginBuffer" under "policy" at the top level of the file'),
    })
    const other = (address: string) => configOf(1337, cast, { sources: [{ name: 'own', kind: 'other', address }] })
    const unfit = { code: 'service.source-unfit', source: 'own' }
    await refused(other(cast.council.address), { ...unfit, address: cast.council.address })
    const { deployment } = standing
    await refused(other(deployment.addresses.council), { ...unfit, address: deployment.addresses.council })
    await plan(other(deployment.sources[0]?.address ?? ''))
    const later = join(at, 'later.csv')
    writeFileSync(later, 'time,close\n2090-01-01 00:00,5000\n2090-01-01 01:00,5010\n')
    const goingOn = (history: string) =>
      configOf(1337, cast, { markets: [{ name: 'BTC-USD', volatilityModel: 'ewma', history }] })
    await refused(goingOn(later), { code: 'service.history-after', market: 'BTC-USD' })
    const old = join(import.meta.dirname, '..', '..', 'prover', 'market', 'extracts', 'btc-usd-2020-03.csv')
    expect((await plan(goingOn(old))).warnings).toEqual([expect.stringContaining('a pause of')])
    await refused(configOf(1337, cast, { policy: { owner: 5 } }), { code: 'parameters.policy' })
    writeFileSync(join(at, 'deployment.json'), '{}')
    await refused(configOf(1337, cast), { code: 'service.deployment-exists' })
  })

  it('the example is a file that is right; without what it needs the command ends with 2', async () => {
    const { stdout, code } = await zkrisk('deploy', '--example')
    expect(code).toBe(0)
    expect((await configIn(JSON.parse(stdout))).markets.map(({ name }) => name)).toEqual(['BTC-USD'])
    expect((await zkrisk('deploy', '--config', 'deploy.json')).code).toBe(2)
  })
})

describe('a market of a plan', () => {
  it('waits for its first observation, and goes on from its history', async () => {
    const cast = await castOn(development)
    const at = freshFolder()
    const history = join(import.meta.dirname, '..', '..', 'prover', 'market', 'extracts', 'btc-usd-2020-03.csv')
    const market = { name: 'BTC-USD', volatilityModel: 'ewma', history }
    deployArgs(at, development, cast, configOf(1337, cast, { markets: [market] }))
    const place = { rpc: development.rpc, config: join(at, 'deploy.json'), keyFile: join(at, 'deployer.key') }
    const plan = await openPlan({ ...place, deployment: join(at, 'deployment.json'), wait: 30 })
    const asked = plan.carryOut(() => {})
    const feed = await expect
      .poll(async () => (await readDeployment(join(at, 'deployment.json'))).sources[0]?.address as string, {
        timeout: 30_000,
      })
      .toMatch(/^0x/)
      .then(async () => (await readDeployment(join(at, 'deployment.json'))).sources[0]?.address as string)
    const files = cast.signers.slice(1).map(({ privateKey }, i) => {
      writeFileSync(join(at, `signer${i}.key`), privateKey, { mode: 0o600 })
      return join(at, `signer${i}.key`)
    })
    writeFileSync(join(at, 'payer.key'), cast.guardian.privateKey, { mode: 0o600 })
    const attested = await attestPrice({
      ...{ rpc: development.rpc, deployment: join(at, 'deployment.json'), keyFile: join(at, 'payer.key') },
      ...{ signerKeyFile: files, market: 'BTC-USD', price: '5000' },
    })
    expect(attested.feed).toBe(feed)
    const { deployment } = await asked
    plan.close()
    const { registry } = deployment.addresses
    const client = await RegistryClient.connect({
      registry,
      provider: development.provider,
      fromBlock: deployment.block,
    })
    const { learning, margin } = deployment.policy
    const first = {
      priceE8: 5000n * 10n ** 8n,
      asOf: BigInt(Date.parse(attested.asOf) / 1000),
      impliedVolatilityX16: 0n,
      rangeCode: 0n,
    }
    const twin = replay(
      [...readBars(history), first],
      { learning, margin, market: defaultPolicy.market },
      { model: ewma },
    )
    expect((await client.market('BTC-USD')).state).toEqual(twin.points.at(-1)?.state)
  })
})

describe('the journal', () => {
  const header = { chainId: '1', genesis: '0x01', deployer: '0x02' }
  const line: JournalEntry = { step: 'council', digest: 'd', state: 'signed', nonce: 0, hash: '0xaa', raw: '0xbb' }
  const written = (...extra: readonly string[]): string => {
    const file = join(freshFolder(), 'journal')
    const journal = DeployJournal.open(file, header)
    journal.record(line)
    journal.close()
    writeFileSync(file, extra.join(''), { flag: 'a' })
    return file
  }

  it('leaves out half a line at its end, which a dying process wrote, and goes on after it', () => {
    const file = written('{"step":"source')
    const journal = DeployJournal.open(file, header)
    expect(journal.of('council')).toEqual([line])
    journal.record({ ...line, state: 'mined', block: 1, gasUsed: '5' })
    journal.close()
    expect(DeployJournal.peek(file, header)?.map(({ state }) => state)).toEqual(['signed', 'mined'])
  })

  it('is refused where it is damaged, or of another chain, start or account', () => {
    const refused = expect.objectContaining({ code: 'service.deploy-journal' })
    expect(() => DeployJournal.open(written('{"step":"source\n'), header)).toThrow(refused)
    expect(() => DeployJournal.open(written('{"step":"source"}\n'), header)).toThrow(refused)
    for (const field of ['chainId', 'genesis', 'deployer'] as const)
      expect(() => DeployJournal.open(written(), { ...header, [field]: '0x09' })).toThrow(refused)
  })

  it('is one process’s at a time, and a dead one’s is free', () => {
    const file = written()
    const journal = DeployJournal.open(file, header)
    const busy = expect.objectContaining({ code: 'service.deploy-busy', pid: process.pid })
    expect(() => DeployJournal.open(file, header)).toThrow(busy)
    journal.close()
    writeFileSync(`${file}.lock`, `${2 ** 22 + 1}`)
    DeployJournal.open(file, header).close()
  })
})
