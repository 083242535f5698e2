import { execFileSync, spawnSync } from 'node:child_process'
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

/** What npm says where `zkrisk` of a project is asked for that the running Node is too old for. */
function warningsOfNpx(settings: Readonly<Record<string, string>>): string {
  const project = projectOf({
    'package.json': JSON.stringify({
      name: 'zk-risk-engine',
      version: '1.0.0',
      bin: { zkrisk: './zkrisk.mjs' },
      engines: { node: '>=99' },
    }),
    'zkrisk.mjs': `#!/usr/bin/env node\nconsole.log('it runs')`,
    ...settings,
  })
  const { stdout, stderr } = spawnSync('npx', ['zkrisk'], {
    cwd: project,
    encoding: 'utf8',
    env: environmentOfAShell(),
  })
  expect(stdout).toBe('it runs\n')
  return stderr
}

it('lets npx run the command without a word on an older Node, which the command sees to itself', () => {
  expect(warningsOfNpx({})).toContain('EBADENGINE')
  expect(warningsOfNpx({ '.npmrc': readFileSync(join(root, '.npmrc'), 'utf8') })).toBe('')
})

it('pins every dependency, direct and indirect', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const direct = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies }
  for (const [name, version] of Object.entries(direct))
    expect(version, name).toMatch(/^(npm:[a-z@/-]+@)?\d+\.\d+\.\d+(-beta\.\d+)?$/)

  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  for (const [path, entry] of Object.entries<{ integrity?: string; link?: boolean }>(packages)) {
    const isOurs = path === '' || path.startsWith('scripts/') || entry.link === true
    if (!isOurs) expect(entry.integrity, path).toMatch(/^sha512-/)
  }
})
