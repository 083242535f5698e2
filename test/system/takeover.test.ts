/** Another machine goes on from an RPC address and a registry's address, after the first operator was killed, or while it lies. */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { JsonRpcProvider, keccak256, parseEther, toQuantity, Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildFolder } from '../../prover/config.ts'
import { withoutMetadata } from '../../prover/audit/verifierCode.ts'
import { RegistryClient, verifierArtifactOf } from '../../prover/registry/index.ts'
import { modelIdOf, writeDeployment } from '../../prover/registry/deployment.ts'
import { transact } from '../../prover/registry/transactions.ts'
import { compileVerifier } from '../../prover/service/deploying/verifier.ts'
import { developmentKeys } from '../../prover/service/development/chain.ts'
import { readModelStandings } from '../../prover/service/takeover/models.ts'
import { loadKeys } from '../../prover/service/workspace.ts'
import { errorOf, temporaryFolder, zkrisk, zkriskWith } from '../service/zkrisk.ts'
import { startChainProxy } from './chainProxy.ts'
import { startTryOut, type TryOut } from './tryOut.ts'

const folder = temporaryFolder()
const strangers = join(folder, 'elsewhere')
const cli = join(import.meta.dirname, '..', '..', 'prover', 'service', 'cli.ts')
/** Nobody's: not a key of the development chain's accounts. */
const STRANGERS_KEY = `0x${'5a'.repeat(32)}`

let tryOut: TryOut
let provider: JsonRpcProvider
let registry: string
beforeAll(async () => {
  tryOut = await startTryOut(folder)
  provider = new JsonRpcProvider(tryOut.rpc, undefined, { staticNetwork: true, cacheTimeout: -1 })
  registry = tryOut.deployment.addresses.registry
  mkdirSync(strangers)
  writeFileSync(join(strangers, 'own.key'), `${STRANGERS_KEY}\n`, { mode: 0o600 })
  const { address } = new Wallet(STRANGERS_KEY)
  await provider.send('hardhat_setBalance', [address, toQuantity(parseEther('10'))])
})
afterAll(async () => {
  provider.destroy()
  await tryOut.close()
})

/** Runs, and then puts the chain back as it was. */
async function undone<T>(work: () => Promise<T>): Promise<T> {
  const snapshot = await provider.send('evm_snapshot', [])
  try {
    return await work()
  } finally {
    await provider.send('evm_revert', [snapshot])
  }
}

const found = async (...args: readonly string[]) => {
  const ended = await zkrisk('deployment', '--rpc', tryOut.rpc, '--registry', registry, '--json', ...args)
  return { ...ended, answer: JSON.parse(ended.stdout) }
}

type Said = { readonly step: string; readonly detail?: string }

/** A service in a process of its own, until something was said. */
function serving(args: readonly string[]): {
  readonly child: ChildProcess
  readonly said: Said[]
  until(isSaid: (said: Said) => boolean): Promise<void>
  ended: Promise<unknown>
} {
  const all = ['serve', '--rpc', tryOut.rpc, '--poll', '50', ...args]
  const child = spawn(process.execPath, [cli, ...all], { cwd: strangers, stdio: ['ignore', 'pipe', 'pipe'] })
  const said: Said[] = []
  const heard = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.trim().split('\n')) {
        const [, step = '', ...rest] = line.split('  ').filter((part) => !['info', 'warn'].includes(part))
        said.push({ step, detail: rest.join('  ') })
      }
      for (const hear of heard) hear()
    })
  }
  const ended = new Promise((resolve) => child.on('close', resolve))
  return {
    ...{ child, said, ended },
    until: (isSaid) =>
      new Promise((resolve, reject) => {
        const hear = (): void => {
          if (!said.some(isSaid)) return
          heard.delete(hear)
          resolve()
        }
        heard.add(hear)
        child.on('close', () => reject(new Error(`The service ended: ${JSON.stringify(said)}`)))
        hear()
      }),
  }
}

describe('S40: a deployment rebuilt from a chain', () => {
  it('is the one that was deployed, from the registry’s address alone', async () => {
    const { code, answer } = await found()
    expect(code).toBe(0)
    expect(answer.findings).toEqual([])
    const { block, sources, ...rest } = answer.deployment
    const {
      block: began,
      sources: given,
      ...deployed
    } = JSON.parse(
      JSON.stringify(tryOut.deployment, (_, value) => (typeof value === 'bigint' ? value.toString() : value)),
    )
    expect(rest).toEqual(deployed)
    expect(sources.map(({ name: _, ...source }: { name: string }) => source)).toEqual(
      given.map(({ name: _, ...source }: { name: string }) => source),
    )
    // Nothing happened in between: the block before its first contract, and that of it.
    expect(block).toBe(began + 1)
  })

  it('says field by field what a published file says otherwise, and takes the chain’s', async () => {
    const honest = join(folder, 'published.json')
    await writeDeployment(honest, tryOut.deployment)
    const same = await found('--published', honest)
    expect([same.code, same.answer.differences]).toEqual([0, []])

    const lying = join(folder, 'lying.json')
    const { addresses, markets, models, sources } = tryOut.deployment
    const elsewhere = new Wallet(STRANGERS_KEY).address
    await writeDeployment(lying, {
      ...tryOut.deployment,
      block: 1_000_000,
      addresses: { ...addresses, council: elsewhere },
      sources: sources.map((source) => (source.kind === 'attestedFeed' ? { ...source, threshold: 1 } : source)),
      models: models.slice(1),
      markets: markets.map((market, i) => (i === 0 ? { ...market, volatilityModel: 'ewma' as const } : market)),
    })
    const { code, answer } = await found('--published', lying)
    expect(code).toBe(1)
    const told = answer.differences.map(({ field, file, chain }: Record<string, string | null>) => [field, file, chain])
    expect(told).toContainEqual(['block', '1000000', `${tryOut.deployment.block + 1}`])
    expect(told).toContainEqual(['addresses.council', elsewhere, addresses.council])
    expect(told).toContainEqual([`sources.${sources[0]?.address}.threshold`, '1', '2'])
    expect(told).toContainEqual([`markets.${markets[0]?.name}.volatilityModel`, 'ewma', 'rangeMixture'])
    expect(told).toContainEqual([`models.${models[0]?.modelId}.name`, null, models[0]?.name])
    expect(answer.deployment.addresses).toEqual(addresses)
  })

  it('names what is no registry of markets, and what is no address', async () => {
    const of = async (address: string) =>
      errorOf(await zkrisk('deployment', '--rpc', tryOut.rpc, '--registry', address, '--json')).code
    expect(await of(tryOut.deployment.addresses.council)).toBe('service.registry-kind')
    expect(await of(new Wallet(STRANGERS_KEY).address)).toBe('registry.registry-missing')
    expect(await of('0x12')).toBe('service.account-address')
  })

  it('refuses a first block after the deployment, and takes one before it', async () => {
    const from = async (block: number) => found('--from-block', `${block}`)
    const { deployment } = tryOut
    expect(errorOf(await from(deployment.block + 12)).code).toBe('audit.history-incomplete')
    expect((await from(deployment.block)).code).toBe(0)
  })
})

describe('a node that keeps no earlier states', () => {
  it('is told where to begin, and says of the same deployment what it cannot know', async () => {
    const proxy = await startChainProxy(tryOut.rpc)
    proxy.fault = 'forgets'
    try {
      const at = ['deployment', '--rpc', proxy.url, '--registry', registry, '--json']
      expect(errorOf(await zkrisk(...at)).code).toBe('service.first-block-unknown')
      const { block } = tryOut.deployment
      const { code, stdout } = await zkrisk(...at, '--from-block', `${block}`)
      const answer = JSON.parse(stdout)
      const whole = (await found()).answer
      expect({ ...answer.deployment, block: block + 1 }).toEqual(whole.deployment)
      const severities = answer.findings.map(({ severity }: { severity: string }) => severity)
      expect([code, new Set(severities)]).toEqual([0, new Set(['note'])])
    } finally {
      await proxy.close()
    }
  })
})

describe('a build for parameters of markets alone', () => {
  it('rebuilds, and audits: it has none of the contracts of margins', async () => {
    const build = join(folder, 'markets-build')
    const below = (...path: readonly string[]) => [join(buildFolder, ...path), join(build, ...path)] as const
    const link = (path: readonly string[], without: readonly string[]): void => {
      const [from, to] = below(...path)
      mkdirSync(to, { recursive: true })
      for (const name of readdirSync(from)) if (!without.includes(name)) symlinkSync(join(from, name), join(to, name))
    }
    link([], ['artifacts'])
    link(['artifacts'], ['contracts'])
    link(['artifacts', 'contracts'], ['registry'])
    const ofMargins = ['PortfolioRegistry.sol', 'CrossMarginRegistry.sol', 'RiskArrays.sol']
    link(['artifacts', 'contracts', 'registry'], ofMargins)
    const at = ['--rpc', tryOut.rpc, '--registry', registry, '--json']
    const rebuilt = await zkriskWith(build, 'deployment', ...at)
    expect([rebuilt.code, JSON.parse(rebuilt.stdout).findings]).toEqual([0, []])
    const audited = await zkriskWith(build, 'audit', ...at)
    expect([audited.code, JSON.parse(audited.stdout).accepted]).toEqual([0, true])
  })
})

describe('S41: contracts that are not those compiled here', () => {
  it.each(['registry', 'modelRegistry', 'council'] as const)(
    'nothing is sent where the code of the %s is other',
    (name) =>
      undone(async () => {
        const address = tryOut.deployment.addresses[name]
        const code = await provider.getCode(address)
        // Behind the metadata: what runs is the same, and still it is not what was compiled.
        await provider.send('hardhat_setCode', [address, `${code}00`])
        const { code: exit, answer } = await found()
        expect(exit).toBe(1)
        expect(answer.findings.some(({ severity }: { severity: string }) => severity === 'refused')).toBe(true)
        const served = await zkrisk('serve', '--rpc', tryOut.rpc, '--registry', registry, '--json')
        expect(served.code).toBe(1)
        expect(served.stdout).toContain('service.contracts-differ')
      }),
  )

  it('a source of other code is told of: whoever it asks, its observations are the market’s', () =>
    undone(async () => {
      const [source] = tryOut.deployment.sources
      const code = await provider.getCode(source?.address ?? '')
      await provider.send('hardhat_setCode', [source?.address, `${code}00`])
      const { code: exit, answer } = await found()
      expect(exit).toBe(0)
      expect(answer.findings).toContainEqual(expect.objectContaining({ severity: 'note' }))
    }))
})

describe('S42: models by keys', () => {
  const council = () => new Wallet(developmentKeys.council, provider)

  it('names one that the council registered under a key which is not here, and one of no build', () =>
    undone(async () => {
      const [first] = tryOut.deployment.models
      const { layoutHash } = tryOut.deployment
      const other = keccak256('0x01')
      const sizes = { places: 6, slots: 2, status: 0, allowsBacklog: false, volatilityModel: 3 }
      const model = { verifier: first?.verifier, ...sizes, layoutHash, verificationKeyHash: other, manifestHash: other }
      const known = modelIdOf('marketRiskRange6x2', other, layoutHash)
      const strange = keccak256('0x02')
      for (const id of [known, strange])
        await transact(council(), tryOut.deployment.addresses.modelRegistry, 'ModelRegistry', 'register', [id, model])
      const { answer } = await found()
      const standing = (id: string) => answer.models.find(({ modelId }: { modelId: string }) => modelId === id)
      expect(standing(known)).toMatchObject({ name: 'marketRiskRange6x2', status: 'keys-missing' })
      expect(standing(known).says).toContain('development key')
      expect(standing(strange)).toMatchObject({ name: strange, status: 'unknown' })
      // What is proven goes on by the key that is here.
      expect(answer.models.filter(({ status }: { status: string }) => status === 'usable')).toHaveLength(
        tryOut.deployment.models.length,
      )
    }))

  it('A1: a verifier that is compiled for a key of another folder is the one that the build made of it', async () => {
    const { verificationKey } = await loadKeys('marketRiskRange6x2')
    const compiled = compileVerifier('marketRiskRange6x2', verificationKey)
    const built = verifierArtifactOf('marketRiskRange6x2')
    expect(withoutMetadata(compiled?.deployedBytecode ?? '')).toBe(withoutMetadata(built.deployedBytecode))
  })

  it('serves nothing without a key, and says of which models it has none', async () => {
    const empty = join(folder, 'no-keys')
    const args = ['--rpc', tryOut.rpc, '--registry', registry, '--keys', empty, '--json']
    const served = await zkrisk('serve', ...args)
    expect(served.code).toBe(1)
    expect(served.stdout).toContain('service.nothing-provable')
    expect(served.stdout).toContain('marketRiskRange6x2')
  })

  it('serves what it has keys for, and names markets whose model’s it has not', async () => {
    const { zkey, manifest } = await loadKeys('marketRisk8x2')
    const only = join(folder, 'ewma-keys')
    cpSync(dirname(zkey), join(only, manifest.r1csSha256), { recursive: true })
    const { code, answer } = await found('--keys', only)
    const usable = answer.models.filter(({ status }: { status: string }) => status === 'usable')
    expect([code, usable.map(({ name }: { name: string }) => name)]).toEqual([0, ['marketRisk8x2']])
    const args = ['--registry', registry, '--key-file', join(strangers, 'own.key'), '--keys', only]
    const own = serving([...args, '--store', join(strangers, 'ewma.sqlite')])
    await own.until(({ step }) => step === 'started')
    own.child.kill('SIGTERM')
    await own.ended
    const told = own.said.filter(({ step }) => step === 'rebuilt').map(({ detail }) => detail)
    expect(told).toContain('Not of BTC-USD: the keys of its model rangeMixture are not here.')
    expect(told.some((detail) => detail?.startsWith('model marketRiskRange6x2 is left out: '))).toBe(true)
  })

  it('T2: refuses development keys on a chain that is no development chain', async () => {
    const end = await provider.getBlockNumber()
    const { modelRegistry } = tryOut.deployment.addresses
    const on = (chainId: bigint) => readModelStandings({ provider, fromBlock: 0, end, chainId }, modelRegistry)
    const [real, development] = [await on(1n), await on(31337n)]
    expect(new Set(real.map(({ status }) => status))).toEqual(new Set(['refused']))
    expect(real[0]?.says).toContain('T2')
    expect(new Set(development.map(({ status }) => status))).toEqual(new Set(['usable']))
  })
})

const waiting = async () => {
  const client = await RegistryClient.connect({ registry, provider })
  return (await Promise.all(tryOut.deployment.markets.map(({ name }) => client.waiting(name)))).flat()
}

async function allConsumed({ said, until }: ReturnType<typeof serving>): Promise<void> {
  const landed = () => said.filter(({ step }) => step === 'confirmed').length
  for (let before = 0; (await waiting()).length > 0; before++) await until(() => landed() > before)
}

/** By an audit that has the registry's address alone. */
async function acceptedBatches(): Promise<number> {
  const { code, stdout } = await zkrisk('audit', '--rpc', tryOut.rpc, '--registry', registry, '--json')
  const { failure, accepted, batches } = JSON.parse(stdout)
  expect(failure).toBeUndefined()
  expect([code, accepted]).toEqual([0, true])
  return batches.length
}

describe('S43: the first operator', () => {
  it('is killed while a batch is under way and observations wait: another machine proves all of them, and the audit finds no gap', async () => {
    await tryOut.feed(1)
    const first = serving([
      '--deployment',
      tryOut.deploymentFile,
      '--key-file',
      tryOut.keyFile,
      '--store',
      join(folder, 'first.sqlite'),
    ])
    await first.until(({ step }) => step === 'planned')
    first.child.kill('SIGKILL')
    await first.ended
    await tryOut.feed(4)

    const args = ['--registry', registry, '--key-file', join(strangers, 'own.key')]
    const second = serving(args)
    expect((await waiting()).length).toBeGreaterThan(0)
    await allConsumed(second)
    second.child.kill('SIGTERM')
    await second.ended

    expect(second.said.some(({ step }) => step === 'rebuilt')).toBe(true)
    const batches = await acceptedBatches()
    // The batch that was under way was its, too.
    expect(batches).toBe(await provider.getTransactionCount(new Wallet(STRANGERS_KEY).address))
  })

  it('that lands the same batches first costs no observation: both go on, and the audit finds no gap', async () => {
    const before = await acceptedBatches()
    const own = ['--registry', registry, '--key-file', join(strangers, 'own.key')]
    const both = [
      serving([...own, '--store', join(strangers, 'again.sqlite')]),
      serving([
        '--deployment',
        tryOut.deploymentFile,
        '--key-file',
        tryOut.keyFile,
        '--store',
        join(folder, 'again.sqlite'),
      ]),
    ] as const
    await Promise.all(both.map(({ until }) => until(({ step }) => step === 'started')))
    for (let hour = 0; hour < 2; hour++) {
      await tryOut.feed(1)
      while ((await waiting()).length > 0) await sleep(100)
    }
    for (const { child } of both) child.kill('SIGTERM')
    await Promise.all(both.map(({ ended }) => ended))
    expect(await acceptedBatches()).toBe(before + 2)
  })
})
