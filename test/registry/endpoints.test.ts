/** Several RPC addresses as one: real nodes behind proxies that fail as nodes do. */
import type { EndpointsProvider } from '../../prover/registry/chain.ts'
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { keccak256, Wallet } from 'ethers'
import { network } from 'hardhat'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { connectProvider, type RpcAddress } from '../../prover/registry/index.ts'
import type { EndpointChange, EndpointsOptions } from '../../prover/registry/endpoints/endpoints.ts'
import { type FaultName, FaultProxy, faults } from '../../scripts/tools/chains/faultProxy.ts'
import { nodeCalls } from '../../scripts/tools/chains/nodeCalls.ts'

/** Of Hardhat's published mnemonic. */
const KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
const TIMEOUT_MS = 1_000

let node: Awaited<ReturnType<typeof network.createServer>>
let rpc: string
let proxies: readonly [FaultProxy, FaultProxy, FaultProxy]
const changes: EndpointChange[] = []

beforeAll(async () => {
  node = await network.createServer()
  const { address, port } = await node.listen()
  rpc = `http://${address}:${port}`
  proxies = await Promise.all([FaultProxy.start(rpc), FaultProxy.start(rpc), FaultProxy.start(rpc)])
})
afterAll(async () => {
  for (const proxy of proxies) proxy.close()
  await node.close()
})
afterEach(() => {
  changes.length = 0
  for (const proxy of proxies) {
    proxy.mend()
    proxy.asked.length = 0
    proxy.sent.length = 0
  }
})

async function connect(to: RpcAddress, options: EndpointsOptions = {}, chainId = 31337n): Promise<EndpointsProvider> {
  const onChange = (change: EndpointChange) => void changes.push(change)
  const provider = await connectProvider(to, chainId, { timeoutMs: TIMEOUT_MS, asideMs: 50, onChange, ...options })
  onTestFinished(() => provider.destroy())
  return provider
}

const both = (): RpcAddress => [proxies[0].url, proxies[1].url]
const statuses = (provider: EndpointsProvider) => provider.endpoints.state.map(({ status }) => status)

describe('S1: a fault of the endpoint in use', () => {
  it.each(Object.keys(faults) as FaultName[])('%s: every call is answered by another one, in time', async (fault) => {
    for (const [method, call] of Object.entries(nodeCalls)) {
      for (const proxy of proxies) proxy.mend()
      const provider = await connect(both(), { asideMs: 60_000 })
      expect(provider.endpoints.inUse).toBe(proxies[0].url)
      proxies[0].fail(fault, [method])
      const started = performance.now()
      await call(provider)
      expect(performance.now() - started, method).toBeLessThan(3 * TIMEOUT_MS)
      // Whoever lacks a method is no worse for all others.
      const expected = fault === 'no-method' ? ['in-use', 'standing-by'] : ['set-aside', 'in-use']
      expect(statuses(provider), method).toEqual(expected)
      provider.destroy()
    }
  })

  it('is told once, with the one that is in use now, and none of their paths', async () => {
    const provider = await connect([`${proxies[0].url}/secret-key`, proxies[1].url], { asideMs: 60_000 })
    proxies[0].fail('http-500')
    await Promise.all([1, 2, 3, 4].map(() => provider.getBlockNumber()))
    expect(changes).toEqual([{ inUse: proxies[1].url, reason: `${proxies[0].url} is set aside: HTTP 500` }])
    expect(JSON.stringify(provider.endpoints.state)).not.toContain('secret-key')
  })

  it('is forgiven: it is tried again later, and in use again', async () => {
    const provider = await connect(both(), { lookMs: 20 })
    proxies[0].fail('http-500')
    await provider.getBlockNumber()
    expect(provider.endpoints.inUse).toBe(proxies[1].url)
    proxies[0].mend()
    await expect
      .poll(async () => (await provider.getBlockNumber()) >= 0 && provider.endpoints.inUse, { timeout: 120_000 })
      .toBe(proxies[0].url)
  })

  it('of all of them: the call fails with the last reason, and the next one is answered as soon as one is well', async () => {
    const provider = await connect(both())
    for (const proxy of proxies) proxy.fail('http-500')
    await expect(provider.getBlockNumber()).rejects.toMatchObject({ code: 'registry.endpoint', reason: 'HTTP 500' })
    proxies[1].mend()
    expect(await provider.getBlockNumber()).toBeGreaterThanOrEqual(0)
    expect(provider.endpoints.inUse).toBe(proxies[1].url)
  })

  it('asks no more than three of them', async () => {
    const down = 'http://127.0.0.1:9'
    const provider = await connect([proxies[0].url, proxies[1].url, proxies[2].url, down])
    for (const proxy of proxies) {
      proxy.fail('http-500')
      proxy.asked.length = 0
    }
    await expect(provider.getBalance(new Wallet(KEY).address)).rejects.toMatchObject({ code: 'registry.endpoint' })
    expect(proxies.flatMap(({ asked }) => asked.filter((method) => method === 'eth_getBalance'))).toHaveLength(3)
  })

  it('a refusal by a contract is an answer, and no fault', async () => {
    const provider = await connect(both())
    // The code reverts with nothing.
    await expect(provider.call({ data: '0x60006000fd' })).rejects.toMatchObject({ code: 'CALL_EXCEPTION' })
    expect(statuses(provider)).toEqual(['in-use', 'standing-by'])
  })

  it('a fault is never taken for a refusal by a contract, even where there is no other endpoint', async () => {
    const provider = await connect(proxies[0].url)
    for (const fault of ['rate-limited', 'internal-error', 'no-state'] as const) {
      proxies[0].fail(fault, ['eth_estimateGas'])
      await expect(nodeCalls.eth_estimateGas?.(provider), fault).rejects.toMatchObject({ code: 'registry.endpoint' })
    }
  })

  it('a method that the endpoint lacks is asked of another, and nobody is set aside', async () => {
    const provider = await connect(both())
    await expect(provider.send('eth_noSuchMethod', [])).rejects.toThrow()
    expect(proxies[1].asked).toContain('eth_noSuchMethod')
    expect(statuses(provider)).toEqual(['in-use', 'standing-by'])
  })

  it('what must not be done twice is not asked twice', async () => {
    const provider = await connect(both())
    const height = await provider.getBlockNumber()
    proxies[0].fail('lost-reply', ['evm_mine'])
    await expect(provider.send('evm_mine', [])).rejects.toMatchObject({ code: 'registry.endpoint' })
    expect(await provider.getBlockNumber()).toBe(height + 1)
  })
})

describe('S1: the only endpoint', () => {
  it('that asks for patience is asked again, twice', async () => {
    const provider = await connect(proxies[0].url)
    proxies[0].fail('http-429', ['eth_blockNumber'], 2)
    expect(await provider.getBlockNumber()).toBeGreaterThanOrEqual(0)
    proxies[0].fail('http-429', ['eth_blockNumber'], 3)
    await expect(provider.getBlockNumber()).rejects.toMatchObject({ isBusy: true, reason: 'HTTP 429' })
  })

  it('that hangs is given up in time, and answers again once it does', async () => {
    const provider = await connect(proxies[0].url)
    proxies[0].fail('hang', ['eth_blockNumber'], 1)
    const started = performance.now()
    await expect(provider.getBlockNumber()).rejects.toMatchObject({ reason: `no answer within ${TIMEOUT_MS / 1000} s` })
    expect(performance.now() - started).toBeLessThan(10 * TIMEOUT_MS)
    expect(await provider.getBlockNumber()).toBeGreaterThanOrEqual(0)
  })
})

describe('S1: which chain an endpoint serves', () => {
  it('one of another chain is set aside at the start, and the others serve', async () => {
    proxies[0].lie({ eth_chainId: () => '0x1' })
    const provider = await connect(both())
    expect(provider.endpoints.state).toMatchObject([{ status: 'set-aside' }, { status: 'in-use' }])
    expect(provider.endpoints.state[0]?.reason).toContain('serves chain 1')
    await provider.getBalance(new Wallet(KEY).address)
    expect(proxies[0].asked).not.toContain('eth_getBalance')
  })

  it('is refused where all are of another, or, where none is expected, where they differ', async () => {
    proxies[0].lie({ eth_chainId: () => '0x1' })
    await expect(connect(proxies[0].url)).rejects.toMatchObject({ code: 'registry.wrong-chain', found: 1n })
    await expect(connectProvider(both())).rejects.toMatchObject({ code: 'registry.wrong-chain' })
    proxies[1].lie({ eth_chainId: () => '0x1' })
    await expect(connect(both())).rejects.toMatchObject({ code: 'registry.wrong-chain', expected: 31337n })
  })

  it('one that changes it while in use is found by the next look and asked nothing more', async () => {
    const provider = await connect(both(), { lookMs: 20 })
    proxies[0].lie({ eth_chainId: () => '0x1' })
    await expect
      .poll(async () => (await provider.getBlockNumber()) >= 0 && provider.endpoints.inUse)
      .toBe(proxies[1].url)
    proxies[0].asked.length = 0
    await provider.getBalance(new Wallet(KEY).address)
    expect(proxies[0].asked).not.toContain('eth_getBalance')
  })

  it('one whose chain has the id and another first block is set aside', async () => {
    proxies[1].lie({ eth_getBlockByNumber: () => ({ hash: `0x${'22'.repeat(32)}` }) })
    const provider = await connect(both())
    expect(provider.endpoints.state[1]).toMatchObject({ status: 'set-aside' })
    expect(provider.endpoints.state[1]?.reason).toContain('another first block')
  })

  it('none answers: all are named, without their paths', async () => {
    const refused = connect(['http://127.0.0.1:9/secret-key', 'ws://127.0.0.1:9/secret-key'])
    await expect(refused).rejects.toMatchObject({
      code: 'registry.rpc-unreachable',
      origin: 'http://127.0.0.1:9, ws://127.0.0.1:9',
    })
    await expect(connect('ftp://127.0.0.1/secret-key')).rejects.toMatchObject({ code: 'registry.rpc-address' })
    await expect(connect('secret-key')).rejects.toThrow(/^(?!.*secret-key)/)
  })
})

describe('S1: an endpoint that falls behind', () => {
  it('is set aside once others have had the next block for a look, and not before', async () => {
    const provider = await connect(both(), { lookMs: 20 })
    const stale = `0x${(await provider.getBlockNumber()).toString(16)}`
    proxies[0].lie({ eth_blockNumber: () => stale })
    await provider.send('evm_mine', [])
    await expect.poll(async () => (await provider.getBlock('latest')) && provider.endpoints.inUse).toBe(proxies[1].url)
    expect(provider.endpoints.state[0]?.reason).toMatch(/behind, at block \d+ of \d+/)
  })

  it('one of three that claims a block that nobody else has does not set the others aside', async () => {
    const provider = await connect([...both(), proxies[2].url], { lookMs: 20 })
    proxies[2].lie({ eth_blockNumber: () => '0xffffffff' })
    for (let i = 0; i < 20; i++) {
      await provider.getBlockNumber()
      await new Promise((resolve) => setTimeout(resolve, 15))
    }
    expect(statuses(provider).slice(0, 2)).toEqual(['in-use', 'standing-by'])
  })

  it('a chain that all see shortened sets nobody aside', async () => {
    const provider = await connect(both(), { lookMs: 20 })
    const snapshot = await provider.send('evm_snapshot', [])
    await provider.send('hardhat_mine', ['0x10'])
    for (let i = 0; i < 5; i++) {
      await provider.getBlockNumber()
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    await provider.send('evm_revert', [snapshot])
    for (let i = 0; i < 5; i++) {
      await provider.getBlockNumber()
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    expect(changes).toEqual([])
  })
})

describe('S3: a transaction whose answer is lost', () => {
  const transfer = async (provider: EndpointsProvider) =>
    new Wallet(KEY, provider).sendTransaction({ to: new Wallet(KEY).address, value: 1n, gasLimit: 21_000n })

  it.each(['lost-reply', 'late-reply'] as const)(
    '%s: the next endpoint says that it is known, and that is success',
    async (fault) => {
      const provider = await connect(both())
      proxies[0].fail(fault, ['eth_sendRawTransaction'])
      const before = await provider.getTransactionCount(new Wallet(KEY).address)
      const sent = await transfer(provider)
      expect((await sent.wait())?.status).toBe(1)
      expect(await provider.getTransactionCount(new Wallet(KEY).address)).toBe(before + 1)
      expect(new Set(proxies.flatMap((proxy) => proxy.sent))).toEqual(new Set([sent.hash]))
    },
  )

  it('is told to every endpoint that is well, for one may keep it to itself', async () => {
    const provider = await connect(both())
    proxies[0].lie({ eth_sendRawTransaction: ([raw]) => keccakOf(raw) })
    const sent = await transfer(provider)
    await expect.poll(async () => (await provider.getTransactionReceipt(sent.hash))?.status).toBe(1)
  })

  it('an answer with another hash is a lie', async () => {
    const provider = await connect(both(), { asideMs: 60_000 })
    proxies[0].lie({ eth_sendRawTransaction: () => `0x${'33'.repeat(32)}` })
    const sent = await transfer(provider)
    await expect.poll(async () => (await provider.getTransactionReceipt(sent.hash))?.status).toBe(1)
    expect(provider.endpoints.inUse).toBe(proxies[1].url)
  })

  it('a nonce that another transaction took is told as such', async () => {
    const provider = await connect(both())
    await transfer(provider)
    const wallet = new Wallet(KEY, provider)
    const late = wallet.sendTransaction({ to: wallet.address, value: 2n, gasLimit: 21_000n, nonce: 0 })
    await expect(late).rejects.toMatchObject({ code: 'NONCE_EXPIRED' })
  })
})

describe('S1: over a WebSocket', () => {
  it('asks many things at once over one connection, and again after it broke', async () => {
    const provider = await connect(rpc.replace('http', 'ws'))
    const numbers = await Promise.all(Array.from({ length: 20 }, () => provider.getBlockNumber()))
    expect(new Set(numbers).size).toBe(1)
    const balances = await Promise.all([provider.getBalance(new Wallet(KEY).address), provider.getFeeData()])
    expect(balances[0]).toBeGreaterThan(0n)
  })

  it('one that never answers is given up in time, and another is asked', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    onTestFinished(() => void silent.close())
    const address = `ws://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const provider = await connect([address, proxies[1].url])
    expect(statuses(provider)).toEqual(['set-aside', 'in-use'])
    expect(provider.endpoints.state[0]?.reason).toBe(`no answer within ${TIMEOUT_MS / 1000} s`)
  })
})

const keccakOf = (raw: unknown): string => keccak256(String(raw))
