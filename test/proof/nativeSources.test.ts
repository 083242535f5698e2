import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { root } from '../../scripts/tools/sources.ts'
import { missing } from './nativeMissing.ts'

const source = join(root, 'prover', 'proof', 'native')

async function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const options = { cwd: source, env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', ...env } }
  const { stdout, stderr } = await promisify(execFile)(program, args, options)
  return stdout + stderr
}

describe.skipIf(missing !== undefined)('the Go sources of the native prover', () => {
  it('are formatted, pass the checks of the compiler, and their own tests', async () => {
    const goRoot = (await run('go', ['env', 'GOROOT'])).trim()
    expect(await run(join(goRoot, 'bin', 'gofmt'), ['-l', '.'])).toBe('')
    expect(await run('go', ['vet', './...'])).toBe('')
    expect(await run('go', ['test', './...'])).toMatch(/^ok\s/)
  })

  it.each(
    ['linux', 'darwin', 'windows'].flatMap((system) =>
      ['amd64', 'arm64'].map((processor) => [system, processor] as const),
    ),
  )('need no C compiler, nor anything that is not there, on %s with %s', async (GOOS, GOARCH) => {
    const faults = '{{if or .CgoFiles .Error .DepsErrors}}{{.ImportPath}}{{end}}'
    expect((await run('go', ['list', '-deps', '-f', faults, '.'], { GOOS, GOARCH })).trim()).toBe('')
  })
})
