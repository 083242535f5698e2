import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../../scripts/tools/sources.ts'
import { projectOf } from './project.ts'

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Text of a program that uses the library the way its users do. */
const user = `
import { riskRegistryAbi } from 'zk-risk-engine/abi'
import {
  defaultEnginePolicy,
  defaultMarketPolicy,
  defaultPolicy,
  encodeEnginePolicy,
  encodeMarketPolicy,
  readPrices,
  type ReplaySeries,
  replay,
} from 'zk-risk-engine'
import { offlineContext, policyOf } from 'zk-risk-engine/prover'
import { checkBundle, readBundle, verifyProof } from 'zk-risk-engine/verify'
import { RegistryClient } from 'zk-risk-engine/contracts'

export const series: ReplaySeries = replay(readPrices('btc.csv'), defaultPolicy)
export const uses = [checkBundle, readBundle, verifyProof, RegistryClient]
// @ts-expect-error prices come from a file or a parser, not from a number
replay(5, defaultPolicy)

/** Policies: each right, then each wrong one that is a mistake people make. */
export const right = [encodeEnginePolicy(defaultEnginePolicy), encodeMarketPolicy(defaultMarketPolicy)]
// @ts-expect-error the engine's policy is no market's
encodeMarketPolicy(defaultEnginePolicy)
// @ts-expect-error a market's policy is not the engine's
encodeEnginePolicy(defaultMarketPolicy)
// @ts-expect-error a policy of people is not one of words
replay(readPrices('btc.csv'), defaultEnginePolicy)
// @ts-expect-error words are no numbers of people
encodeMarketPolicy(defaultPolicy.market)
// @ts-expect-error a misspelt entry
encodeMarketPolicy({ ...defaultMarketPolicy, volatilityFlor: 0.2 })
// @ts-expect-error a percentage as people write it
encodeEnginePolicy({ ...defaultEnginePolicy, breachProbability: '0.5 %' })
// @ts-expect-error words of margins in the place of those that learn
replay(readPrices('btc.csv'), { ...defaultPolicy, learning: defaultPolicy.margin })
// @ts-expect-error a market's policy is no portfolio's
policyOf(defaultPolicy)
// @ts-expect-error ids are not made up: they follow from a key
offlineContext('riskArray5')

/** ABIs are literal types: names of functions are known. */
type Method = Extract<(typeof riskRegistryAbi)[number], { type: 'function' }>['name']
export const method: Method = 'submit'
// @ts-expect-error the registry has no such function
export const misspelt: Method = 'submitt'
`

function userProject(): string {
  const project = projectOf({
    'package.json': JSON.stringify({ type: 'module' }),
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        strict: true,
        skipLibCheck: true,
        module: 'nodenext',
        target: 'es2024',
        types: [],
        noEmit: true,
      },
      files: ['user.ts'],
    }),
    'user.ts': user,
    'user.mjs': Object.keys(exports)
      .filter((name) => !name.includes('*') && !name.endsWith('.json'))
      .map((name) => `console.log('${name}', Object.keys(await import('zk-risk-engine${name.slice(1)}')).length)`)
      .join('\n'),
  })
  mkdirSync(join(project, 'node_modules'))
  symlinkSync(root, join(project, 'node_modules', 'zk-risk-engine'))
  return project
}

/** What a script says, whether it succeeds or not. */
function runIn(project: string, script: string, ...args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, [script, ...args], { cwd: project, encoding: 'utf8' })
  return stdout + stderr
}

it('loads by the names of package.json, and lets the process end', () => {
  const said = runIn(userProject(), 'user.mjs')
  for (const name of ['.', './prover', './verify', './contracts', './abi']) {
    expect(said).toMatch(new RegExp(`^${name.replace('.', '\\.')} [1-9]`, 'm'))
  }
})

it('has types that a strict program compiles against', () => {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  expect(runIn(userProject(), tsc, '-p', '.')).toBe('')
})

it('offers the contracts as Solidity sources', () => {
  expect(exports['./contracts/*.sol']).toBe('./contracts/*.sol')
  expect(existsSync(join(root, 'contracts/registry/IRiskParameters.sol'))).toBe(true)
})
