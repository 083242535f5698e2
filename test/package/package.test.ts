/** The real tarball, installed from npm: what it holds, what its command does without a build, and who can compile against it. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builds } from '../../circuits/statements/index.ts'
import { root } from '../../scripts/tools/sources.ts'
import { errorOf, temporaryFolder } from '../service/zkrisk.ts'
import { startTryOut, type TryOut } from '../system/tryOut.ts'
import { addTools, hasRegistry, type Installed, installPackage } from './installed.ts'

const MEGABYTE = 2 ** 20
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const strangle = join(root, 'docs/examples/short-strangle.json')
const extract = join(root, 'prover/market/extracts/btc-usd-2020-03.csv')

const title = hasRegistry ? 'the package' : 'the package (skipped: no npm registry answers)'

describe.skipIf(!hasRegistry)(title, () => {
  let installed: Installed
  beforeAll(() => {
    installed = installPackage()
  })
  afterAll(() => installed?.remove())

  const path = (name: string): string => join(installed.project, name)
  const write = (name: string, text: string): string => {
    mkdirSync(join(path(name), '..'), { recursive: true })
    writeFileSync(path(name), text)
    return path(name)
  }

  describe('holds', () => {
    it('what runs, ships and compiles, and no test, source, circuit or proving key', () => {
      const tops = new Set(installed.files.map(({ path }) => path.split('/')[0]))
      const wanted = ['LICENSE', 'README.md', 'contracts', 'dist', 'docs', 'package.json', 'scripts', 'shipped']
      expect([...tops].sort()).toEqual(wanted)
      const strangers = installed.files.filter(({ path }) =>
        /(?<!\.d)\.ts$|\.(test|zkey|wasm|r1cs|circom|go)\b/.test(path),
      )
      expect(strangers).toEqual([])
    })

    it('the documents that the README and messages name, with pictures, examples and generated schemas, and nothing else of docs', () => {
      const packed = installed.files.map(({ path }) => path).filter((path) => path.startsWith('docs/'))
      const kept = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((path) => `docs/${path}`)
      const isDocument = (path: string): boolean =>
        /^docs\/(.+\.md|.+\.svg|generated\/.+\.schema\.json|examples\/.+\.(json|sol|mjs))$/.test(path)
      expect(packed.sort()).toEqual(kept.filter(isDocument).sort())
      const readme = readFileSync(path('node_modules/zk-risk-engine/README.md'), 'utf8')
      const linked = [...readme.matchAll(/\]\((docs\/[^)#]+)/g)].map(([, file]) => file)
      expect(linked.length).toBeGreaterThan(5)
      expect(linked.filter((file) => !packed.includes(`${file}`))).toEqual([])
    })

    it('less than 60 MB with all that it depends on, among it no Node', () => {
      const script = `
        import { readdirSync, statSync } from 'node:fs'
        const files = readdirSync('node_modules', { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
        const bytes = files.map(({ parentPath, name }) => statSync(parentPath + '/' + name).size)
        console.log(JSON.stringify({ bytes: bytes.reduce((a, b) => a + b), names: readdirSync('node_modules') }))`
      return installed.node('--input-type=module', '-e', script).then(({ stdout }) => {
        const { bytes, names } = JSON.parse(stdout)
        expect(bytes).toBeLessThan(60 * MEGABYTE)
        expect(bytes).toBeGreaterThan(20 * MEGABYTE)
        expect(names.filter((name: string) => name.startsWith('node-'))).toEqual([])
      })
    })

    it('verification keys and verifiers of all builds, each file under its hash', () => {
      const manifest = JSON.parse(readFileSync(path('node_modules/zk-risk-engine/shipped/manifest.json'), 'utf8'))
      expect(Object.keys(manifest.keys).sort()).toEqual(builds.map(({ name }) => name).sort())
      for (const name of ['MarketRiskRange6x2Verifier', 'UnhealthyWitnessVerifier', 'RiskRegistry']) {
        expect(manifest.files).toHaveProperty([`artifacts/${name}.json`])
      }
    })
  })

  describe('runs, without a build,', () => {
    it('zkrisk --version', async () => {
      const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
      expect(await installed.zkrisk('--version')).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
    })

    it.each([
      ['params', [extract, '--json']],
      ['models', [extract, '--json']],
      ['price', ['--forward', '100', '--strike', '100', '--days', '30', '--vol', '0.5', '--json']],
      ['margin', [strangle, '--json']],
    ])('zkrisk %s, with the answer of a checkout', async (command, args) => {
      const ours = await installed.zkriskWithBuild(command, ...args)
      const theirs = await installed.zkrisk(command, ...args)
      expect(theirs).toMatchObject({ code: 0, stdout: ours.stdout })
      expect(JSON.parse(theirs.stdout)).toBeTruthy()
    })

    it('its examples, in any folder', async () => {
      const file = 'node_modules/zk-risk-engine/docs/examples/short-strangle.json'
      expect((await installed.zkrisk('margin', file)).stdout).toMatch(/^initial margin {2}.* −2,048\.78 /m)
    })

    it('zkrisk --help, which names what needs a build', async () => {
      expect((await installed.zkrisk('--help')).stdout).toContain('Here is the package alone.')
      expect((await installed.zkriskWithBuild('--help')).stdout).not.toContain('Here is the package alone.')
    })

    it.each([
      ['demo', []],
      ['chain', []],
      ['keys', ['setup']],
    ])('zkrisk %s only to say what it lacks and where to get it', async (command, args) => {
      const ended = await installed.zkrisk(command, ...args, '--json')
      expect(ended.code).toBe(1)
      expect(errorOf(ended)).toMatchObject({ code: 'service.circuit-not-built' })
      expect(errorOf(ended).message).toContain('set ZKRISK_BUILD')
    })

    it('zkrisk margin --prove only to say that it needs the clone itself', async () => {
      const ended = await installed.zkrisk('margin', strangle, '--prove', '--json')
      expect(ended.code).toBe(1)
      expect(errorOf(ended)).toMatchObject({ code: 'service.clone-needed' })
      expect(errorOf(ended).message).toContain('a clone of zk-risk-engine itself')
    })

    it.each([
      ['jobs list', ['jobs', 'list']],
      ['worker', ['worker']],
      ['prune', ['prune', '--older-than', '90']],
      ['doctor', ['doctor']],
    ])('zkrisk %s of a database only to say which packages that takes', async (_, args) => {
      const database = 'postgres://zkrisk:secret@127.0.0.1:1/zkrisk'
      const { code, stdout, stderr } = await installed.zkrisk(...args, '--database', database, '--json')
      const { pg, 'pg-boss': boss } = devDependencies
      expect(stdout + stderr).toContain(
        `A database needs packages that are not installed. Run \`npm install pg@${pg} pg-boss@${boss}\`.`,
      )
      expect(stdout + stderr).not.toContain('secret')
      expect(code).toBe(1)
    })

    it('traces only to say which packages they take', async () => {
      const script = `
        const { openTracing } = await import('./node_modules/zk-risk-engine/dist/prover/service/daemon/tracing.js')
        console.log(String(await openTracing()))
        await openTracing('http://127.0.0.1:4318').catch(({ code, packages }) => console.log(code, packages.length))`
      const { stdout } = await installed.node('--input-type=module', '-e', script)
      expect(stdout).toBe('undefined\nservice.packages-missing 4\n')
    })

    it('zkrisk doctor, which knows every key that came with it, and that it cannot prove', async () => {
      const { code, stdout } = await installed.zkrisk('doctor', '--json')
      const findings: readonly { check: string; status: string; found: string; mend?: string }[] = JSON.parse(stdout)
      expect(code).toBe(0)
      const keys = findings.filter(({ check }) => check.startsWith('verification key '))
      expect(keys.map(({ check }) => check.split(' ')[2])).toEqual(builds.map(({ name }) => name))
      for (const { status, found } of keys)
        expect({ status, found }).toMatchObject({ status: 'ok', found: expect.stringMatching(/^development/) })
      const proving = { status: 'warning', mend: expect.stringContaining('set ZKRISK_BUILD') }
      expect(findings.find(({ check }) => check === 'proving')).toMatchObject(proving)
    })

    it('nothing where it was packed unbuilt, and says what was forgotten', async () => {
      const bin = 'node_modules/zk-risk-engine/scripts/zkrisk.mjs'
      mkdirSync(path('unbuilt/scripts'), { recursive: true })
      copyFileSync(path(bin), path('unbuilt/scripts/zkrisk.mjs'))
      const ended = await installed.node('unbuilt/scripts/zkrisk.mjs', '--version')
      expect(ended).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining('npm run build, then npm pack'),
      })
    })

    it('nothing where what was built is missing in part, or of another version', async () => {
      const bin = 'node_modules/zk-risk-engine/scripts/zkrisk.mjs'
      for (const folder of ['half/scripts', 'half/dist/prover/service', 'half/shipped'])
        mkdirSync(path(folder), { recursive: true })
      copyFileSync(path(bin), path('half/scripts/zkrisk.mjs'))
      writeFileSync(
        path('half/package.json'),
        JSON.stringify({ version: '2.0.0', type: 'module', engines: { node: '>=24.0.0' } }),
      )
      writeFileSync(path('half/dist/prover/service/cli.js'), 'console.log("runs")')
      const half = () => installed.node('half/scripts/zkrisk.mjs', '--version')
      expect((await half()).stderr).toContain('service.packed-unbuilt')
      writeFileSync(path('half/shipped/manifest.json'), '{ "package": "1.9.9" }')
      expect(await half()).toMatchObject({ code: 1, stderr: expect.stringContaining('service.packed-stale') })
      writeFileSync(path('half/shipped/manifest.json'), '{ "package": "2.0.0" }')
      writeFileSync(
        path('half/package.json'),
        JSON.stringify({ version: '2.0.0', type: 'module', engines: { node: '^18.0.0 || >=20.0.0' } }),
      )
      expect(await half()).toMatchObject({ code: 0, stdout: 'runs\n' })
    })

    it('nothing on an old Node, and says which one to use', async () => {
      const old = write('old.mjs', `Object.defineProperty(process, 'versions', { value: { node: '20.20.2' } })`)
      const bin = 'node_modules/zk-risk-engine/scripts/zkrisk.mjs'
      const ended = await installed.node('--import', old, bin, '--version')
      expect(ended).toMatchObject({ code: 1, stdout: '' })
      expect(ended.stderr).toContain('zkrisk runs on Node 22.18 or from 24.0; this is 20.20.2.')
    })
  })

  describe('lets an auditor, without a build,', () => {
    const folder = temporaryFolder()
    let tryOut: TryOut
    beforeAll(async () => {
      tryOut = await startTryOut(folder)
      await tryOut.feed(1)
    })
    afterAll(() => tryOut?.close())
    const file = (name: string): string => join(folder, name)

    it('verify a bundle by the key that ships, after somebody with a build has proven it', async () => {
      const { rpc, deploymentFile, keyFile } = tryOut
      const batch = await installed.zkrisk(
        'batch',
        '--rpc',
        rpc,
        '--deployment',
        deploymentFile,
        '-o',
        file('batch.json'),
      )
      expect(batch).toMatchObject({ code: 0 })
      const alone = await installed.zkrisk('prove', file('batch.json'), '-o', file('bundle.json'), '--json')
      expect(errorOf(alone)).toMatchObject({ code: 'service.circuit-not-built' })
      const proven = await installed.zkriskWithBuild('prove', file('batch.json'), '-o', file('bundle.json'))
      expect(proven).toMatchObject({ code: 0 })
      const verified = await installed.zkrisk('verify', file('bundle.json'), '--json')
      expect(JSON.parse(verified.stdout)).toMatchObject({ valid: true, pinned: true, key: 'development' })
      const words = await installed.zkrisk('verify', file('bundle.json'))
      expect(words.stdout).toContain('a development key: whoever made it can forge')
      const unpinned = await installed.zkrisk('verify', file('bundle.json'), '--unpinned')
      expect(unpinned.stdout).not.toContain('development key')
      const submitted = await installed.zkrisk('submit', file('bundle.json'), '--rpc', rpc, '--key-file', keyFile)
      expect(submitted).toMatchObject({ code: 0 })
    })

    it('serve nothing, which is said at once, as by `chain`', async () => {
      const { rpc, deploymentFile, keyFile } = tryOut
      const place = ['--rpc', rpc, '--deployment', deploymentFile, '--key-file', keyFile]
      const ended = await installed.zkrisk('serve', ...place, '--store', file('serve.sqlite'), '--json')
      expect(ended.code).toBe(1)
      expect(errorOf(ended)).toEqual(errorOf(await installed.zkrisk('chain', '--json')))
    })

    it('audit the chain, with the verifiers’ code, and a bundle of it offline', async () => {
      const { rpc, deploymentFile } = tryOut
      const place = ['--deployment', deploymentFile, '--json']
      const online = await installed.zkrisk('audit', '--rpc', rpc, ...place, '-o', file('audit.json'))
      expect(JSON.parse(online.stdout)).toMatchObject({ accepted: true, pinned: true, batches: [{ accepted: true }] })
      const offline = await installed.zkrisk('audit', '--bundle', file('audit.json'), ...place)
      expect(JSON.parse(offline.stdout)).toMatchObject({ accepted: true, pinned: true })
      expect(offline.stdout).toContain('this package, development key')
    })

    it('take keys of another folder, without circuits', async () => {
      const keys = join(root, 'build/keys')
      const verified = await installed.zkrisk('verify', file('bundle.json'), '--keys', keys, '--json')
      expect(JSON.parse(verified.stdout)).toMatchObject({ valid: true, pinned: true })
      const none = await installed.zkrisk('verify', file('bundle.json'), '--keys', folder, '--json')
      expect(errorOf(none)).toMatchObject({ code: 'service.audit-keys-missing', folder })
    })

    it('trust no key that is not the one that was packed', async () => {
      const shipped = path('node_modules/zk-risk-engine/shipped')
      const { keys } = JSON.parse(readFileSync(join(shipped, 'manifest.json'), 'utf8'))
      const store = (build: string): string => join(shipped, 'keys', keys[build].r1csSha256)
      const { model: build } = JSON.parse(readFileSync(file('batch.json'), 'utf8'))
      const before = ['verification_key.json', 'manifest.json'].map((name) => {
        const own = join(store(build), name)
        return [own, readFileSync(own)] as const
      })
      for (const [own] of before) writeFileSync(own, readFileSync(own.replace(store(build), store('marketRisk8x2'))))
      const other = await installed.zkrisk('verify', file('bundle.json'), '--json')
      expect(other.code).toBe(1)
      expect(errorOf(other).code).toMatch(/^(proof\.corrupt-key-file|registry\.shipped-file)$/)
      for (const [own, bytes] of before) writeFileSync(own, bytes)
      expect(await installed.zkrisk('verify', file('bundle.json'))).toMatchObject({ code: 0 })
    })
  })

  describe('is imported', () => {
    beforeAll(() => addTools(installed))

    it('by every name of its exports, and lets the process end', async () => {
      const names = ['', '/prover', '/verify', '/contracts', '/abi']
      const lines = names.map((name) => `console.log(Object.keys(await import('zk-risk-engine${name}')).length > 3)`)
      const { stdout, stderr } = await installed.node(write('imports.mjs', lines.join('\n')))
      expect({ stdout, stderr }).toEqual({ stdout: 'true\n'.repeat(names.length), stderr: '' })
    })

    it('by a strict program, whose compiler looks into the declarations as well', async () => {
      const entries = ['', '/prover', '/verify', '/contracts', '/abi']
      const program = entries.map((name, i) => `export * as entry${i} from 'zk-risk-engine${name}'`).join('\n')
      write('strict/program.ts', program)
      const compilerOptions = { strict: true, skipLibCheck: false, module: 'nodenext', target: 'es2022', noEmit: true }
      write('strict/tsconfig.json', JSON.stringify({ compilerOptions, files: ['program.ts'] }))
      const ended = await installed.node('node_modules/typescript/bin/tsc', '-p', 'strict')
      expect(ended).toMatchObject({ code: 0, stdout: '' })
    })

    it('as ABIs, the same as JSON and as constants', async () => {
      const program = `
        import { deepStrictEqual } from 'node:assert/strict'
        import { readdirSync } from 'node:fs'
        import * as abi from 'zk-risk-engine/abi'
        import registry from 'zk-risk-engine/abi/RiskRegistry.json' with { type: 'json' }
        deepStrictEqual(abi.riskRegistryAbi, registry)
        const names = readdirSync('node_modules/zk-risk-engine/shipped/abi').filter((file) => file.endsWith('.json'))
        console.log(names.length === Object.keys(abi).length, abi.iRiskParametersAbi.length > 0)`
      const { stdout, stderr } = await installed.node(write('abi.mjs', program))
      expect({ stdout, stderr }).toEqual({ stdout: 'true true\n', stderr: '' })
    })

    it('by Hardhat 3, contracts with their dependencies', async () => {
      write('contracts/Venue.sol', venue)
      write('hardhat.config.ts', hardhatConfig)
      const ended = await installed.node('node_modules/hardhat/dist/src/cli.js', 'build')
      expect(ended.stdout + ended.stderr).toContain('Compiled 1 Solidity file')
      expect(JSON.parse(readFileSync(path('artifacts/contracts/Venue.sol/Venue.json'), 'utf8')).bytecode).toMatch(
        /^0x6/,
      )
    })

    it.each([
      ['Venue', venue],
      ['OwnVenue', readFileSync(join(root, 'docs/examples/OwnVenue.sol'), 'utf8')],
    ])('by plain solc, %s', async (name, source) => {
      write('contracts/Plain.sol', source)
      const { stdout, stderr } = await installed.node(write('compile.mjs', plainSolc))
      expect({ stdout, stderr }).toEqual({ stdout: `${name}\n`, stderr: '' })
    })
  })
})

/** Reads parameters, and takes a contract that needs OpenZeppelin's. */
const venue = `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AttestedFeed} from "zk-risk-engine/contracts/market/AttestedFeed.sol";
import {IRiskParameters} from "zk-risk-engine/contracts/registry/IRiskParameters.sol";
import {MockPortfolioMargins} from "zk-risk-engine/contracts/consumers/mocks/MockPortfolioMargins.sol";
import {MockRiskParameters} from "zk-risk-engine/contracts/consumers/mocks/MockRiskParameters.sol";

contract Venue {
    IRiskParameters public immutable registry;
    AttestedFeed public feed;

    constructor(IRiskParameters registry_) {
        registry = registry_;
    }

    function initialMarginX24(bytes32 market) external view returns (uint256) {
        return registry.parameters(market).initialMarginX24;
    }
}
`

const hardhatConfig = `import { createRequire } from 'node:module'
import { defineConfig } from 'hardhat/config'
const require = createRequire(import.meta.url)
const { version } = require('solc/package.json')
export default defineConfig({ solidity: { version, path: require.resolve('solc/soljson.js'), settings: { evmVersion: 'cancun' } } })
`

const plainSolc = `import { readFileSync } from 'node:fs'
import solc from 'solc'
const input = {
  language: 'Solidity',
  sources: { 'Plain.sol': { content: readFileSync('contracts/Plain.sol', 'utf8') } },
  settings: { evmVersion: 'cancun', outputSelection: { 'Plain.sol': { '*': ['abi'] } } },
}
const fromModules = (path) => ({ contents: readFileSync('node_modules/' + path, 'utf8') })
const { errors = [], contracts } = JSON.parse(solc.compile(JSON.stringify(input), { import: fromModules }))
for (const { severity, formattedMessage } of errors) if (severity === 'error') console.error(formattedMessage)
console.log(Object.keys(contracts?.['Plain.sol'] ?? {}).join())
`
