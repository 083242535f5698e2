/** Every check that needs nothing built: format and lint, types, order of the stages, truth of the documents, fresh code. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { writeCounts } from './tools/counts.ts'
import { filesBelow, root } from './tools/sources.ts'

type Check = { readonly name: string; readonly command: readonly string[] }

const checks: readonly Check[] = [
  { name: 'format and lint of TypeScript', command: ['@biomejs/biome/bin/biome', 'check', '--error-on-warnings'] },
  {
    name: 'lint of Solidity',
    command: ['solhint/solhint.js', '--disc', '--noPoster', '--max-warnings', '0', 'contracts/**/*.sol'],
  },
  { name: 'lint of circuits', command: ['scripts/lintCircuits.ts'] },
  { name: 'powers in circuits', command: ['scripts/lintPowers.ts'] },
  { name: 'widths in circuits', command: ['scripts/lintTags.ts'] },
  { name: 'types', command: ['typescript7/bin/tsc', '--noEmit'] },
  { name: 'order of the stages', command: ['scripts/checkStages.ts'] },
  { name: 'exports that nobody imports', command: ['scripts/checkExports.ts'] },
  { name: 'documents', command: ['scripts/checkDocs.ts'] },
  ...filesBelow('scripts', '.ts')
    .filter((file) => /^scripts\/(generate|document)\w*\.ts$/.test(file))
    .map((generator) => ({ name: `fresh: ${generator}`, command: [generator, '--check'] })),
]

async function run({ command: [script = '', ...args] }: Check): Promise<{ passed: boolean; output: string }> {
  const path = script.startsWith('scripts/') ? script : join('node_modules', script)
  const child = spawn(process.execPath, [path, ...args], { cwd: root })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      output += text
    })
  }
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  return { passed: code === 0, output }
}

let failed = 0
for (const check of checks) {
  const started = performance.now()
  const { passed, output } = await run(check)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${check.name} (${seconds} s)`)
  if (passed) continue
  failed++
  console.log(output.trimEnd().replaceAll(/^/gm, '       '))
}
writeCounts('check', { passed: checks.length - failed, failed })
