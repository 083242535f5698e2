/** Every public function has an example in its docstring, and every example runs against the library as it is built. */
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { developmentKeys } from '../../prover/service/development/chain.ts'
import { root } from '../../scripts/tools/sources.ts'
import { run, temporaryFolder, zkrisk } from '../service/zkrisk.ts'
import { startTryOut, type TryOut } from '../system/tryOut.ts'
import { claimsOf, moduleOf, publicNames, readmeModule, runnerOf } from './examples.ts'

const names = publicNames()
const folder = temporaryFolder()
const path = (name: string): string => join(folder, name)

it('stands at every public function', () => {
  expect(names.functions.filter(({ example }) => !example).map(({ name }) => name)).toEqual([])
  expect(names.functions.length).toBeGreaterThan(100)
})

it('claims something in most cases', () => {
  const claiming = names.functions.filter(({ example = '' }) => claimsOf(example).length > 0)
  expect(claiming.length / names.functions.length).toBeGreaterThan(0.8)
})

describe('an example', () => {
  let tryOut: TryOut
  let failures: Readonly<Record<string, string>>
  beforeAll(async () => {
    tryOut = await startTryOut(folder)
    await tryOut.feed(1)
    layFiles()
    await proveFirstBatch(tryOut)
    failures = await runExamples(tryOut.rpc)
  })
  afterAll(() => tryOut?.close())

  it('in README.md runs, and claims what it computes', () => {
    expect(readmeModule().match(/deepStrictEqual\(/g)?.length).toBe(5)
    expect(failures['readme.mjs']).toBeUndefined()
  })

  it.each(names.functions.map(({ name }) => name))('of %s runs', (name) => {
    expect(failures[`${name}.mjs`]).toBeUndefined()
  })
})

/** What examples find where they run. */
function layFiles(): void {
  mkdirSync(path('node_modules'))
  symlinkSync(root, path('node_modules/zk-risk-engine'))
  symlinkSync(join(root, 'node_modules/ethers'), path('node_modules/ethers'))
  copyFileSync(join(root, 'prover/market/extracts/btc-usd-2020-03.csv'), path('btc.csv'))
  copyFileSync(join(root, 'docs/examples/short-strangle.json'), path('portfolio.json'))
  writeFileSync(path('chain.csv'), chain)
  writeFileSync(path('policy.json'), '{ "engine": { "breachProbability": 0.01 } }')
}

async function proveFirstBatch({ rpc, deploymentFile, keyFile }: TryOut): Promise<void> {
  const place = ['--rpc', rpc, '--deployment', deploymentFile]
  const steps = [
    ['batch', ...place, '-o', path('batch.json')],
    ['prove', path('batch.json'), '-o', path('bundle.json')],
    ['submit', path('bundle.json'), '--rpc', rpc, '--key-file', keyFile],
    ['audit', ...place, '-o', path('audit.json')],
    ['margin', path('portfolio.json'), '--prove', '-o', path('margin.json')],
  ]
  for (const step of steps) expect(await zkrisk(...step)).toMatchObject({ code: 0 })
}

async function runExamples(rpc: string): Promise<Readonly<Record<string, string>>> {
  for (const each of names.functions) {
    writeFileSync(path(`${each.name}.mjs`), moduleOf(each, names).replaceAll('http://127.0.0.1:8545', rpc))
  }
  writeFileSync(path('readme.mjs'), readmeModule())
  const modules = [...names.functions.map(({ name }) => `${name}.mjs`), 'readme.mjs']
  writeFileSync(path('run.mjs'), runnerOf(modules))
  const env = { ZKRISK_KEY: readFileSync(path('prover.key'), 'utf8').trim(), COUNCIL_KEY: developmentKeys.council }
  const { stdout, stderr } = await run(process.execPath, ['run.mjs'], { cwd: folder, env })
  return JSON.parse(stdout.trim().split('\n').at(-1) || JSON.stringify({ 'run.mjs': stderr }))
}

/** A smile as an exchange records it. */
const chain = [
  'timestamp,instrument_name,underlying_price,mark_iv,mark_price,index_price',
  ...[60000, 65000, 70000, 75000, 80000].map(
    (strike) =>
      `1770526503000,BTC-27MAR26-${strike}-C,69264.91,${(70 + ((strike - 70000) / 5000) ** 2).toFixed(2)},,69247.25`,
  ),
].join('\n')
