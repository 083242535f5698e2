/** Folders that are made, and those that killed processes left behind. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { forgetDemos } from '../../prover/service/development/serveDemo.ts'
import { makeFolder } from '../../prover/service/folder.ts'
import { temporaryFolder } from './zkrisk.ts'

const folder = temporaryFolder()

it('makes a folder with those that it lies in, and is content with one that is there', () => {
  const deep = join(folder, 'a', 'b', 'c')
  makeFolder(deep)
  makeFolder(deep)
  expect(existsSync(deep)).toBe(true)
})

it('says what the system says of a file in the way', () => {
  const file = join(folder, 'file')
  writeFileSync(file, '')
  expect(() => makeFolder(file)).toThrow(/EEXIST/)
  expect(() => makeFolder(join(file, 'a', 'b'))).toThrow(/ENOTDIR/)
})

it.skipIf(process.platform !== 'linux')('ends where the system has no place for folders, as in /proc', () => {
  expect(() => makeFolder('/proc/zkrisk/state')).toThrow(/ENOENT/)
})

it('removes what demonstrations left that were killed, and nothing of those that run', () => {
  const killed = join(tmpdir(), 'zkrisk-demo-999999999-aBc123')
  mkdirSync(killed, { recursive: true })
  writeFileSync(join(killed, 'prover.key'), 'key')
  const running = mkdtempSync(join(tmpdir(), `zkrisk-demo-${process.pid}-`))
  try {
    forgetDemos()
    expect([existsSync(killed), existsSync(running)]).toEqual([false, true])
  } finally {
    rmSync(running, { recursive: true })
  }
})
