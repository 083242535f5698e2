/** Folders that are made. */
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { makeFolder, requireMakeable } from '../../prover/folder.ts'
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

it.skipIf(process.platform === 'win32')('goes through links as what is written there will', () => {
  mkdirSync(join(folder, 'away', 'target'), { recursive: true })
  symlinkSync(join(folder, 'away', 'target'), join(folder, 'link'))
  makeFolder(`${folder}/link/../beside`)
  expect([existsSync(join(folder, 'away', 'beside')), existsSync(join(folder, 'beside'))]).toEqual([true, false])
})

it('tries a place without leaving anything there', () => {
  const place = join(folder, 'place')
  mkdirSync(place)
  requireMakeable(place)
  requireMakeable(join(place, 'a', 'b'))
  expect(readdirSync(place)).toEqual([])
  const file = join(place, 'file')
  writeFileSync(file, '')
  expect(() => requireMakeable(join(file, 'a'))).toThrow(/ENOTDIR/)
})

it.skipIf(process.platform !== 'linux')('refuses a place in which nothing can be made', () => {
  expect(() => requireMakeable('/proc/zkrisk/state')).toThrow(/ENOENT/)
  expect(() => requireMakeable('/proc')).toThrow(/ENOENT/)
  symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling'))
  for (const act of [makeFolder, requireMakeable]) expect(() => act(join(folder, 'dangling', 'a'))).toThrow()
})
