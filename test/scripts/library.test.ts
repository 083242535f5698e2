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
import { readPrices, replay, defaultPolicy, type ReplaySeries } from 'zk-risk-engine/prover'
import { checkBundle, readBundle, verifyProof } from 'zk-risk-engine/verify'
import { RegistryClient } from 'zk-risk-engine/contracts'

export const series: ReplaySeries = replay(readPrices('btc.csv'), defaultPolicy)
export const uses = [checkBundle, readBundle, verifyProof, RegistryClient]
// @ts-expect-error prices come from a file or a parser, not from a number
replay(5, defaultPolicy)
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
      .map((name) => `console.log('${name}', Object.keys(await import('zk-risk-engine/${name.slice(2)}')).length)`)
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
  for (const name of ['./prover', './verify', './contracts']) expect(said).toMatch(new RegExp(`^${name} [1-9]`, 'm'))
})

it('has types that a strict program compiles against', () => {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  expect(runIn(userProject(), tsc, '-p', '.')).toBe('')
})

it('offers the contracts as Solidity sources', () => {
  expect(exports['./contracts/*.sol']).toBe('./contracts/*.sol')
  expect(existsSync(join(root, 'contracts/registry/IRiskParameters.sol'))).toBe(true)
})
