/**
 * The first proof of a margin, cold: a clone without build folder or cache, its packages installed already, and `zkrisk margin
 * --prove` of the example in it. Prints how long it took, what of it was building, and the processor time of all its processes, which
 * other work on the machine changes least.
 *
 *   node scripts/benchFirstProof.ts [commit]    of this repository; by default what is checked out
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './tools/sources.ts'

const COMMAND =
  'TIMEFORMAT="%R %U %S"; time "$0" prover/service/cli.ts margin docs/examples/short-strangle.json --prove --json'

const folder = mkdtempSync(join(tmpdir(), 'first-proof-'))
const project = join(folder, 'project')
try {
  run('git', ['clone', '--quiet', root, project])
  run('git', [
    '-C',
    project,
    'checkout',
    '--quiet',
    process.argv[2] ?? run('git', ['-C', root, 'rev-parse', 'HEAD']).trim(),
  ])
  // Compilers read nothing outside of the project: links to files will do, a link to the folder will not.
  run('cp', ['-a', ...(process.platform === 'linux' ? ['-l'] : []), join(root, 'node_modules'), project])
  const out = join(folder, 'margin.json')
  const env = { ...process.env, ZKRISK_CACHE: join(folder, 'cache') }
  const told = run('bash', ['-c', `{ ${COMMAND} > ${out}; } 2>&1`, process.execPath], { cwd: project, env })
  const [wall = 0, user = 0, system = 0] = (told.trim().split('\n').at(-1) ?? '').split(' ').map(Number)
  const { buildSeconds, provingSeconds } = JSON.parse(readFileSync(out, 'utf8')).proof
  const parts =
    buildSeconds === undefined ? '' : `: ${buildSeconds.toFixed(0)} s building, ${provingSeconds.toFixed(0)} s proving`
  console.log(`first proof: ${wall.toFixed(0)} s${parts}; ${(user + system).toFixed(0)} s of processor time`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26, ...options })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed (exit ${status}):\n${stdout}${stderr}`)
  return stdout
}
