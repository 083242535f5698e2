import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../../scripts/tools/sources.ts'
import { projectOf } from './project.ts'

/** Without what the npm that runs these tests tells its children: the .npmrc must do it alone. */
const environmentOfAShell = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))

/** A project with our .npmrc that installs a package whose postinstall leaves a mark; says whether the mark is there. */
function canarySings(...flags: readonly string[]): boolean {
  const project = projectOf({
    'canary/package.json': JSON.stringify({
      name: 'canary',
      version: '1.0.0',
      scripts: { postinstall: 'echo > "$MARK"' },
    }),
    'home/package.json': JSON.stringify({ name: 'home', private: true, allowScripts: { canary: true } }),
  })
  const home = join(project, 'home')
  const mark = join(project, 'mark')
  copyFileSync(join(root, '.npmrc'), join(home, '.npmrc'))
  execFileSync('npm', ['pack', '../canary'], { cwd: home, stdio: 'ignore' })
  execFileSync('npm', ['install', '--offline', '--no-audit', ...flags, './canary-1.0.0.tgz'], {
    cwd: home,
    stdio: 'ignore',
    env: { ...environmentOfAShell(), MARK: mark },
  })
  return existsSync(mark)
}

it('runs no install script of a dependency', () => {
  expect(canarySings('--ignore-scripts=false')).toBe(true)
  expect(canarySings()).toBe(false)
})

it('pins every dependency, direct and indirect', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const direct = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies }
  for (const [name, version] of Object.entries(direct)) expect(version, name).toMatch(/^\d+\.\d+\.\d+$/)

  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  for (const [path, entry] of Object.entries<{ integrity?: string; link?: boolean }>(packages)) {
    const isOurs = path === '' || path.startsWith('scripts/') || entry.link === true
    if (!isOurs) expect(entry.integrity, path).toMatch(/^sha512-/)
  }
})
