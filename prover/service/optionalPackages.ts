/** Packages that some uses need and the rest does not: a clone installs them, a user of the package who wants these. */
import { optionalVersions } from '../config.ts'
import { ProverError } from '../errors.ts'

/** @throws {@link PackagesMissingError} */
export const withDatabasePackages = <Loaded>(load: () => Promise<Loaded>): Promise<Loaded> =>
  withPackages('A database', ['pg', 'pg-boss'], load)

/**
 * Loads what imports packages that may not be installed.
 *
 * @param use - what there is not without them
 * @throws {@link PackagesMissingError}
 */
export async function withPackages<Loaded>(
  use: string,
  packages: readonly string[],
  load: () => Promise<Loaded>,
): Promise<Loaded> {
  try {
    return await load()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.startsWith('Cannot find package')) throw error
    throw new PackagesMissingError(use, packages, error)
  }
}

/** What was asked for needs packages that are not installed. */
export class PackagesMissingError extends ProverError {
  readonly code = 'service.packages-missing'
  readonly packages: readonly string[]

  constructor(use: string, packages: readonly string[], cause: unknown) {
    const versions = packages.map((name) => `${name}@${optionalVersions[name]}`)
    super(`${use} needs packages that are not installed. Run \`npm install ${versions.join(' ')}\`.`, { cause })
    this.packages = packages
  }
}
