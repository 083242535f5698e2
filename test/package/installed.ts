/** The package as npm packs it, installed in an empty project, and what its user runs there. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../../scripts/tools/sources.ts'
import { type Ended, run } from '../service/zkrisk.ts'

const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const isWindows = process.platform === 'win32'
const npm = (args: readonly string[], cwd: string): string =>
  execFileSync('npm', [...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], shell: isWindows })

/** What the package depends on comes from a registry, or out of npm's cache if it is not too old to be asked for. */
export const hasRegistry: boolean =
  spawnSync('npm', ['view', 'commander', 'version', '--fetch-retries=0', '--fetch-timeout=10000'], { shell: isWindows })
    .status === 0

export type PackedFile = { readonly path: string; readonly size: number }

export type Installed = {
  /** The user's project. */
  readonly project: string
  readonly files: readonly PackedFile[]
  /** Runs the installed `zkrisk`, without a build unless one is given. */
  zkrisk(...args: readonly string[]): Promise<Ended>
  zkriskWithBuild(...args: readonly string[]): Promise<Ended>
  node(...args: readonly string[]): Promise<Ended>
  remove(): void
}

/** Packs what is built, as `npm pack` does, and installs it. */
export function installPackage(): Installed {
  const folder = mkdtempSync(join(tmpdir(), 'zkrisk-package-'))
  const project = join(folder, 'project')
  const packed = JSON.parse(npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root))
  const [{ filename, files }] = (Array.isArray(packed) ? packed : Object.values(packed)) as [
    { filename: string; files: readonly PackedFile[] },
  ]
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'venue', private: true, type: 'module' }))
  npm(['install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, filename)], project)
  const bin = join(project, 'node_modules', 'zk-risk-engine', 'scripts', 'zkrisk.mjs')
  const node = (args: readonly string[], build = ''): Promise<Ended> =>
    run(process.execPath, args, { cwd: project, env: { ZKRISK_BUILD: build } })
  return {
    project,
    files,
    zkrisk: (...args) => node([bin, ...args]),
    zkriskWithBuild: (...args) => node([bin, ...args], join(root, 'build')),
    node: (...args) => node(args),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Tools that users of Solidity have besides: ours, so that they need not be fetched. */
export function addTools({ project }: Installed): void {
  for (const tool of ['hardhat', 'solc', 'typescript']) {
    if (devDependencies[tool] === undefined) throw new Error(`${tool} is no dependency of ours.`)
    symlinkSync(join(root, 'node_modules', tool), join(project, 'node_modules', tool))
  }
}
