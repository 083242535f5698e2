/** Where the project, its build and what the package ships lie, whether this runs from the sources or from dist/. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** The nearest folder above this file that is ours. */
export const projectRoot: string = findRoot(import.meta.dirname)

type Versions = Readonly<Record<string, string>>
const manifest: {
  readonly version: string
  readonly devDependencies: Versions
  readonly peerDependencies: Versions
} = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'))

export const packageVersion: string = manifest.version

/** Of what the library carries with it instead of depending on it; pinned, so there is one. */
export const snarkjsVersion: string = manifest.devDependencies.snarkjs ?? 'unknown'

/** Of packages that a clone installs, and a user of the package where what needs them is wanted. */
export const optionalVersions: Versions = manifest.peerDependencies

/** Circuits, keys, contracts and reports: below the project's `build/`, or below ZKRISK_BUILD. */
export const buildFolder: string = resolve(process.env.ZKRISK_BUILD || join(projectRoot, 'build'))

/** npm packs no lock file. */
const isCheckout = existsSync(join(projectRoot, 'package-lock.json'))

/**
 * Whether this is an installed package that has been given no build: it can compute, read chains and verify with what it
 * ships, and cannot prove.
 */
export const isPackageAlone: boolean = !isCheckout && !process.env.ZKRISK_BUILD

/** What the package brings instead of a build: verification keys, compiled contracts and their hashes. */
export const shippedFolder: string = join(projectRoot, 'shipped')

/** What to do where something is not built. */
export const HOW_TO_BUILD: string = isPackageAlone
  ? 'Run `npm run build` in a clone of zk-risk-engine, and set ZKRISK_BUILD to its build folder.'
  : 'Run `npm run build`.'

function findRoot(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json')
    if (existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name === 'zk-risk-engine') return folder
    if (dirname(folder) === folder) throw new Error(`No package.json of zk-risk-engine above ${start}.`)
  }
}
