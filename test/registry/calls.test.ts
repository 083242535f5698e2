/** Which calls of a registry a trace tells of. */
import type { Provider } from 'ethers'
import { expect, test } from 'vitest'
import { callsIn } from '../../prover/registry/calls.ts'

const REGISTRY = `0x${'5A'.repeat(20)}`
const WRAPPER = `0x${'11'.repeat(20)}`

/** A node whose trace of every transaction is this. */
const traced = (calls: readonly object[]): Provider =>
  ({
    getTransaction: async () => ({ to: WRAPPER, data: '0x' }),
    send: async () => ({ type: 'CALL', to: WRAPPER, input: '0x', calls }),
  }) as unknown as Provider

const frame = (input: string, change: object = {}): object => ({
  ...{ type: 'CALL', to: REGISTRY.toLowerCase(), input },
  ...change,
})

test('those that were made of it and stand, in order, however deep', async () => {
  const proxied = { type: 'DELEGATECALL', to: `0x${'22'.repeat(20)}`, input: '0x', calls: [frame('0x02')] }
  const undone = { type: 'CALL', to: WRAPPER, input: '0x', error: 'execution reverted', calls: [frame('0x03')] }
  const provider = traced([frame('0x01'), proxied, undone, frame('0x04', { error: 'execution reverted' }), frame('0x')])
  expect(await callsIn(provider, [REGISTRY], '0x', (calldata) => calldata !== '0x')).toEqual(['0x01', '0x02'])
})

test('none that ran its code in the place of the caller: those move nothing of the registry', async () => {
  const elsewhere = ['DELEGATECALL', 'CALLCODE'].map((type) => frame('0x01', { type }))
  expect(await callsIn(traced([...elsewhere, frame('0x02')]), [REGISTRY], '0x', () => true)).toEqual(['0x02'])
})
