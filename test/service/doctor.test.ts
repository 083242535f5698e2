import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { builds, defaultBuilds } from '../../circuits/statements/index.ts'
import { buildFolder } from '../../prover/config.ts'
import { sha256 } from '../../prover/proof/keys/keyStore.ts'
import { type Finding, isFault } from '../../prover/service/answers/findings.ts'
import { run } from './zkrisk.ts'

const cli = join(import.meta.dirname, '../../prover/service/cli.ts')

/** What `zkrisk doctor` finds where this is the build. */
async function doctorOf(
  build: string,
): Promise<{ readonly code: number | null; readonly findings: readonly Finding[] }> {
  const { code, stdout } = await run(process.execPath, [cli, 'doctor', '--json'], { env: { ZKRISK_BUILD: build } })
  return { code, findings: JSON.parse(stdout) }
}

/** A build with circuits of these names, and contracts, keys and the native prover of ours. */
function buildWith(names: readonly string[]): string {
  const build = mkdtempSync(join(tmpdir(), 'zkrisk-'))
  onTestFinished(() => rmSync(build, { recursive: true, force: true }))
  mkdirSync(join(build, 'circuits'))
  for (const name of names) symlinkSync(join(buildFolder, 'circuits', name), join(build, 'circuits', name))
  for (const part of ['artifacts', 'keys', 'native']) symlinkSync(join(buildFolder, part), join(build, part))
  return build
}

const of = (findings: readonly Finding[], check: string) => findings.find((finding) => finding.check === check)

describe('zkrisk doctor', () => {
  it('knows the circuit and the keys of every build', async () => {
    const { code, findings } = await doctorOf(buildFolder)
    expect(code).toBe(0)
    for (const { name } of builds) {
      for (const check of [`circuit ${name}`, `keys ${name}`])
        expect(of(findings, check)).toMatchObject({ status: 'ok' })
    }
  })

  it('misses those of the default model, and says what the others would be needed for', async () => {
    const [, catchUp] = defaultBuilds.map(({ name }) => name) as [string, string]
    const ours = buildWith(
      builds.map(({ name }) => name).filter((name) => !['riskArray5', catchUp, 'marketRiskGarch7x2'].includes(name)),
    )
    const { code, findings } = await doctorOf(ours)
    expect(code).toBe(1)
    expect(of(findings, `circuit ${catchUp}`)).toMatchObject({ status: 'missing', mend: 'Run `npm run build`.' })
    const other = { status: 'warning', mend: expect.stringContaining('another volatility model') }
    expect(of(findings, 'circuit marketRiskGarch7x2')).toMatchObject(other)
    const array = { status: 'warning', mend: expect.stringContaining('zkrisk margin --prove') }
    expect(of(findings, 'circuit riskArray5')).toMatchObject(array)
    expect(of(findings, 'keys riskArray5')).toMatchObject({ ...array, found: 'its circuit is not built' })
    expect(of(findings, 'keys optionBook8x5')).toMatchObject({ status: 'ok' })
  })

  it('is content with the default model alone', async () => {
    const { code, findings } = await doctorOf(buildWith(defaultBuilds.map(({ name }) => name)))
    expect({ code, faults: findings.filter(isFault) }).toEqual({ code: 0, faults: [] })
  })

  it('misses keys that are there and wrong, even of a circuit that it could do without', async () => {
    const build = buildWith(['unhealthyWitness', ...defaultBuilds.map(({ name }) => name)])
    const own = sha256(readFileSync(join(buildFolder, 'circuits/unhealthyWitness/unhealthyWitness.r1cs')))
    rmSync(join(build, 'keys'))
    mkdirSync(join(build, 'keys', own), { recursive: true })
    for (const folder of readdirSync(join(buildFolder, 'keys'))) {
      if (folder !== own) symlinkSync(join(buildFolder, 'keys', folder), join(build, 'keys', folder))
    }
    for (const file of ['proving.zkey', 'verification_key.json']) {
      symlinkSync(join(buildFolder, 'keys', own, file), join(build, 'keys', own, file))
    }
    const manifest = JSON.parse(readFileSync(join(buildFolder, 'keys', own, 'manifest.json'), 'utf8'))
    writeFileSync(
      join(build, 'keys', own, 'manifest.json'),
      JSON.stringify({ ...manifest, zkeySha256: '00'.repeat(32) }),
    )
    const { code, findings } = await doctorOf(build)
    expect(code).toBe(1)
    const wrong = { status: 'wrong', mend: expect.stringContaining('zkrisk keys setup unhealthyWitness') }
    expect(of(findings, 'keys unhealthyWitness')).toMatchObject(wrong)
  })
})
