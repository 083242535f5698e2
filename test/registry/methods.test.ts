/** Contracts' functions are named by strings, which no compiler compares with the contracts. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type ContractName, contractSources, interfaceOf } from '../../prover/registry/artifacts.ts'
import { root } from '../../scripts/tools/sources.ts'

const known = new Set(
  (Object.keys(contractSources) as ContractName[])
    .flatMap((name) => interfaceOf(name).fragments)
    .map((each) => 'name' in each && each.name),
)
const called =
  /\b(?:read|readArrays|readCounts|send|getFunction|encodeFunctionData|decodeFunctionData)\((?:\w+, )?'([a-z][A-Za-z]+)'/g

const named = globSync('prover/registry/**/*.ts', { cwd: root }).flatMap((file) =>
  [...readFileSync(join(root, file), 'utf8').matchAll(called)].map(([, method]) => ({ file, method })),
)

it('calls no function that none of the contracts has', () => {
  expect(named.filter(({ method }) => !known.has(method ?? ''))).toEqual([])
  expect(named.length).toBeGreaterThan(60)
  expect(known.has('requireArrays')).toBe(true)
  expect(known.has('requireArray')).toBe(false)
})
