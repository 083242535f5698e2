/** Compiles circuits/ and prover/ into dist/, which is what the package runs. */
import { cpSync, existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { contentHash, filesBelow, root, versionOf } from './tools/sources.ts'
import { isStamped, stamp } from './tools/stamps.ts'

/** Modules that stand for packages which the package does not depend on: the compiled ones have in them what they import. */
const carriers = ['prover/proof/snarkjsParts', 'prover/statement/poseidonConstants'] as const

/** What is read as it stands. */
const copied = ['.csv', '.d.ts', '.html', '.css', '.js', '.svg'] as const

/**
 * Types are checked by `npm run check`; here only what runs is wanted.
 *
 * @param runNode - runs a script, and throws where it fails
 */
export async function compileLibrary(
  runNode: (script: string, ...args: readonly string[]) => Promise<void>,
): Promise<string | undefined> {
  const sources = [...filesBelow('circuits', '.ts'), ...filesBelow('prover', '')]
  const tools = ['typescript', 'esbuild', 'snarkjs', 'circomlibjs', 'uplot'].map(versionOf)
  const key = contentHash([...sources, 'scripts/buildLibrary.ts', 'tsconfig.json', 'tsconfig.build.json'], ...tools)
  const library = join(root, 'dist')
  if (existsSync(library) && isStamped('library', key)) return undefined
  const draft = join(root, 'build', `dist.draft-${process.pid}`)
  rmSync(draft, { recursive: true, force: true })
  await runNode('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--noCheck', '--outDir', draft)
  for (const file of sources.filter((path) => copied.some((suffix) => path.endsWith(suffix)))) {
    cpSync(join(root, file), join(draft, file))
  }
  for (const file of ['uPlot.iife.min.js', 'uPlot.min.css']) {
    cpSync(join(root, 'node_modules', 'uplot', 'dist', file), join(draft, 'prover/service/http/page', file))
  }
  await Promise.all(carriers.map((module) => carry(module, draft)))
  putInPlace(draft, library)
  stamp('library', key)
  return `${sources.length} files`
}

async function carry(module: string, draft: string): Promise<void> {
  await build({
    entryPoints: [join(root, `${module}.ts`)],
    outfile: join(draft, `${module}.js`),
    bundle: true,
    platform: 'node',
    format: 'esm',
    legalComments: 'inline',
    logLevel: 'silent',
    // What is bundled is CommonJS in parts.
    banner: { js: `import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)` },
  })
}

/** Another build may put its own there between the removal and the renaming: then ours follows. */
export function putInPlace(draft: string, folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  try {
    renameSync(draft, folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error
    putInPlace(draft, folder)
  }
}
