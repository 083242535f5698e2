/** Image, unit and compose file, which nothing here can run: what they name is there, and `serve` has the flags that they give it. */
import { existsSync, readFileSync } from 'node:fs'
import { join, matchesGlob } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../../scripts/tools/sources.ts'
import { zkrisk } from './zkrisk.ts'

const folder = join(root, 'scripts', 'operations')
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
/** Without comments. */
const linesOf = (name: string): readonly string[] =>
  read(name)
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
const flagsIn = (text: string): readonly string[] =>
  [...text.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([flag]) => flag)

/** Whoever runs it brings these. */
const BROUGHT = ['deployment.json', 'prover.key', 'keys.json', 'read.key', 'database-password']

describe('what runs the service', () => {
  it.each(['compose.yaml', 'zkrisk.service'])('%s gives `serve` flags that it has', async (name) => {
    const { stdout } = await zkrisk('serve', '--help')
    const known = new Set(flagsIn(stdout))
    const given = flagsIn(linesOf(name).join('\n'))
    expect(given).toContain('--deployment')
    expect(given.filter((flag) => !known.has(flag))).toEqual([])
  })

  it('the compose file uses what it declares, and declares what it uses', () => {
    const text = linesOf('compose.yaml').join('\n')
    // Indented by spaces alone, an even number of them, as YAML of two spaces has it.
    expect(text.split('\n').filter((line) => /^\t|^( {2})* (?! )/.test(line))).toEqual([])
    const secretsUsed = [...text.matchAll(/secrets: \[([^\]]*)\]/g)].flatMap(([, list = '']) => list.split(/,\s*/))
    const declared = [...(text.split(/^secrets:$/m)[1] ?? '').matchAll(/^ {2}([\w-]+): \{ file: \.\/(\S+) \}$/gm)]
    expect(new Set(secretsUsed)).toEqual(new Set(declared.map(([, secret]) => secret)))
    for (const [path] of text.matchAll(/\/run\/secrets\/[\w-]+/g)) expect(secretsUsed).toContain(path.split('/').at(-1))
    const mounted = [...text.matchAll(/"\.\/([\w.-]+):/g)].map(([, file = '']) => file)
    const files = [...mounted, ...declared.map(([, , file = '']) => file)]
    expect(files.filter((file) => !BROUGHT.includes(file) && !existsSync(join(folder, file)))).toEqual([])
    const volumes = [...text.matchAll(/"([a-z]+):\//g)].map(([, volume]) => volume)
    expect(text).toMatch(new RegExp(`^volumes: \\{ ${volumes.join(': {}, ')}: \\{\\} \\}$`, 'm'))
    const [, dockerfile = ''] = /dockerfile: (\S+) \}/.exec(text) ?? []
    expect(existsSync(join(root, dockerfile))).toBe(true)
  })

  it('keeps what whoever runs it brings out of the image and out of git', () => {
    const patterns = (file: string) => readFileSync(join(root, file), 'utf8').split('\n')
    const left = patterns('.dockerignore')
    const untracked = patterns('.gitignore').map((pattern) => pattern.replace(/^\//, ''))
    for (const file of BROUGHT.map((name) => `scripts/operations/${name}`)) {
      for (const list of [left, untracked]) expect(list.filter((each) => matchesGlob(file, each))).not.toEqual([])
    }
    expect(left.some((pattern) => matchesGlob('build/keys/first.json', pattern))).toBe(false)
  })

  it('runs the two compose files beside each other, and nothing as process 1 that does not hear a signal yet', () => {
    const texts = ['compose.yaml', 'compose.fleet.yaml'].map((name) => linesOf(name).join('\n'))
    expect(new Set(texts.map((text) => /^name: (\S+)$/m.exec(text)?.[1])).size).toBe(2)
    const ours = texts.flatMap((text) =>
      text.split(/^ {2}(?=[a-z]+:$)/m).filter((part) => /^(zkrisk|worker):/.test(part)),
    )
    expect(ours).toHaveLength(3)
    for (const part of ours) expect(part).toContain('\n    init: true\n')
  })

  it('gives a service that is told to end the time that it takes', () => {
    // As serve.ts has it: a job under way is finished within a minute.
    const seconds = [
      /stop_grace_period: (\d+)s/.exec(read('compose.yaml')),
      /TimeoutStopSec=(\d+)/.exec(read('zkrisk.service')),
    ]
    for (const found of seconds) expect(Number(found?.[1])).toBeGreaterThan(60)
    // Or the manager's stop reaches the processes that prove before the service has ended with them.
    expect(read('zkrisk.service')).toMatch(/^KillMode=mixed$/m)
  })

  it('starts a service again that died', () => {
    expect(read('compose.yaml').match(/restart: unless-stopped/g)).toHaveLength(2)
    expect(read('zkrisk.service')).toContain('Restart=on-failure')
    const probe = /fetch\('http:\/\/127\.0\.0\.1:8080(\/\w+)'\)/.exec(read('Dockerfile'))?.[1]
    expect(probe).toBe('/livez')
  })
})
