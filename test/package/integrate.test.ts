/** docs/integrate.md, command by command, in a project beside the clone. UPDATE_SNAPSHOTS=1 writes what its calls cost. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toQuantity } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectProvider } from '../../prover/registry/index.ts'
import { revertAdvice } from '../../prover/registry/revertAdvice.ts'
import { root } from '../../scripts/tools/sources.ts'
import { expectGas } from '../gasSnapshot.ts'
import { type Ended, run, temporaryFolder } from '../service/zkrisk.ts'

const page = readFileSync(join(root, 'docs/integrate.md'), 'utf8')
const blocksOf = (language: string): readonly string[] =>
  [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].flatMap(([, own, text = '']) => (own === language ? [text] : []))
const commands = blocksOf('sh').flatMap((block) => block.trim().split('\n'))
/** Laid out by hand here: the build is the tests' own, and packages are this project's. */
const byHand = [
  'npm run build',
  'mkdir ../venue && cd ../venue && npm init -y && npm pkg set type=module',
  'npm install ../zk-risk-engine ethers@6 solc@0.8.37',
]
const SERVER = 'npx zkrisk chain --margins own-venue.json'
const cli = join(root, 'prover/service/cli.ts')
/** Calldata varies with the digits of roots and proofs. */
const TOLERANCE = 3_000

const folder = temporaryFolder()
let server: ReturnType<typeof spawn> | undefined
let rpc = ''
const ended = new Map<string, Ended>()
const gas: Record<string, number> = {}

/** Runs a line in the project; commands of ours without npx, and at the port that was free. */
function runLine(line: string): Promise<Ended> {
  const ours = line.replace(/^npx zkrisk /, `node '${cli}' `).replaceAll('http://127.0.0.1:8545', rpc)
  return run('sh', ['-c', ours], { cwd: folder, env: { RPC_URL: rpc } })
}

async function startServer(): Promise<void> {
  const args = SERVER.split(' ').slice(2)
  const child = spawn(process.execPath, [cli, ...args, '--port', '0'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  server = child
  rpc = await new Promise((resolve, reject) => {
    let said = ''
    const hear = (text: Buffer): void => {
      said += text
      const [url] = said.match(/http:\/\/127\.0\.0\.1:\d+/) ?? []
      if (url !== undefined && existsSync(join(folder, 'council.key'))) resolve(url)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.on('exit', () => reject(new Error(said)))
  })
}

/** What is refused between two of the page's commands, by the command that comes after it. */
const refusedBefore: Readonly<Record<string, readonly [line: string, error: string]>> = {
  'npx zkrisk margin own-venue.json': ['node ownVenue.mjs open', 'open: MarginNotYetProven('],
  'npx zkrisk margin own-venue-fallen.json': ['node ownVenue.mjs takeOver', 'takeOver: NotBelowMaintenance('],
}

async function runPage(): Promise<void> {
  for (const line of commands.filter((each) => !byHand.includes(each))) {
    const [, refused] = Object.entries(refusedBefore).find(([start]) => line.startsWith(`${start} `)) ?? []
    if (refused !== undefined) ended.set(`refused: ${refused[0]}`, await runLine(refused[0]))
    if (line === SERVER) await startServer()
    else ended.set(line, await runLine(line))
  }
}

const endedOf = (start: string): Ended => {
  const [, found] = [...ended].find(([line]) => line.startsWith(start)) ?? []
  return found ?? expect.fail(`The page has no command ${start}`)
}
const gasOf = (start: string, pattern = /: ([\d,]+) gas$/m): number =>
  Number((endedOf(start).stdout.match(pattern)?.[1] ?? 'none').replaceAll(',', ''))

beforeAll(async () => {
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules/zk-risk-engine'))
  for (const name of ['ethers', 'solc'])
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  await runPage()
  gas['a proposal, two options and a perpetual'] = gasOf('node ownVenue.mjs propose')
  gas['opening with fresh margins, apart from the proof'] = gasOf('node ownVenue.mjs open')
  gas['a witness, two options and a perpetual'] = gasOf(
    'npx zkrisk margin own-venue-fallen',
    /^Gas: ([\d,]+) for the account/m,
  )
  gas['taking over after it'] = gasOf('node ownVenue.mjs takeOver')
})
afterAll(() => server?.kill())

describe('docs/integrate.md', () => {
  it('says how to install what the test lays out, and nothing else that is not run', () => {
    expect(commands.filter((line) => byHand.includes(line))).toEqual(byHand)
    expect(commands).toContain(SERVER)
    expect(commands.every((line) => byHand.includes(line) || /^(npx zkrisk|node ownVenue\.mjs|cp) /.test(line))).toBe(
      true,
    )
    expect(commands.length).toBeGreaterThan(15)
  })

  it.each(commands.filter((line) => !byHand.includes(line) && line !== SERVER))('%s', (line) => {
    const { code, stderr } = ended.get(line) as Ended
    expect({ code, failure: code === 0 ? '' : stderr }).toEqual({ code: 0, failure: '' })
  })

  it('has its Solidity and JavaScript from the files that were run', () => {
    const flat = (text: string): string => text.replace(/\s+/g, ' ').trim()
    const sources = ['OwnVenue.sol', 'ownVenue.mjs'].map((file) =>
      readFileSync(join(root, 'docs/examples', file), 'utf8'),
    )
    const snippets = [...blocksOf('solidity'), ...blocksOf('js')]
    expect(snippets.length).toBe(8)
    for (const snippet of snippets)
      expect(
        sources.some((source) => flat(source).includes(flat(snippet))),
        snippet,
      ).toBe(true)
  })

  it.each(Object.values(refusedBefore))('before that, %s ends with %s', (line, error) => {
    expect(ended.get(`refused: ${line}`)).toMatchObject({ code: 1, stderr: expect.stringContaining(error) })
  })

  it('ends with the account taken over, once, and not opened again', async () => {
    const again = { code: 1, stderr: expect.stringContaining('NotBelowMaintenance(') }
    expect(await runLine('node ownVenue.mjs takeOver')).toMatchObject(again)
    const opening = { code: 1, stderr: expect.stringContaining('OpenedAlready(') }
    expect(await runLine('node ownVenue.mjs open')).toMatchObject(opening)
    expect(endedOf('node ownVenue.mjs prices').stdout).toMatch(/^prices: 6384\.\d+, none$/m)
  })

  it('answers for liquidations when parameters are stale, and opens nothing', async () => {
    expect(endedOf('node ownVenue.mjs mayOpen').stdout).toBe('mayOpen: true\n')
    expect(endedOf('node ownVenue.mjs isBelow').stdout).toBe('isBelow: false, false\n')
    const provider = await connectProvider(rpc)
    await provider.send('evm_increaseTime', [toQuantity(3_900)])
    await provider.send('evm_mine', [])
    provider.destroy()
    const refused = { code: 1, stderr: expect.stringMatching(/^mayOpen: ParametersStale\(/) }
    expect(await runLine('node ownVenue.mjs mayOpen')).toMatchObject(refused)
    expect(await runLine('node ownVenue.mjs isBelow')).toMatchObject({ code: 0, stdout: 'isBelow: false, true\n' })
  })

  it('names reverts that are in the table', () => {
    const named = [...page.matchAll(/reverts `(\w+)`/g)].map(([, name = '']) => name)
    expect(new Set(named).size).toBeGreaterThan(5)
    expect(named.filter((name) => revertAdvice[name] === undefined)).toEqual([])
  })

  it('costs what the snapshot says: an opening at most 120,000 gas, a liquidation by witness 450,000 in all', () => {
    expectGas('integrateGas', gas, TOLERANCE)
    expect(gas['opening with fresh margins, apart from the proof']).toBeLessThanOrEqual(120_000)
    const portfolio = JSON.parse(readFileSync(join(root, 'test/snapshots/portfolioGas.json'), 'utf8'))
    const witness = portfolio['a witness from arrays against an account of 64 options']
    expect(witness + gas['taking over after it']).toBeLessThanOrEqual(450_000)
  })
})
