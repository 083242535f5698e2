import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { errorOf, temporaryFolder, zkrisk } from './zkrisk.ts'

const folder = temporaryFolder()
const extract = join(import.meta.dirname, '..', '..', 'prover', 'market', 'extracts', 'btc-usd-2020-03.csv')
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
const marks = { 'utf-8': '\ufeff', 'utf-16le': '\ufeff' } as const

describe('zkrisk params under another policy', () => {
  it.each(['ewma', 'garch', 'rangeMixture'])(
    'prints the same under the policy that it printed, of %s',
    async (model) => {
      const printed = await zkrisk('policy', '--volatility-model', model, '--alpha', '1%', '--json')
      const policy = file(`${model}.json`, printed.stdout)
      const byFile = await zkrisk('params', extract, '--policy', policy, '--json')
      const byFlags = await zkrisk(
        'params',
        extract,
        '--volatility-model',
        model,
        '--breach-probability',
        '0.01',
        '--json',
      )
      expect(byFile.code).toBe(0)
      expect(byFile.stdout).toBe(byFlags.stdout)
      expect(JSON.parse(byFile.stdout)[0]).toMatchObject({ volatilityModel: model, policy: 'breachProbability=0.01' })
      expect((await zkrisk('policy', '--policy', policy, '--json')).stdout).toBe(printed.stdout)
    },
  )

  it('takes the default policy by file as by nothing', async () => {
    const policy = file('default.json', (await zkrisk('policy', '--json')).stdout)
    const [byFile, byNothing] = [await zkrisk('params', extract, '--policy', policy), await zkrisk('params', extract)]
    expect(byFile.stdout).toBe(byNothing.stdout)
    expect(byFile.stdout).toContain('under rangeMixture and the default policy')
    const title = (text: string): string => /Risk parameters of (\S+) /.exec(text)?.[1] ?? ''
    expect(title(byNothing.stdout)).toBe(basename(extract).replace(/\..*$/, ''))
    expect(title((await zkrisk('params', extract, '--market', 'BTC-USD')).stdout)).toBe('BTC-USD')
  })

  it('says model and policy in every format', async () => {
    const args = ['params', extract, '--horizon', '2h', '--cost', '1%', '--volatility-model', 'ewma']
    const html = join(folder, 'what-if.html')
    const words = 'horizonSeconds 7200 s (2 h) (default 3600 s (1 h)), liquidationCost 1 % of notional'
    expect((await zkrisk(...args, '--html', html)).stdout).toContain(`under ewma and a policy with ${words}`)
    expect(readFileSync(html, 'utf8')).toContain(`under ewma and a policy with ${words}`)
    const [header, first] = (await zkrisk(...args, '--format', 'csv')).stdout.split('\n')
    expect(header).toMatch(/,volatilityModel,policy$/)
    expect(first).toMatch(/,ewma,horizonSeconds=7200 liquidationCost=0\.01$/)
  })

  it('asks for more under a higher cost, and publishes half as often over twice the horizon', async () => {
    const rows = async (...args: string[]) => JSON.parse((await zkrisk('params', extract, '--json', ...args)).stdout)
    const [plain, dear, slow] = [await rows(), await rows('--cost', '2%'), await rows('--horizon', '2h')]
    expect(dear[0].maintenanceMarginFraction - plain[0].maintenanceMarginFraction).toBeCloseTo(0.015, 4)
    expect(slow.length).toBe(Math.ceil(plain.length / 2))
  })

  it('ends with 2 where a flag is no number, with 1 where it is out of range', async () => {
    const small = await zkrisk('params', extract, '--alpha', 'small')
    expect(small.code).toBe(2)
    expect(small.stderr).toContain('zkrisk: --alpha: expected a share such as 0.005, or 0.5%, got "small".')
    expect((await zkrisk('params', extract, '--horizon', '5%')).code).toBe(2)
    const typed = async (...flag: string[]) => (await zkrisk('params', extract, ...flag)).stderr.split('\n')[0]
    expect(await typed('--horizon', '30s')).toBe('zkrisk: --horizon: expected 60 to 864000 s, got "30s".')
    expect(await typed('--cost', '0,1')).toContain('or 0.5%, with a decimal point, got "0,1"')
    const ended = await zkrisk('params', extract, '--volatility-floor', '65', '--json')
    expect(ended.code).toBe(1)
    expect(errorOf(ended)).toMatchObject({
      code: 'parameters.policy',
      faults: [{ entry: 'volatilityFloor', meant: 0.65 }],
    })
    expect((await zkrisk('params', extract, '--volatility-floor', '65%', '--rows', '3')).code).toBe(0)
  })
})

describe('zkrisk policy', () => {
  it('prints every entry in human units', async () => {
    const { stdout } = await zkrisk('policy', '--alpha', '1%')
    expect(stdout).toMatch(/breachProbability +1 % +0\.5 % +0\.01 to 5 %/)
    expect(stdout).toMatch(/horizonSeconds +3600 s \(1 h\)/)
    expect(stdout).not.toMatch(/X\d\d|NaN|undefined/)
  })

  it('explains entries by name or by the word that people say', async () => {
    const { stdout } = await zkrisk('policy', 'explain', 'alpha', 'tightenPerHour')
    expect(stdout).toMatch(/^breachProbability {2}\(--alpha, --breach-probability\)\n.*\ntightenPerHour/s)
    const json = JSON.parse((await zkrisk('policy', 'explain', '--json')).stdout)
    for (const entry of json) {
      expect(entry).toMatchObject({ unit: expect.any(String), least: expect.any(Number), greatest: expect.any(Number) })
      expect(entry.meaning.length * entry.raising.length).toBeGreaterThan(0)
    }
    expect(errorOf(await zkrisk('policy', 'explain', 'sigma', '--json'))).toMatchObject({ entry: 'sigma' })
  })

  it.each(['utf-8', 'utf-16le'] as const)('checks a file as shells write it, with a mark in %s', async (encoding) => {
    const text = `${marks[encoding]}{ "engine": { "breachProbability": 0.05 } }`
    const content = Buffer.from(text, encoding === 'utf-8' ? 'utf8' : 'utf16le')
    const ended = await zkrisk('policy', 'check', file(`${encoding}.json`, content))
    expect(ended.code).toBe(0)
    expect(ended.stdout).toContain('breachProbability  5 %  default 0.5 %')
    expect(ended.stdout).toContain('Look again: breachProbability is 10 times the default')
    expect(ended.stderr).toBe('')
  })

  it('refuses a file by name, with code and every fault', async () => {
    const ended = await zkrisk(
      'policy',
      'check',
      file('bad.json', '{"market":{"volatilityFloor":65,"floor":1}}'),
      '--json',
    )
    expect(ended.code).toBe(1)
    expect(errorOf(ended)).toMatchObject({ code: 'parameters.policy', message: expect.stringContaining('bad.json') })
    expect((errorOf(ended).faults as readonly unknown[]).length).toBe(2)
    expect(errorOf(await zkrisk('policy', 'check', join(folder, 'absent.json'), '--json'))).toMatchObject({
      code: 'parameters.policy-file',
    })
  })

  it('says once how it read the history that it compares on', async () => {
    const { stderr } = await zkrisk('policy', 'compare', 'default', 'default', extract)
    expect(stderr.match(/rows every 3,600 s, oldest first/g)).toHaveLength(1)
  })

  it('compares nothing on a history that is shorter than a horizon', async () => {
    const long = file('long.json', '{"engine":{"horizonSeconds":864000}}')
    const ended = await zkrisk('policy', 'compare', 'default', long, extract, '--json')
    expect(errorOf(ended)).toMatchObject({ code: 'parameters.no-prediction' })
  })

  it('compares two on a history: coverage, score, margins, the worst horizons', async () => {
    const cautious = file('cautious.json', '{"engine":{"initialMarginBuffer":0.6},"market":{"liquidationCost":0.02}}')
    const json = JSON.parse((await zkrisk('policy', 'compare', 'default', cautious, extract, '--json')).stdout)
    const [a, b] = json.policies
    // Neither entry moves a prediction.
    for (const same of ['breachFractionDown', 'breachFractionUp', 'quantileScoreFractionDown', 'predictions']) {
      expect(b[same]).toBe(a[same])
    }
    expect(b.meanMaintenanceMarginFraction).toBeGreaterThan(a.meanMaintenanceMarginFraction + 0.01)
    expect(b.meanInitialMarginFraction).toBeGreaterThan(a.meanInitialMarginFraction)
    const [worst] = json.worstHorizons
    expect(worst).toMatchObject({ from: '2020-03-12T10:00:00Z', horizonSeconds: 3600 })
    expect(worst.inForce[0].uncoveredFraction).toBeCloseTo(
      -Math.expm1(worst.logReturn) - worst.inForce[0].maintenanceMarginFraction,
      12,
    )
    const table = (await zkrisk('policy', 'compare', 'default', cautious, extract)).stdout
    expect(table).toMatch(/breached down +2\.326 % +2\.326 %/)
    expect(table).toContain('lower is better')
    const other = (
      await zkrisk('policy', 'compare', 'default', file('a.json', '{"engine":{"horizonSeconds":7200}}'), extract)
    ).stdout
    expect(other).toContain('cannot be compared')
    expect(other).toContain('horizons of 2 h')
  })
})
