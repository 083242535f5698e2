/** A signer over a key that is kept elsewhere: a keeper that really signs, in the form that key management services answer in. */
import type { EndpointsProvider } from '../../prover/registry/chain.ts'
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { parseEther, toQuantity, Transaction, verifyMessage, verifyTypedData, Wallet } from 'ethers'
import { network } from 'hardhat'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectProvider } from '../../prover/registry/index.ts'
import { type KeyKeeper, KmsSigner, loadKeyKeeper } from '../../prover/service/daemon/kmsSigner.ts'
import { temporaryFolder } from './zkrisk.ts'

const folder = temporaryFolder()

/** Of secp256k1, as RFC 5915 writes a private key; Node makes the public key of it that a service would answer. */
function publicKeyOf(secret: Uint8Array): Uint8Array {
  const point = Buffer.from(secp256k1.getPublicKey(secret, false))
  const sec1 = Buffer.concat([
    Buffer.from('30740201010420', 'hex'),
    secret,
    Buffer.from('a00706052b8104000aa144034200', 'hex'),
    point,
  ])
  const key = createPrivateKey({ key: sec1, format: 'der', type: 'sec1' })
  return createPublicKey(key).export({ type: 'spki', format: 'der' })
}

/** Signs without choosing the lower s, as such services do. */
const derOf = (digest: Uint8Array, secret: Uint8Array): Uint8Array =>
  secp256k1.sign(digest, secret, { prehash: false, lowS: false, format: 'der' })

const keeperOf = (secret: Uint8Array, change: (der: Uint8Array) => Uint8Array = (der) => der): KeyKeeper => ({
  publicKey: async () => publicKeyOf(secret),
  signDigest: async (digest) => change(derOf(digest, secret)),
})

const secret = randomBytes(32)
const { address } = new Wallet(`0x${secret.toString('hex')}`)
const transfer = { type: 2, to: address, chainId: 31337n, nonce: 3, gasLimit: 21_000n, maxFeePerGas: 9n, value: 1n }

describe('KmsSigner', () => {
  it('has the address of the key, and signs what its wallet would, whichever s the keeper chose', async () => {
    const signer = await KmsSigner.open(keeperOf(secret), null)
    expect(signer.address).toBe(address)
    let high = 0
    for (let nonce = 0; nonce < 100; nonce++) {
      const raw = await signer.signTransaction({ ...transfer, nonce })
      const signed = Transaction.from(raw)
      expect(signed.from).toBe(address)
      expect(signed.nonce).toBe(nonce)
      const der = derOf(Buffer.from(signed.unsignedHash.slice(2), 'hex'), secret)
      if (secp256k1.Signature.fromBytes(der, 'der').hasHighS()) high++
    }
    // Half of them, so that both ways were tried.
    expect(high).toBeGreaterThan(20)
    expect(high).toBeLessThan(80)
  })

  it('signs messages and typed data', async () => {
    const signer = await KmsSigner.open(keeperOf(secret), null)
    expect(verifyMessage('a message', await signer.signMessage('a message'))).toBe(address)
    const types = { Mail: [{ name: 'text', type: 'string' }] }
    const signature = await signer.signTypedData({ name: 'x' }, types, { text: 'y' })
    expect(verifyTypedData({ name: 'x' }, types, { text: 'y' }, signature)).toBe(address)
  })

  it.each([
    ['of another key', () => derOf(randomBytes(32), randomBytes(32))],
    ['of another digest', () => derOf(randomBytes(32), secret)],
    ['cut short', (der: Uint8Array) => der.slice(0, -1)],
    ['with bytes after it', (der: Uint8Array) => Buffer.concat([der, Buffer.from([0])])],
    ['raw, not DER', () => randomBytes(64)],
    ['of nothing', () => new Uint8Array()],
    ['with an r of nothing', () => Buffer.from('30050200020101', 'hex')],
    ['with an s of 0', () => Buffer.from('3006020101020100', 'hex')],
  ])('refuses a signature %s', async (_, change: (der: Uint8Array) => Uint8Array) => {
    const signer = await KmsSigner.open(keeperOf(secret, change), null)
    await expect(signer.signTransaction(transfer)).rejects.toMatchObject({ code: 'service.key-keeper' })
  })

  it('refuses a key of another curve, a keeper that fails, and one that never answers', async () => {
    const other = { ...keeperOf(secret), publicKey: async () => randomBytes(91) }
    await expect(KmsSigner.open(other, null)).rejects.toMatchObject({ code: 'service.key-keeper' })
    const fails = { ...keeperOf(secret), signDigest: () => Promise.reject(new Error('secret access key AKIA…')) }
    const refused = (await KmsSigner.open(fails, null)).signMessage('x')
    await expect(refused).rejects.toThrow('asked for a signature, it failed')
    await expect(refused).rejects.not.toThrow('AKIA')
    const silent = { ...keeperOf(secret), signDigest: () => new Promise<never>(() => undefined) }
    const late = (await KmsSigner.open(silent, null, 50)).signMessage('x')
    await expect(late).rejects.toThrow('it did not answer within 0.05 s')
  })
})

describe('a keeper from a module', () => {
  it('is what the module exports', async () => {
    const file = join(folder, 'keeper.mjs')
    const key = Buffer.from(publicKeyOf(secret)).toString('hex')
    const answers = `export const publicKey = async () => Buffer.from('${key}', 'hex')\n`
    writeFileSync(file, `${answers}export const signDigest = async () => new Uint8Array()\n`)
    expect((await KmsSigner.open(await loadKeyKeeper(file), null)).address).toBe(address)
    const half = join(folder, 'half.mjs')
    writeFileSync(half, answers)
    await expect(loadKeyKeeper(half)).rejects.toMatchObject({ code: 'service.key-keeper-module', file: half })
    await expect(loadKeyKeeper(join(folder, 'none.mjs'))).rejects.toMatchObject({ code: 'service.key-keeper-module' })
  })
})

describe('on a chain', () => {
  let node: Awaited<ReturnType<typeof network.createServer>>
  let provider: EndpointsProvider
  beforeAll(async () => {
    node = await network.createServer()
    const { address, port } = await node.listen()
    provider = await connectProvider(`http://${address}:${port}`)
  })
  afterAll(async () => {
    provider.destroy()
    await node.close()
  })

  it('its transactions are mined, also those that ethers fills in', async () => {
    await provider.send('hardhat_setBalance', [address, toQuantity(parseEther('1'))])
    const signer = (await KmsSigner.open(keeperOf(secret), null)).connect(provider)
    const sent = await signer.sendTransaction({ to: address, value: 1n })
    expect(await sent.wait()).toMatchObject({ status: 1, from: address })
  })
})
